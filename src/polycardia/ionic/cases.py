"""One form for choices: CellML has only `piecewise`, and what follows knows only `if`."""

from typing import Any

import myokit


def choices_for_cases(equations: Any) -> None:
    """Write every ``piecewise`` of a model as ``if`` within ``if``, in place.

    The scheme finds linear states, and the kernel the slope of currents, through ``if``.
    """
    for variable in equations.variables(deep=True):
        if variable.rhs().contains_type(myokit.Piecewise):
            variable.set_rhs(_with_choices(variable.rhs()))


def _with_choices(expression: Any) -> Any:
    if not expression.contains_type(myokit.Piecewise):
        return expression
    if type(expression) is not myokit.Piecewise:
        return expression.clone(subst={part: _with_choices(part) for part in expression})
    *cases, chosen = (_with_choices(part) for part in expression)
    while cases:
        value, condition = cases.pop(), cases.pop()
        chosen = myokit.If(condition, value, chosen)
    return chosen
