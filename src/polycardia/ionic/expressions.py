"""Writing Myokit expressions as C that gcc and clang can vectorise."""

import contextlib
import math
import operator as op
from collections.abc import Callable, Iterable
from typing import Any

import myokit

from polycardia.errors import BadModel
from polycardia.ionic.exponentials import Linear, bases, constant, linear

MAX_CHAIN = 64
"""Whole powers up to this are multiplied out."""

INFIX = {
    myokit.Plus: "+",
    myokit.Minus: "-",
    myokit.Multiply: "*",
    myokit.Divide: "/",
    myokit.Equal: "==",
    myokit.NotEqual: "!=",
    myokit.More: ">",
    myokit.Less: "<",
    myokit.MoreEqual: ">=",
    myokit.LessEqual: "<=",
    # the bitwise forms: the logical ones would be branches
    myokit.And: "&",
    myokit.Or: "|",
}
ARITHMETIC = {"+": op.add, "-": op.sub, "*": op.mul, "/": op.truediv}
ZERO, ONE = "0.0", "1.0"
PREFIX = {myokit.PrefixPlus: "+", myokit.PrefixMinus: "-", myokit.Not: "!"}
FUNCTIONS = {
    myokit.Sqrt: "sqrt",
    myokit.Abs: "fabs",
    myokit.Floor: "floor",
    myokit.Ceil: "ceil",
    myokit.Exp: "exp_",
    # not vectorised: the loop then calls the C library node by node
    myokit.Sin: "sin",
    myokit.Cos: "cos",
    myokit.Tan: "tan",
    myokit.ASin: "asin",
    myokit.ACos: "acos",
    myokit.ATan: "atan",
}


class Writer:
    """Turns expressions into C, and collects the lines that they need before them.

    Args:
        names: the C name of a variable's value, from its Myokit name.
        expressions: all that will be written: which exponentials can be shared
            depends on all of them.
    """

    def __init__(self, names: Callable[[str], str], expressions: Iterable[Any]) -> None:
        self._names = names
        self._temporaries: dict[str, str] = {}
        self._lines: list[str] = []
        rates: dict[tuple[tuple[str, float], ...], set[float]] = {}
        for form in _exponents(expressions):
            rates.setdefault(form.direction, set()).add(form.rate)
        self._bases = {direction: bases(found) for direction, found in rates.items()}

    def take_lines(self) -> list[str]:
        """Return the lines that what was written since the last call needs before it."""
        lines, self._lines = self._lines, []
        return lines

    def write(self, expression: Any) -> str:
        """Return ``expression`` as C, in brackets where it needs them."""
        kind = type(expression)
        if kind is myokit.PartialDerivative:
            return self._names(slope_name(*(part.var() for part in expression)))
        if not isinstance(expression, myokit.Condition) and expression.is_constant():
            return number(constant(expression))
        if kind is myokit.Name:
            return self._names(expression.var().qname())
        if kind in INFIX:
            return _infix(self.write(expression[0]), INFIX[kind], self.write(expression[1]))
        if kind in PREFIX:
            return _prefix(PREFIX[kind], self.write(expression[0]))
        if kind is myokit.Power:
            return self._power(*expression)
        if kind is myokit.Exp:
            return self._exponential(expression[0])
        if kind in FUNCTIONS:
            return f"{FUNCTIONS[kind]}({self.write(expression[0])})"
        if kind in (myokit.If, myokit.Piecewise):
            return self._choice(expression)
        if kind in (myokit.Log, myokit.Log10):
            return self._logarithm(expression)
        if kind in (myokit.Quotient, myokit.Remainder):
            return self._whole_division(expression)
        raise BadModel(f"{expression.code()}: {kind.__name__} cannot be turned into a kernel")

    def temporary(self, value: str) -> str:
        """Return the name of a variable that holds ``value``; equal values share one."""
        if value not in self._temporaries:
            self._temporaries[value] = f"t{len(self._temporaries)}"
            self._lines.append(f"const double {self._temporaries[value]} = {value};")
        return self._temporaries[value]

    def value(self, expression: Any) -> str:
        """Return ``expression`` as the name of a variable that holds it, or as a number."""
        written = self.write(expression)
        return written if is_literal(written) else self.temporary(written)

    def _exponential(self, argument: Any) -> str:
        form = linear(argument)
        if form is None:
            return f"exp_({self.write(argument)})"
        base, power = self._bases[form.direction][form.rate]
        terms = (f"{number(base * slope)} * {self._names(name)}" for name, slope in form.direction)
        root = self.temporary(f"exp_({' + '.join(terms)})")
        factor = number(math.exp(form.shift))
        return f"({factor} * {self._whole_power(root, power)})"

    def _power(self, base: Any, exponent: Any) -> str:
        if exponent.is_constant():
            value = constant(exponent)
            if value == 0.0:
                return "1.0"
            if value == 0.5:
                return f"sqrt({self.write(base)})"
            if value.is_integer() and 0 < abs(value) <= MAX_CHAIN:
                return self._whole_power(self.temporary(self.write(base)), int(value))
        return f"pow_({self.write(base)}, {self.write(exponent)})"

    def _whole_power(self, base: str, power: int) -> str:
        if power < 0:
            return self._whole_power(self.temporary(f"1.0 / {base}"), -power)
        if power == 1:
            return base
        half = self._whole_power(base, power // 2)
        square = self.temporary(f"{half} * {half}")
        return self.temporary(f"{square} * {base}") if power % 2 else square

    def _choice(self, expression: Any) -> str:
        parts = list(expression)
        written = self.write(parts.pop())
        while parts:
            value, condition = self.write(parts.pop()), self.write(parts.pop())
            written = f"({condition} ? {value} : {written})"
        return written

    def _logarithm(self, expression: Any) -> str:
        base = 10.0 if type(expression) is myokit.Log10 else math.e
        if len(expression) == 2:
            return f"(log_({self.write(expression[0])}) / log_({self.write(expression[1])}))"
        scale = "" if base == math.e else f" * {number(1.0 / math.log(base))}"
        return f"(log_({self.write(expression[0])}){scale})"

    def _whole_division(self, expression: Any) -> str:
        dividend, divisor = (self.temporary(self.write(part)) for part in expression)
        quotient = f"floor({dividend} / {divisor})"
        if type(expression) is myokit.Quotient:
            return quotient
        return f"({dividend} - {divisor} * {quotient})"


def slope_name(variable: Any, state: Any) -> str:
    """Return under which name a `Writer` asks for the derivative of a variable by a state."""
    return f"d {variable.qname()} / d {state.qname()}"


def _infix(first: str, operator: str, second: str) -> str:
    """Return the C text, without what a one or a zero makes superfluous."""
    if (operator == "*" and ZERO in (first, second)) or (operator == "/" and first == ZERO):
        return ZERO
    if (operator == "+" and first == ZERO) or (operator == "*" and first == ONE):
        return second
    if (operator in "+-" and second == ZERO) or (operator in "*/" and second == ONE):
        return first
    if operator in ARITHMETIC and is_literal(first) and is_literal(second):
        with contextlib.suppress(ArithmeticError):
            return number(ARITHMETIC[operator](value_of(first), value_of(second)))
    return f"({first} {operator} {second})"


def _prefix(operator: str, operand: str) -> str:
    if operator in "+-" and is_literal(operand):
        return number(value_of(operand) if operator == "+" else 0.0 - value_of(operand))
    return f"({operator}{operand})"


def is_literal(text: str) -> bool:
    """Return whether C text is a number and nothing else."""
    try:
        value_of(text)
    except ValueError:
        return False
    return True


def value_of(literal: str) -> float:
    """Return the value of what `number` wrote."""
    return float(literal.strip("()"))


def number(value: float) -> str:
    """Return a C literal that reads back as ``value``."""
    return f"({value!r})" if value < 0 else repr(value)


def _exponents(expressions: Iterable[Any]) -> Iterable[Linear]:
    """Yield the linear arguments of all exponentials."""
    pending = list(expressions)
    while pending:
        expression = pending.pop()
        if type(expression) is myokit.Exp and (form := linear(expression[0])) is not None:
            yield form
        pending.extend(expression)
