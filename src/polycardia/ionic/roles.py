"""Voltage, time and stimulus among a model's variables, and the units that kernels have.

They are taken from the study where it names them, from labels, bindings and annotations where the
text has them, and from usual names otherwise.  Nothing is guessed between two candidates.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import myokit

from polycardia.errors import BadModel
from polycardia.ionic.cases import choices_for_cases
from polycardia.ionic.wording import sentence

VOLTAGE_NAMES = (
    *("v", "vm", "em", "voltage", "potential"),
    *("vmembrane", "membranevoltage", "membranepotential"),
    *("transmembranevoltage", "transmembranepotential"),
)
STIMULUS_NAMES = (
    *("istim", "istimulus", "stim", "stimulus", "stimcurrent", "stimuluscurrent", "stimamplitude"),
    *("iapp", "iapplied", "appliedcurrent", "iext", "iexternal", "iinj", "iinjected"),
)
"""In small letters without underscores."""

INPUTS_AT_ZERO = ("pace", "diffusion_current")
"""Myokit's names of what tissue supplies itself: stimulus and coupling current."""

MAX_UNFOLDED = 100_000
"""Terms of an equation with all others written into it; ten Tusscher-Panfilov 2006 has 529.  A
text of sixty lines, each twice the line before, would have 1e18 and keep a kernel waiting."""

MAX_DEPTH = 200
"""Brackets within brackets of an equation with all others written into it; 2006's has 40."""


Units = Literal["strict", "tolerant", "assumed"]


@dataclass(frozen=True)
class Naming:
    """What a study says of a model's file that the file does not.

    Attributes:
        units: tolerant leaves the equations' units unchecked, except those of voltage and time;
            assumed takes these two for mV and ms besides, where they have none.
        voltage: name of the membrane voltage's variable.
        time: name of the time's variable.
        stimulus: name of the variable that is the stimulus current, or decides it.
    """

    units: Units = "strict"
    voltage: str | None = None
    time: str | None = None
    stimulus: str | None = None


def assign_roles(equations: Any, naming: Naming, where: str) -> tuple[str, ...]:
    """Find the roles and bring time to ms and voltage to mV, in place.

    Afterwards the voltage has the label ``membrane_potential``, the stimulus is zero, no
    derivative depends on time, and ``piecewise`` is written as ``if``.

    Args:
        equations: a `myokit.Model`.
        naming: what the study says.
        where: what errors call it.

    Returns:
        A sentence about everything that the text does not say so itself.

    Raises:
        BadModel: a role is missing or has several candidates, units do not add up, or the
            equations are too entangled.
    """
    try:
        return tuple(_assigned(equations, naming, where))
    except myokit.MyokitError as error:
        raise BadModel(f"{where}: {sentence(error)}") from None
    except RuntimeError:
        # Myokit's at circles among derivatives; RecursionError is one, too
        raise BadModel(f"{where}: equations nested too deeply, or in a circle") from None


def _assigned(equations: Any, naming: Naming, where: str) -> Iterable[str]:
    if naming.time is not None:
        _bind_time(equations, _named(equations, naming.time, "time", where))
    equations.validate()
    _refuse_entangled(equations, where)
    choices_for_cases(equations)
    equations.validate()
    _refuse_entangled(equations, where)  # many cases are many choices within one another
    time, (voltage, how) = equations.time(), _voltage(equations, naming, where)
    if equations.label("membrane_potential") is not voltage:
        if (other := equations.label("membrane_potential")) is not None:
            other.set_label(None)
        voltage.set_label("membrane_potential")
    roles = ((time, myokit.units.ms, "a time"), (voltage, myokit.units.mV, "a voltage"))
    for variable, unit, what in roles:
        if naming.units == "assumed" and variable.unit() is None:
            variable.set_unit(unit)
            yield f"{variable.qname()} taken to be in {unit}"
        _require_dimension(variable, unit, what, where)
    _name_derivatives(equations)
    if naming.units == "strict":
        for _, variable in equations.bindings():
            _set_zero(variable)  # whatever the text has there is never used
        _require_units(equations, where)
    if how:
        yield f"voltage {voltage.qname()}, {how}"
    yield from _silence(equations, naming, where)
    for variable, unit, _ in reversed(roles):
        found = variable.unit()
        if variable.convert_unit(unit):
            yield f"{variable.qname()} converted from {found} to {unit}"
    equations.validate()
    _refuse_time(equations, where)


def _require_units(equations: Any, where: str) -> None:
    try:
        equations.check_units(myokit.UNIT_STRICT)
    except myokit.IncompatibleUnitError as error:
        raise BadModel(
            f"{where}: {sentence(error)}; expected units that add up, or `units: tolerant`, which "
            "leaves those of the equations unchecked"
        ) from None


def _bind_time(equations: Any, time: Any) -> None:
    if equations.time() is not None:
        equations.time().set_binding(None)
    time.set_binding("time")


def _named(equations: Any, name: str, role: str, where: str) -> Any:
    """Return the variable that the study names."""
    found = [v for v in equations.variables(deep=True) if name in (v.name(), v.qname())]
    if len(found) != 1:
        known = ", ".join(v.qname() for v in found or equations.variables(deep=True))
        raise BadModel(f"{where}: {role}: found {name!r}, expected one of {known}")
    return found[0]


def _voltage(equations: Any, naming: Naming, where: str) -> tuple[Any, str]:
    """Return the voltage's variable, and how it was found if neither study nor label says."""
    labelled = equations.label("membrane_potential")
    if naming.voltage is not None:
        labelled = _named(equations, naming.voltage, "voltage", where)
    if labelled is not None:
        if not labelled.is_state():
            raise BadModel(f"{where}: the voltage {labelled.qname()} is not a state variable")
        return labelled, ""
    states = list(equations.states())
    annotated = [v for v in states if v.meta.get("oxmeta") == "membrane_voltage"]
    volts = [v for v in states if _has_dimension(v, myokit.units.mV)]
    if naming.units == "assumed":
        volts += [v for v in states if v.unit() is None and _plain(v) in VOLTAGE_NAMES]
    usual = [v for v in volts if _plain(v) in VOLTAGE_NAMES]
    for candidates, how in (
        (annotated, "annotated as such"),
        (usual, "by its name"),
        (volts, "the only state with such a unit"),
    ):
        if len(candidates) == 1:
            return candidates[0], how
        if candidates:
            break
    which = (
        f"{', '.join(v.qname() for v in candidates)} might be it, expected one"
        if candidates
        else f"none of its states {', '.join(v.qname() for v in states) or '(there are none)'} "
        "has a voltage's unit"
    )
    raise BadModel(
        f"{where}: no state variable carries the label membrane_potential and no `voltage` is "
        f"named in the config: {which}"
    )


def _silence(equations: Any, naming: Naming, where: str) -> Iterable[str]:
    """Set the text's own stimulus to zero: tissue has the study's."""
    for binding, variable in list(equations.bindings()):
        if binding in INPUTS_AT_ZERO:
            variable.set_binding(None)
            _set_zero(variable)
        elif binding != "time" and not list(variable.refs_by()):
            variable.set_binding(None)  # of the simulation elsewhere, as its real time: nobody asks
        elif binding != "time":
            raise BadModel(
                f"{where}: {variable.qname()} is bound to {binding}, "
                f"only time, {' and '.join(INPUTS_AT_ZERO)} can be"
            )
    if naming.stimulus is not None:
        named = _named(equations, naming.stimulus, "stimulus", where)
        if named.is_state() or named is equations.time():
            raise BadModel(f"{where}: the stimulus {named.qname()} is a state variable or the time")
        _set_zero(named)
        return
    for variable in _time_dependent(equations):
        if (
            _plain(variable) in STIMULUS_NAMES
            or variable.meta.get("oxmeta") == "membrane_stimulus_current"
        ):
            _set_zero(variable)
            yield f"stimulus {variable.qname()} set to zero"


def _set_zero(variable: Any) -> None:
    variable.set_rhs(myokit.Number(0, variable.unit()))


def _time_dependent(equations: Any) -> list[Any]:
    """Return the variables, states aside, that depend on time itself, in the text's order."""
    time, found = equations.time(), set()
    pending = [time]
    while pending:
        for variable in pending.pop().refs_by():
            if not variable.is_state() and variable not in found:
                found.add(variable)
                pending.append(variable)
    return [variable for variable in equations.variables(deep=True) if variable in found]


def _refuse_time(equations: Any, where: str) -> None:
    suspects = {*_time_dependent(equations), equations.time()}
    for state in equations.states():
        through = {reference.var() for reference in state.rhs().references()} & suspects
        if through:
            names = ", ".join(sorted(variable.qname() for variable in through))
            raise BadModel(
                f"{where}: the derivative of {state.qname()} depends on time itself through "
                f"{names}; `stimulus` in the config names a stimulus"
            )


def _name_derivatives(equations: Any) -> None:
    """Give each derivative that other equations use a variable: kernels have no other form."""
    for state in list(equations.states()):
        users = list(state.refs_by(False))
        if not users:
            continue
        derivative = state.parent().add_variable_allow_renaming(f"{state.name()}_derivative")
        derivative.set_rhs(state.rhs())
        if state.unit() is not None and equations.time().unit() is not None:
            derivative.set_unit(state.unit() / equations.time().unit())
        state.set_rhs(myokit.Name(derivative))
        old = myokit.Derivative(myokit.Name(state))
        for user in users:
            # The new variable may be a user itself, by way of what the state's equation held
            target = derivative if user is state else user
            target.set_rhs(target.rhs().clone(subst={old: myokit.Name(derivative)}))
    equations.validate()


def _refuse_entangled(equations: Any, where: str) -> None:
    """Bound the time and the stack of everything that follows references."""
    extents: dict[Any, tuple[int, int]] = {}
    for group in equations.solvable_order().values():
        for equation in group:
            size, depth = _extent(equation.rhs, extents)
            if size > MAX_UNFOLDED or depth > MAX_DEPTH:
                raise BadModel(
                    f"{where}: the equation of {equation.lhs.var().qname()} is too entangled: "
                    f"{size} terms, {depth} deep with all others written into it, "
                    f"expected at most {MAX_UNFOLDED} and {MAX_DEPTH}"
                )
            extents[equation.lhs.var()] = (size, depth)


def _extent(expression: Any, extents: Mapping[Any, tuple[int, int]]) -> tuple[int, int]:
    """Return an expression's number of terms and its depth, those of its variables included."""
    size, deepest, pending = 0, 0, [(expression, 1)]
    while pending:
        part, depth = pending.pop()
        inside = (0, 0)
        if type(part) is myokit.Name and not part.is_state_value():
            inside = extents.get(part.var(), inside)
        size, deepest = size + 1 + inside[0], max(deepest, depth + inside[1])
        pending.extend((inner, depth + 1) for inner in part)
    return size, deepest


def _require_dimension(variable: Any, unit: Any, what: str, where: str) -> None:
    if not _has_dimension(variable, unit):
        found = "none" if variable.unit() is None else str(variable.unit())
        hint = "" if variable.unit() else f"; `units: assumed` takes it for {unit}"
        raise BadModel(f"{where}: {variable.qname()} has the unit {found}, must be {what}'s{hint}")


def _has_dimension(variable: Any, unit: Any) -> bool:
    return variable.unit() is not None and bool(myokit.Unit.can_convert(variable.unit(), unit))


def _plain(variable: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", variable.name().lower())
