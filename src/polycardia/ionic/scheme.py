"""How each state of a cell takes its step, found from the form of its equation.

A step goes through three groups, each with the newest values of the groups before it:

1. *relaxing* states, whose derivative is linear in the state itself: gates, Markov occupancies.
   They take the exact exponential for all else held still (Rush & Larsen, IEEE Trans Biomed Eng
   25:389, 1978; for any linear state Sundnes et al., ibid. 56:2546, 2009).
2. the *voltage*, by the tangent of its derivative, whose slope is found symbolically (Sundnes et
   al.), and *late* states: they relax as well, but towards something that depends on the currents.
3. *explicit* states, mostly concentrations: by the tangent, too, but without what the currents add
   to its slope, which would cost more than it brings.

Groups 1 and 2 take turns, each of second order with the other held still.  Such a step is a step
of the symmetric (Strang) splitting seen half a step of the gates earlier, so the voltage is of
second order although it costs one evaluation (Hines, Int J Biomed Comput 15:69, 1984, staggers
gates and voltage for this).  What is left of first order comes from the concentrations.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import myokit

NONLINEAR = 2
"""Any degree above one."""


@dataclass(frozen=True)
class Scheme:
    """The states of a model by the way they take their step, in the order of the text.

    Attributes:
        relaxing: updated first.
        late: states that relax as well, but towards something that depends on the voltage's
            currents: they wait for the new gates, which saves evaluating the currents twice.
        explicit: updated with the new values of both.
    """

    relaxing: tuple[Any, ...]
    late: tuple[Any, ...]
    explicit: tuple[Any, ...]


def scheme(states: Iterable[Any], voltage: Any) -> Scheme:
    """Return how ``states``, all but the voltage, take their step."""
    states = tuple(states)
    linear = [state for state in states if degree(state.rhs(), state) < NONLINEAR]
    moving = {
        x
        for x in intermediaries([voltage.rhs()])
        if any(x.rhs().depends_on(myokit.Name(state), deep=True) for state in linear)
    }
    late = tuple(state for state in linear if moving & intermediaries([state.rhs()]))
    relaxing = tuple(state for state in linear if state not in late)
    explicit = tuple(state for state in states if state not in linear)
    return Scheme(relaxing, late, explicit)


def limit_and_time_constant(state: Any) -> tuple[Any, Any] | None:
    """Return the variables of ``dot(x) = (limit - x) / time_constant``, or None."""
    rhs = state.rhs()
    if type(rhs) is not myokit.Divide or type(rhs[0]) is not myokit.Minus:
        return None
    (limit, itself), time_constant = rhs
    if itself != myokit.Name(state) or not all(
        type(part) is myokit.Name and degree(part, state) == 0 for part in (limit, time_constant)
    ):
        return None
    return limit.var(), time_constant.var()


def degree(expression: Any, state: Any, known: dict[Any, int] | None = None) -> int:
    """Return 0, 1 or `NONLINEAR`: how ``expression`` depends on ``state``, all else held still.

    ``known`` remembers the degrees of intermediary variables.
    """
    known = {} if known is None else known
    kind = type(expression)
    if kind is myokit.Name:
        variable = expression.var()
        if variable not in known:
            inside = variable.rhs() if variable.is_intermediary() else None
            known[variable] = degree(inside, state, known) if inside is not None else 0
        return 1 if variable is state else known[variable]
    degrees = [degree(part, state, known) for part in expression]
    if not any(degrees):
        return 0
    if kind in (myokit.Plus, myokit.Minus, myokit.PrefixPlus, myokit.PrefixMinus):
        return max(degrees)
    if kind is myokit.Multiply:
        return min(sum(degrees), NONLINEAR)
    if kind is myokit.Divide:
        return degrees[0] if degrees[1] == 0 else NONLINEAR
    if kind is myokit.If:
        return max(degrees[1:]) if degrees[0] == 0 else NONLINEAR
    return NONLINEAR


def intermediaries(expressions: Iterable[Any]) -> set[Any]:
    """Return the variables that the expressions are computed from, other than states."""
    found: set[Any] = set()
    pending = list(expressions)
    while pending:
        for variable in _referred(pending.pop()):
            if variable.is_intermediary() and variable not in found:
                found.add(variable)
                pending.append(variable.rhs())
    return found


def _referred(expression: Any) -> Iterator[Any]:
    for reference in expression.references():
        yield reference.var()
