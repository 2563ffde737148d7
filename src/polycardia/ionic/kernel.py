"""A compiled cell model: many cells, one function."""

import ctypes
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import myokit
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadModel
from polycardia.ionic.compiler import compiled
from polycardia.ionic.generator import c_source
from polycardia.ionic.model import CellModel, with_constants
from polycardia.ionic.template import BETWEEN, FUNCTION

Floats = NDArray[np.float64]

OTHER_SHARE = (5.0 - math.sqrt(5.0)) / 20.0
OWN_SHARE = 1.0 - 3.0 * OTHER_SHARE
"""Of an element's corners at each of the four points of the quadrature of second degree: Hammer,
Marlowe & Stroud, Math Comp 10:130 (1956)."""


@dataclass(frozen=True)
class Between:
    """Elements with four quadrature points each, one nearest to each corner.

    Attributes:
        nodes: ``(n, 4)`` int32, corners whose voltage is interpolated.
        columns: ``(n, 4)`` int32, where these corners' states are.
        rows: ``(n, 4)`` int32, their places in the arrays of parameters.
        targets: ``(n, 4)`` int32, where the corners' shares are added up.
        weights: ``(n, 4)`` of the points.
    """

    nodes: NDArray[np.int32]
    columns: NDArray[np.int32]
    rows: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: Floats


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
    _between: Any

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
        gating: Floats | None = None,
    ) -> None:
        """Advance cells by ``n_steps`` steps of ``dt`` in place, without a stimulus.

        Second order in ``dt`` for the voltage, first for what is left of the concentrations.
        Other Python threads run meanwhile.

        Args:
            voltage: ``(n,)`` [mV], contiguous.
            states: ``(n_states, n)``, rows contiguous; they may lie apart.
            dt: [ms].
            n_steps: taken without looking at anything outside the cells.
            parameters: ``(n,)`` for each of ``node_parameters``, in the units of the model's text.
            gating: ``(n,)`` [mV], contiguous; the gates go by this voltage instead.  Tissue gives
                them that of the step's start, and the currents that of its middle.

        Raises:
            ValueError: an array has another shape, type or layout.
        """
        n = len(voltage)
        self._check(voltage, states, n)
        if n == 0:
            return
        if not dt > 0.0 or n_steps < 0:
            raise ValueError(f"need dt > 0 and n_steps >= 0, not {dt} ms and {n_steps}")
        if gating is not None and (gating.shape != (n,) or not gating.flags.c_contiguous):
            raise ValueError(f"gating must be contiguous, of shape ({n},), not {gating.shape}")
        self._function(
            voltage.ctypes.data,
            None if gating is None else gating.ctypes.data,
            states.ctypes.data,
            states.strides[0] // states.itemsize,
            n,
            dt,
            n_steps,
            self._pointers(parameters or {}, n),
        )

    def add_between(
        self,
        points: Between,
        voltage: Floats,
        states: Floats,
        dt: float,
        sums: Floats,
        parameters: Mapping[str, Floats] | None = None,
    ) -> None:
        """Add up how the voltage changes at points between the nodes.

        Voltage and states are interpolated to each point from its element's four corners
        (state variable interpolation: Pathmanathan et al., Int J Numer Meth Biomed Engng 28:890,
        2012), and what the membrane would do there in ``dt`` is handed to these corners.

        Args:
            points: where, and with what weight.
            voltage: ``(n_nodes,)`` [mV].
            states: ``(n_states, n_columns)``, rows contiguous.
            dt: [ms].
            sums: ``(n_targets,)`` that is added to, weight times [mV].
            parameters: as in `advance`, by the points' ``rows``.
        """
        addresses = self._pointers(parameters or {}, None)
        self._between(
            voltage.ctypes.data,
            states.ctypes.data,
            states.strides[0] // states.itemsize,
            len(points.weights),
            dt,
            addresses,
            points.nodes.ctypes.data,
            points.columns.ctypes.data,
            points.rows.ctypes.data,
            points.targets.ctypes.data,
            points.weights.ctypes.data,
            OWN_SHARE,
            OTHER_SHARE,
            sums.ctypes.data,
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

    def _pointers(self, parameters: Mapping[str, Floats], n: int | None) -> Any:
        if set(parameters) != set(self.node_parameters):
            raise ValueError(f"need the parameters {self.node_parameters}, not {tuple(parameters)}")
        for name, values in parameters.items():
            shape = values.shape if n is None else (n,)
            if values.dtype != np.float64 or values.shape != shape or not values.flags.c_contiguous:
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
    loaded = ctypes.CDLL(str(library))
    function, between = getattr(loaded, FUNCTION), getattr(loaded, BETWEEN)
    size, pointer, real = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_double
    function.argtypes = (pointer, pointer, pointer, size, size, real, size, pointer)
    between.argtypes = (*(pointer, pointer, size, size, real), *6 * (pointer,), real, real, pointer)
    function.restype = between.restype = None
    states = model.gates_and_concentrations
    return Kernel(
        name=model.name,
        digest=library.stem,
        state_names=tuple(state.qname() for state in states),
        node_parameters=tuple(node_parameters),
        initial_voltage=_initial(model.voltage),
        initial_states=tuple(_initial(state) for state in states),
        _function=function,
        _between=between,
    )


def _initial(variable: myokit.Variable) -> float:
    """Return what a variable starts from."""
    try:
        with np.errstate(all="ignore"):  # what overflows is no number either
            value = float(variable.initial_value(as_float=True))
    except myokit.NumericalError:
        value = math.nan
    if not math.isfinite(value):
        text = variable.initial_value().code()[:60]
        raise BadModel(f"{variable.qname()} starts from {text}, expected a finite number")
    return value
