"""Derivatives of Myokit expressions, in a form that shares its divisions with the original.

Myokit's own quotient rule divides by the square of the divisor; here d(a / b) is
(da - (a / b) db) / b, of which the compiler has a / b and 1 / b already.
"""

from collections.abc import Collection
from typing import Any

import myokit

ZERO = myokit.Number(0)
"""Known by its identity. Where it ends up in a sum or a product, a `Writer` leaves that out."""


def derivative(expression: Any, state: Any, moving: Collection[Any]) -> Any:
    """Return the derivative of ``expression`` by ``state``, `ZERO` where there is none.

    Args:
        expression: a `myokit.Expression`.
        state: a `myokit.Variable`.
        moving: the intermediary variables that follow the state. Their derivatives appear as
            `myokit.PartialDerivative`; all other variables stand still.
    """
    kind = type(expression)
    if kind is myokit.Name:
        if expression.var() is state:
            return myokit.Number(1)
        follows = expression.var() in moving
        return myokit.PartialDerivative(expression, myokit.Name(state)) if follows else ZERO
    if isinstance(expression, myokit.Condition):
        return ZERO
    parts = [derivative(part, state, moving) for part in expression]
    if all(part is ZERO for part in parts):
        return ZERO
    if kind in (myokit.PrefixPlus, myokit.PrefixMinus, myokit.Plus, myokit.Minus):
        return kind(*parts)
    if kind is myokit.If:
        return myokit.If(expression[0], *parts[1:])
    if kind is myokit.Multiply:
        (a, b), (da, db) = expression, parts
        return myokit.Plus(myokit.Multiply(da, b), myokit.Multiply(a, db))
    if kind is myokit.Divide:
        (_, b), (da, db) = expression, parts
        return myokit.Divide(myokit.Minus(da, myokit.Multiply(expression, db)), b)
    if kind is myokit.Exp:
        return myokit.Multiply(expression, parts[0])
    if kind is myokit.Power and parts[1] is ZERO:
        a, b = expression
        lower = myokit.Power(a, myokit.Minus(b, myokit.Number(1)))
        return myokit.Multiply(myokit.Multiply(b, lower), parts[0])
    return expression.diff(myokit.Name(state))
