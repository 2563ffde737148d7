"""Currents and other variables of a cell, from its recorded voltage and states.

Compiled kernels return no intermediary variables.  They follow from voltage and states, so they
are computed afterwards, here: for all samples at once, by walking the expressions.  Nothing of a
model's text is turned into code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import myokit
import numpy as np

from polycardia.errors import BadModel
from polycardia.ionic.kernel import Floats
from polycardia.ionic.model import CellModel

OPERATIONS: Mapping[Any, Callable[..., Any]] = {
    myokit.PrefixPlus: np.positive,
    myokit.PrefixMinus: np.negative,
    myokit.Plus: np.add,
    myokit.Minus: np.subtract,
    myokit.Multiply: np.multiply,
    myokit.Divide: np.divide,
    myokit.Quotient: np.floor_divide,
    myokit.Remainder: np.mod,
    myokit.Power: np.power,
    myokit.Sqrt: np.sqrt,
    myokit.Exp: np.exp,
    myokit.Log10: np.log10,
    myokit.Sin: np.sin,
    myokit.Cos: np.cos,
    myokit.Tan: np.tan,
    myokit.ASin: np.arcsin,
    myokit.ACos: np.arccos,
    myokit.ATan: np.arctan,
    myokit.Floor: np.floor,
    myokit.Ceil: np.ceil,
    myokit.Abs: np.abs,
    myokit.Equal: np.equal,
    myokit.NotEqual: np.not_equal,
    myokit.More: np.greater,
    myokit.Less: np.less,
    myokit.MoreEqual: np.greater_equal,
    myokit.LessEqual: np.less_equal,
    myokit.And: np.logical_and,
    myokit.Or: np.logical_or,
    myokit.Not: np.logical_not,
    myokit.If: np.where,
}


@dataclass(frozen=True)
class Trace:
    """A variable over time.

    Attributes:
        variable: its whole name in the model's text.
        unit: of the model's text.
        values: ``(n,)``.
    """

    variable: str
    unit: str
    values: Floats


def find_variable(model: CellModel, name: str) -> Any:
    """Return the variable called ``name``, or ``component.name`` where that is needed.

    Raises:
        BadModel: no variable has that name, or several have.
    """
    found = [
        variable
        for variable in model.equations.variables(deep=True)
        if name in (variable.name(), variable.qname())
    ]
    if len(found) > 1:
        raise BadModel(
            f"cell model {model.name}: {name} may be any of "
            f"{', '.join(variable.qname() for variable in found)}; give the whole name"
        )
    if not found:
        known = ", ".join(v.name() for v in model.equations.variables(const=False, deep=True))
        raise BadModel(
            f"cell model {model.name}: {name} is not one of its variables; what changes is {known}"
        )
    return found[0]


def evaluate(
    model: CellModel,
    name: str,
    voltage: Floats,
    states: Floats,
    constants: Mapping[str, float] | None = None,
) -> Trace:
    """Return a variable of a cell, whatever it is.

    Args:
        model: the equations.
        name: of the variable.
        voltage: ``(n,)`` [mV].
        states: ``(n_states, n)`` in the order of ``model.gates_and_concentrations``.
        constants: other values for constants, by their whole name.

    Raises:
        BadModel: there is no such variable, or its equation is of an unknown kind.
    """
    variable = find_variable(model, name)
    known: dict[str, Any] = {model.voltage.qname(): voltage, **(constants or {})}
    for state, values in zip(model.gates_and_concentrations, states, strict=True):
        known[state.qname()] = values
    # Both branches of a choice are computed, so that one of them may be out of its range.
    with np.errstate(all="ignore"):
        values = _value(myokit.Name(variable), known)
    unit = variable.unit()
    return Trace(
        variable=variable.qname(),
        unit="1" if unit in (None, myokit.units.dimensionless) else str(unit).strip("[]"),
        values=np.broadcast_to(np.asarray(values, np.float64), voltage.shape).copy(),
    )


def _value(expression: Any, known: dict[str, Any]) -> Any:
    """Return an expression's value; variables are computed once and kept in ``known``.

    Models that were loaded have ``if`` for every ``piecewise``.
    """
    kind = type(expression)
    if kind is myokit.Number:
        return np.float64(expression.eval())
    if kind is myokit.Name:
        variable = expression.var()
        if variable.qname() not in known:
            known[variable.qname()] = _value(variable.rhs(), known)
        return known[variable.qname()]
    if kind is myokit.Derivative:
        return _value(expression.var().rhs(), known)
    parts = [_value(part, known) for part in expression]
    if kind is myokit.Log:
        return np.log(parts[0]) if len(parts) == 1 else np.log(parts[0]) / np.log(parts[1])
    if kind not in OPERATIONS:
        raise BadModel(f"{expression.code()}: {kind.__name__} cannot be evaluated")
    return OPERATIONS[kind](*parts)
