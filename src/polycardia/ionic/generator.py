"""From a cell model to one C function that advances many cells.

The function's loop runs over the cells and has neither branches nor calls in it, so that the
compiler vectorises it.  How each state takes its step: see `polycardia.ionic.scheme`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import myokit
import myokit.lib.hh as hh

from polycardia.errors import BadModel
from polycardia.ionic.derivatives import ZERO, derivative
from polycardia.ionic.expressions import Writer, is_literal, number, slope_name
from polycardia.ionic.model import CellModel, find_constant
from polycardia.ionic.scheme import intermediaries, limit_and_time_constant, scheme
from polycardia.ionic.template import (
    BETWEEN,
    CACHED,
    ELEMENTS,
    FUNCTION,
    LANES,
    TEMPLATE,
    VECTOR_MATH,
)


def c_source(model: CellModel, node_parameters: Sequence[str] = ()) -> str:
    """Return the C text of ``advance`` and ``between`` for a cell model.

    ``advance(voltage, gating, states, stride, n, dt, n_steps, parameters)`` advances
    ``voltage[i]`` and ``states[k * stride + i]`` for i < n in place; gates go by the voltage
    ``gating[i]``, or without it by ``voltage[i]``; ``parameters[k][i]`` is node i's value of the
    k-th of ``node_parameters``.

    ``between`` adds up how the voltage would change at points between four nodes each, from
    voltages and states interpolated there: see `polycardia.ionic.kernel.Kernel.add_between`.

    Args:
        model: the equations; all other constants become literals.
        node_parameters: constants that have a value of their own at every node.

    Raises:
        BadModel: a parameter is not a constant of the model, or an expression has no C form.
    """
    equations = hh.convert_hh_states_to_inf_tau_form(model.equations, model.voltage)
    parameters = _freed(equations, node_parameters, model.name)
    try:
        body, between = _Body(equations, parameters), _Body(equations, parameters)
        lines, between_lines = list(body.lines()), list(between.voltage_lines())
    except BadModel as error:
        raise BadModel(f"cell model {model.name}: {error}") from None
    n_states = equations.count_states() - 1
    return TEMPLATE.format(
        vector_math=VECTOR_MATH.read_text(),
        function=FUNCTION,
        lanes=LANES,
        n_states=n_states,
        n_parameters=len(parameters),
        block=max(1, CACHED // (LANES * (n_states + 1))) * LANES,
        pointers=_lines(
            4, (f"double *restrict s{k} = states + {k} * stride;" for k in range(n_states))
        ),
        invariants=_lines(4, body.invariants),
        body=_lines(8, lines),
        between=BETWEEN,
        elements=ELEMENTS,
        n_between=len(between.driving),
        between_rows=", ".join([*(str(k) for k in between.driving), "0"]),
        between_pointers=_lines(
            4,
            (
                f"const double *restrict s{k} = between + {place} * POINTS;"
                for place, k in enumerate(between.driving)
            ),
        ),
        between_invariants=_lines(4, between.invariants),
        between_body=_lines(8, between_lines),
    )


def _freed(equations: Any, names: Sequence[str], model: str) -> list[Any]:
    """Let constants vary from node to node, and return them in the order of their names.

    Bound to the outside, they and what follows from them are no longer constants to Myokit.

    Raises:
        BadModel: a name is not that of one constant, or stands there twice.
    """
    parameters = [find_constant(equations, name, model) for name in names]
    if len(set(parameters)) < len(parameters):
        raise BadModel(f"cell model {model}: a parameter twice in {', '.join(names)}")
    for k, parameter in enumerate(parameters):
        parameter.set_binding(f"node_parameter_{k}")
    return parameters


class _Body:
    """The lines of the loop: load the states, then group by group their new values."""

    def __init__(self, equations: Any, parameters: Sequence[Any]) -> None:
        self._voltage = equations.label("membrane_potential")
        self._states = [state for state in equations.states() if state is not self._voltage]
        self._parameters = parameters
        order = equations.solvable_order().values()
        solvable = (equation.lhs.var() for group in order for equation in group)
        self._order = [variable for variable in solvable if variable.is_intermediary()]
        self._names = {self._voltage.qname(): "v"}
        for letter, variables in (("y", self._states), ("p", parameters)):
            self._names |= {
                variable.qname(): f"{letter}{k}" for k, variable in enumerate(variables)
            }
        written = [state.rhs() for state in (self._voltage, *self._states)]
        written += [variable.rhs() for variable in intermediaries(written)]
        self._writer = Writer(self._names.__getitem__, written)
        self._defined = 0
        self.invariants: list[str] = []
        behind = [self._voltage.rhs()]
        behind += [variable.rhs() for variable in intermediaries(behind)]
        named = {reference.var() for part in behind for reference in part.references()}
        self.driving = [k for k, state in enumerate(self._states) if state in named]
        """Rows of the states that the voltage's derivative depends on."""

    def voltage_lines(self) -> Iterator[str]:
        """Yield the lines that compute the voltage's change alone, all states held still."""
        yield "const double v = voltage[i];"
        yield from (f"const double y{k} = s{k}[i];" for k in self.driving)
        yield from self._parameter_lines()
        yield from self._values([self._voltage])
        value = self._relaxed(self._voltage, "v")
        yield from self._writer.take_lines()
        yield f"change[i] = {value} - v;"

    def lines(self) -> Iterator[str]:
        """Yield the lines; `invariants`, which belong before the loop, are whole after the last."""
        plan = scheme(self._states, self._voltage)
        yield "const double v = gating[i - first];"
        yield from (f"const double y{k} = s{k}[i];" for k in range(len(self._states)))
        yield from self._parameter_lines()
        yield from self._steps(plan.relaxing, self._relaxed)
        yield from self._change_voltage("w")
        yield from self._steps((*plan.late, self._voltage), self._relaxed)
        yield from self._steps(plan.explicit, self._tangential)

    def _change_voltage(self, name: str) -> Iterator[str]:
        """Yield the line from which on the voltage is the one that the currents go by."""
        yield f"const double {name} = voltage[i];"
        before = myokit.Name(self._voltage)
        for variable in self._order:
            if variable.rhs().depends_on(before, deep=True):
                self._names.pop(variable.qname(), None)
        self._names[self._voltage.qname()] = name

    def _parameter_lines(self) -> Iterator[str]:
        for k in range(len(self._parameters)):
            yield f"const double p{k} = parameters[{k}][i];"

    def _steps(self, group: Sequence[Any], step: Callable[[Any, str], str]) -> Iterator[str]:
        """Yield how a group takes its step; from there on its names stand for the new values."""
        yield from self._values(group)
        new = {}
        renewed = [myokit.Name(state) for state in group if state is not self._voltage]
        for state in group:
            old = self._names[state.qname()]
            value = step(state, old)
            yield from self._writer.take_lines()
            if state is self._voltage:
                yield f"voltage[i] = {value}; /* {state.qname()} */"
                continue
            new[state.qname()] = f"z{old[1:]}"
            yield f"const double z{old[1:]} = {value}; /* {state.qname()} */"
            yield f"s{old[1:]}[i] = z{old[1:]};"
        for variable in self._order:
            if any(variable.rhs().depends_on(state, deep=True) for state in renewed):
                self._names.pop(variable.qname(), None)
        self._names |= new

    def _values(self, states: Iterable[Any]) -> Iterator[str]:
        """Yield the intermediary variables behind the states' derivatives, those not yet there."""
        needed = intermediaries(state.rhs() for state in states)
        for variable in self._order:
            if variable in needed and variable.qname() not in self._names:
                yield from self._define(variable.qname(), variable.rhs())

    def _define(self, name: str, expression: Any) -> Iterator[str]:
        value = self._writer.write(expression)
        yield from self._writer.take_lines()
        self._names[name] = f"x{self._defined}"
        self._defined += 1
        yield f"const double {self._names[name]} = {value}; /* {name} */"

    def _relaxed(self, state: Any, name: str) -> str:
        """Return the exact step of a derivative that is linear in the state."""
        gate = limit_and_time_constant(state)
        if gate is None:
            formula = "tangent_" if state is self._voltage else "growth_"
            return self._linearised(state, name, formula)
        limit, time_constant = (self._writer.write(myokit.Name(variable)) for variable in gate)
        decay = f"exp_(-dt / {time_constant})"
        if gate[1].is_constant():
            decay = self._invariant(decay)
        return f"{limit} + ({name} - {limit}) * {decay}"

    def _tangential(self, state: Any, name: str) -> str:
        """Return the step of one that is not; the currents add nothing to its slope."""
        return self._linearised(state, name, "tangent_", intermediaries([self._voltage.rhs()]))

    def _linearised(self, state: Any, name: str, growth: str, held: Collection[Any] = ()) -> str:
        """Return the step of the derivative's tangent, ``held`` standing still."""
        slope = self._slope(state, held)
        change = f"dt * {self._writer.write(state.rhs())}"
        if slope == number(0.0):
            return f"{name} + {change}"
        growth = f"{growth}(dt * {slope})"
        if is_literal(slope):
            growth = self._invariant(growth)
        return f"{name} + {change} * {growth}"

    def _slope(self, state: Any, held: Collection[Any]) -> str:
        """Return the derivative of the state's derivative by the state itself."""
        behind = intermediaries([state.rhs()]).difference(held)
        moving: set[Any] = set()
        for variable in self._order:
            if variable in behind:
                slope = derivative(variable.rhs(), state, moving)
                if slope is not ZERO:
                    moving.add(variable)
                    name = slope_name(variable, state)
                    self._names[name] = self._writer.value(slope)
        return self._writer.value(derivative(state.rhs(), state, moving))

    def _invariant(self, value: str) -> str:
        """Return the name of a value that is the same for all cells.

        Inside the loop it would keep gcc from vectorising: a choice between invariants has no
        vector form.
        """
        line = f" = {value};"
        for k, known in enumerate(self.invariants):
            if known.endswith(line):
                return f"c{k}"
        self.invariants.append(f"const double c{len(self.invariants)}{line}")
        return f"c{len(self.invariants) - 1}"


def _lines(indent: int, lines: Iterable[str]) -> str:
    return ("\n" + " " * indent).join(lines)
