"""What the retyped equations are evaluated with: arrays of states, or one state quickly.

`math` is ten times as fast as NumPy on single numbers, and a stiff integrator asks for millions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = Any
"""A float or an array."""


@dataclass(frozen=True)
class Functions:
    """The functions of the papers; all of them of floats, or all of them of arrays."""

    exp: Callable[[Value], Value]
    log: Callable[[Value], Value]
    sqrt: Callable[[Value], Value]
    tanh: Callable[[Value], Value]
    where: Callable[[Value, Value, Value], Value]
    over_expm1: Callable[[Value], Value]
    """x / (exp(x) - 1), 1 at x = 0."""

    def gate(self, half: float, slope: float, V: Value) -> Value:
        """Boltzmann curve, rising with V where slope is positive."""
        return 1.0 / (1.0 + self.exp((half - V) / slope))


def _over_expm1(x: Value) -> Value:
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, safe / np.expm1(safe))


ARRAYS = Functions(np.exp, np.log, np.sqrt, np.tanh, np.where, _over_expm1)
FLOATS = Functions(
    exp=math.exp,
    log=math.log,
    sqrt=math.sqrt,
    tanh=math.tanh,
    where=lambda condition, yes, no: yes if condition else no,
    over_expm1=lambda x: x / math.expm1(x) if x else 1.0,
)
