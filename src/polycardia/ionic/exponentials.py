"""Fewer exponentials: many in a membrane model are whole powers of one another.

exp((V + 35) / 5), exp((25 - V) / 10) and exp((50 - V) / 20) are constants times the 4th, the
-2nd and the -1st power of exp(V / 20).  ten Tusscher-Panfilov 2006 writes 50 exponentials of
arguments that are linear in the voltage; 20 are left.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import myokit
import numpy as np

from polycardia.errors import BadModel

MAX_POWER = 64
"""A power's relative error is its exponent times the exponential's: 64 give about 1e-14."""

MAX_DIVISOR = 8
"""Bases tried for a rate are the rate over 1, 2, ..., this."""

MAX_SHIFT = 300.0
"""[1] Beyond exp(+-300) the constant factor of a shifted argument could leave double's range."""


@dataclass(frozen=True)
class Linear:
    """``sum(slope * variable) + shift``.

    Attributes:
        slopes: pairs of a variable's name and its slope, sorted by name; none is zero.
        shift: the constant.
    """

    slopes: tuple[tuple[str, float], ...]
    shift: float

    @property
    def rate(self) -> float:
        """The first slope; the others follow from the direction."""
        return self.slopes[0][1]

    @property
    def direction(self) -> tuple[tuple[str, float], ...]:
        """The slopes as multiples of the first."""
        return tuple((name, float(f"{slope / self.rate:.12g}")) for name, slope in self.slopes)


def constant(expression: Any) -> float:
    """Return the value of an expression without variables.

    Raises:
        BadModel: it has none, being for example a division by zero.
    """
    try:
        with np.errstate(all="ignore"):
            value = float(expression.eval())
    except (ArithmeticError, ValueError, myokit.NumericalError):
        value = math.nan
    if not math.isfinite(value):
        raise BadModel(f"{expression.code()} is not a finite number")
    return value


def linear(expression: Any) -> Linear | None:
    """Return ``expression`` as a linear form of states and other variables, or None.

    An intermediary variable that is itself a linear form is seen through.
    """
    form = _form(expression)
    if form is None:
        return None
    shift = form.pop("", 0.0)
    slopes = tuple(sorted((name, slope) for name, slope in form.items() if slope != 0.0))
    return Linear(slopes, shift) if slopes and abs(shift) < MAX_SHIFT else None


def _form(expression: Any) -> dict[str, float] | None:
    """Return slopes by variable name, and the constant under the empty name."""
    if expression.is_constant():
        return {"": constant(expression)}
    kind = type(expression)
    if kind is myokit.Name:
        variable = expression.var()
        given = variable.is_state() or variable.is_bound()
        inside = None if given else _form(variable.rhs())
        return {variable.qname(): 1.0} if inside is None else inside
    if kind in (myokit.PrefixMinus, myokit.PrefixPlus):
        return _scaled(_form(expression[0]), -1.0 if kind is myokit.PrefixMinus else 1.0)
    if kind in (myokit.Plus, myokit.Minus):
        return _sum(
            _form(expression[0]),
            _scaled(_form(expression[1]), 1.0 if kind is myokit.Plus else -1.0),
        )
    if kind is myokit.Multiply:
        first, second = expression
        if second.is_constant():
            first, second = second, first
        return _scaled(_form(second), constant(first)) if first.is_constant() else None
    if kind is myokit.Divide and expression[1].is_constant():
        divisor = constant(expression[1])
        return _scaled(_form(expression[0]), 1.0 / divisor) if divisor else None
    return None


def _scaled(form: dict[str, float] | None, factor: float) -> dict[str, float] | None:
    return None if form is None else {name: factor * slope for name, slope in form.items()}


def _sum(
    first: dict[str, float] | None, second: dict[str, float] | None
) -> dict[str, float] | None:
    if first is None or second is None:
        return None
    names = first.keys() | second.keys()
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in names}


def bases(rates: Iterable[float]) -> dict[float, tuple[float, int]]:
    """Return for each rate a base rate and the whole power that leads back to it.

    Greedy: the base that serves most rates is taken first, of equal ones the one
    with the smallest powers.
    """
    left = sorted(set(rates), key=abs)
    found: dict[float, tuple[float, int]] = {}
    while left:
        candidates = [abs(rate) / k for rate in left for k in range(1, MAX_DIVISOR + 1)]
        base = max(candidates, key=lambda candidate: _merit(candidate, left))
        served = {rate: _power(rate, base) for rate in left if _power(rate, base)}
        if len(served) == 1:
            rate = next(iter(served))
            base, served = rate, {rate: 1}
        found |= {rate: (base, power) for rate, power in served.items()}
        left = [rate for rate in left if rate not in served]
    return found


def _power(rate: float, base: float) -> int:
    """Return the whole power of the base that the rate is, 0 if none."""
    power = round(rate / base)
    whole = abs(power) <= MAX_POWER and math.isclose(power * base, rate, rel_tol=1e-12)
    return power if whole else 0


def _merit(base: float, rates: list[float]) -> tuple[int, int]:
    powers = [abs(_power(rate, base)) for rate in rates]
    return (sum(power > 0 for power in powers), -max(powers))
