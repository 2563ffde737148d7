"""The explicit half of the splitting: every node's cell model, stepped by compiled kernels.

Nothing here communicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers


class CellKernel(Protocol):
    """What the solver asks of a compiled cell model."""

    def advance(self, voltage: Floats, states: Floats, dt: float) -> None:
        """Advance ``voltage`` ``(n,)`` and ``states`` ``(n_states, n)`` by ``dt`` in place."""


@dataclass(frozen=True)
class CellType:
    """A compiled cell model and where its cells start from.

    Attributes:
        kernel: the compiled model.
        voltage: at the start [mV].
        states: ``(n_states,)`` at the start.
    """

    kernel: CellKernel
    voltage: float
    states: Floats


class Membrane:
    """The cells of one rank's nodes, grouped by type so that each kernel runs without branches.

    Args:
        types: cell models.
        type_of_node: ``(n_owned,)`` index into ``types``.
    """

    def __init__(self, types: Sequence[CellType], type_of_node: NDArray[np.integer[Any]]) -> None:
        self._count = len(type_of_node)
        self._groups: list[tuple[CellType, Integers, Floats]] = []
        for index, cell_type in enumerate(types):
            nodes = np.flatnonzero(type_of_node == index)
            if nodes.size:
                states = np.tile(cell_type.states[:, None], (1, nodes.size))
                self._groups.append((cell_type, nodes, states))

    def resting_voltage(self) -> Floats:
        """Return ``(n_owned,)``, each node at its cell type's starting voltage [mV]."""
        voltage = np.empty(self._count)
        for cell_type, nodes, _ in self._groups:
            voltage[nodes] = cell_type.voltage
        return voltage

    def advance(self, voltage: Floats, dt: float) -> None:
        """Advance every node's ``voltage`` ``(n_owned,)`` [mV] and states by ``dt`` [ms]."""
        if len(self._groups) == 1:
            cell_type, _, states = self._groups[0]
            cell_type.kernel.advance(voltage, states, dt)
            return
        for cell_type, nodes, states in self._groups:
            own = voltage[nodes]
            cell_type.kernel.advance(own, states, dt)
            voltage[nodes] = own
