"""From a cell model to one C function that advances many cells.

The function's loop runs over the cells and has neither branches nor calls in it, so that the
compiler vectorises it.  Gates, found from the form of their equations, follow Rush and Larsen
(IEEE Trans Biomed Eng 25:389, 1978): their exact solution for the voltage at the step's start.
The voltage and all other states take a step of forward Euler.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import myokit
import myokit.lib.hh as hh

from polycardia.errors import BadModel
from polycardia.ionic.expressions import Writer
from polycardia.ionic.model import CellModel, find_constant

FUNCTION = "advance"

BLOCK = 256
"""Cells that take all steps of a call together: 20 states of them stay in 48 kB of cache."""

VECTOR_MATH = Path(__file__).with_name("vector_math.h")

TEMPLATE = """\
#include <stddef.h>
{vector_math}
static void advance_block(double *restrict voltage, double *restrict states, size_t stride,
                          size_t first, size_t n, double dt, const double *const *parameters)
{{
    {pointers}
    #pragma omp simd
    for (size_t i = first; i < first + n; ++i) {{
        {body}
    }}
}}

void {function}(double *voltage, double *states, size_t stride, size_t n,
             double dt, size_t n_steps, const double *const *parameters)
{{
    for (size_t first = 0; first < n; first += {block}) {{
        const size_t left = n - first;
        for (size_t step = 0; step < n_steps; ++step)
            advance_block(voltage, states, stride, first, left < {block} ? left : {block},
                          dt, parameters);
    }}
}}
"""


def c_source(model: CellModel, node_parameters: Sequence[str] = ()) -> str:
    """Return the C text of ``advance`` for a cell model.

    ``advance(voltage, states, stride, n, dt, n_steps, parameters)`` advances ``voltage[i]`` and
    ``states[k * stride + i]`` for i < n in place; ``parameters[k][i]`` is node i's value of the
    k-th of ``node_parameters``.

    Args:
        model: the equations; all other constants become literals.
        node_parameters: constants that have a value of their own at every node.

    Raises:
        BadModel: a parameter is not a constant of the model, or an expression has no C form.
    """
    equations = hh.convert_hh_states_to_inf_tau_form(model.equations, model.voltage)
    parameters = [find_constant(equations, name, model.name) for name in node_parameters]
    if len(set(parameters)) < len(parameters):
        raise BadModel(
            f"cell model {model.name}: a parameter twice in {', '.join(node_parameters)}"
        )
    for k, parameter in enumerate(parameters):
        # bound to the outside, it and what follows from it is no longer a constant to Myokit
        parameter.set_binding(f"node_parameter_{k}")
    voltage = equations.label("membrane_potential")
    states = [state for state in equations.states() if state is not voltage]
    try:
        body = _lines(8, _body(equations, voltage, states, parameters))
    except BadModel as error:
        raise BadModel(f"cell model {model.name}: {error}") from None
    return TEMPLATE.format(
        vector_math=VECTOR_MATH.read_text(),
        function=FUNCTION,
        block=BLOCK,
        pointers=_lines(
            4, (f"double *restrict s{k} = states + {k} * stride;" for k in range(len(states)))
        ),
        body=body,
    )


def _body(equations: Any, voltage: Any, states: list[Any], parameters: list[Any]) -> Iterator[str]:
    """Yield the lines of the loop: load, intermediary variables, store."""
    needed = _needed(equations, [voltage, *states])
    names = {voltage.qname(): "v"}
    for letter, variables in (("y", states), ("p", parameters), ("x", needed)):
        names |= {variable.qname(): f"{letter}{k}" for k, variable in enumerate(variables)}
    writer = Writer(names.__getitem__, [variable.rhs() for variable in (*needed, voltage, *states)])
    yield "const double v = voltage[i];"
    yield from (f"const double y{k} = s{k}[i];" for k in range(len(states)))
    yield from (f"const double p{k} = parameters[{k}][i];" for k in range(len(parameters)))
    for variable in needed:
        value = writer.write(variable.rhs())
        yield from writer.take_lines()
        yield f"const double {names[variable.qname()]} = {value}; /* {variable.qname()} */"
    for target, state in (("voltage", voltage), *((f"s{k}", y) for k, y in enumerate(states))):
        value = _update(state, writer, names[state.qname()])
        yield from writer.take_lines()
        yield f"{target}[i] = {value}; /* {state.qname()} */"


def _update(state: Any, writer: Writer, name: str) -> str:
    """Return the C expression of a state's value after the step."""
    gate = hh.get_inf_and_tau(state)
    if gate is None:
        return f"{name} + dt * {writer.write(state.rhs())}"
    limit, time_constant = (writer.write(myokit.Name(variable)) for variable in gate)
    return f"{limit} + ({name} - {limit}) * exp_(-dt / {time_constant})"


def _needed(equations: Any, states: Iterable[Any]) -> list[Any]:
    """Return the intermediary variables behind the states' derivatives, in solvable order."""
    found: set[Any] = set()
    pending = [state.rhs() for state in states]
    while pending:
        for reference in pending.pop().references():
            variable = reference.var()
            if variable.is_intermediary() and variable not in found:
                found.add(variable)
                pending.append(variable.rhs())
    order = (
        equation.lhs.var() for group in equations.solvable_order().values() for equation in group
    )
    return [variable for variable in order if variable in found]


def _lines(indent: int, lines: Iterable[str]) -> str:
    return ("\n" + " " * indent).join(lines)
