"""A compiled cell model: many cells, one function."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.ionic.compiler import compiled
from polycardia.ionic.generator import FUNCTION, c_source
from polycardia.ionic.model import CellModel, with_constants

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A cell model, compiled.  Made by `build`.

    Attributes:
        name: of the model.
        digest: names the compiled file; differs where text, overridden constants, generator,
            compiler flags or type of processor differ.
        state_names: ``component.variable`` of the rows of ``states``.
        node_parameters: names of the constants that `advance` takes as arrays.
        initial_voltage: of the model's text [mV].
        initial_states: ``(n_states,)``, of the model's text.
    """

    name: str
    digest: str
    state_names: tuple[str, ...]
    node_parameters: tuple[str, ...]
    initial_voltage: float
    initial_states: tuple[float, ...]
    _function: Any

    def resting(self, n: int) -> tuple[Floats, Floats]:
        """Return voltage ``(n,)`` [mV] and states ``(n_states, n)`` as the model's text begins."""
        states = np.array(self.initial_states)[:, None]
        return np.full(n, self.initial_voltage), np.tile(states, (1, n))

    def advance(
        self,
        voltage: Floats,
        states: Floats,
        dt: float,
        n_steps: int = 1,
        parameters: Mapping[str, Floats] | None = None,
    ) -> None:
        """Advance cells by ``n_steps`` steps of ``dt`` in place, without a stimulus.

        First order in ``dt``.  Other Python threads run meanwhile.

        Args:
            voltage: ``(n,)`` [mV], contiguous.
            states: ``(n_states, n)``, rows contiguous; they may lie apart.
            dt: [ms].
            n_steps: taken without looking at anything outside the cells.
            parameters: ``(n,)`` for each of ``node_parameters``, in the units of the model's text.

        Raises:
            ValueError: an array has another shape, type or layout.
        """
        n = len(voltage)
        self._check(voltage, states, n)
        if n == 0:
            return
        if not dt > 0.0 or n_steps < 0:
            raise ValueError(f"need dt > 0 and n_steps >= 0, not {dt} ms and {n_steps}")
        self._function(
            voltage.ctypes.data,
            states.ctypes.data,
            states.strides[0] // states.itemsize,
            n,
            dt,
            n_steps,
            self._pointers(parameters or {}, n),
        )

    def _check(self, voltage: Floats, states: Floats, n: int) -> None:
        shape = (len(self.state_names), n)
        if voltage.shape != (n,) or states.shape != shape:
            raise ValueError(
                f"need voltage ({n},) and states {shape}, not {voltage.shape} and {states.shape}"
            )
        for array in (voltage, states):
            rows_apart = array.ndim == 2 and n * 8 <= array.strides[0] and array.strides[0] % 8 == 0
            whole = array.flags.c_contiguous or (rows_apart and array.strides[1] == 8)
            if array.dtype != np.float64 or not whole or not array.flags.writeable:
                raise ValueError("voltage and states must be writable float64 with contiguous rows")

    def _pointers(self, parameters: Mapping[str, Floats], n: int) -> Any:
        if set(parameters) != set(self.node_parameters):
            raise ValueError(f"need the parameters {self.node_parameters}, not {tuple(parameters)}")
        for name, values in parameters.items():
            if values.dtype != np.float64 or values.shape != (n,) or not values.flags.c_contiguous:
                raise ValueError(f"{name} must be contiguous float64 of shape ({n},)")
        addresses = [parameters[name].ctypes.data for name in self.node_parameters]
        return (ctypes.c_void_p * len(addresses))(*addresses)


def build(
    model: CellModel,
    *,
    cache: Path,
    node_parameters: Sequence[str] = (),
    overrides: Mapping[str, float] | None = None,
) -> Kernel:
    """Return the kernel of a cell model, compiling it unless the cache has it.

    Args:
        model: from `polycardia.ionic.model.load_model`.
        cache: folder of compiled kernels.
        node_parameters: constants of the model that differ from node to node.
        overrides: other values for constants, in the units of the model's text.

    Raises:
        BadModel: a name is not that of a constant, or the equations have no C form.
        CompilerFailed: there is no compiler, or it refuses the kernel.
    """
    model = with_constants(model, overrides or {})
    source = c_source(model, node_parameters)
    library = compiled(source, model.text, cache)
    function = getattr(ctypes.CDLL(str(library)), FUNCTION)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    function.argtypes = (pointer, pointer, size, size, ctypes.c_double, size, pointer)
    function.restype = None
    states = model.gates_and_concentrations
    return Kernel(
        name=model.name,
        digest=library.stem,
        state_names=tuple(state.qname() for state in states),
        node_parameters=tuple(node_parameters),
        initial_voltage=float(model.voltage.initial_value(as_float=True)),
        initial_states=tuple(float(state.initial_value(as_float=True)) for state in states),
        _function=function,
    )
