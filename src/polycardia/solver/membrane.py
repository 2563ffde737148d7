"""The membrane half of the splitting: every node's cell model, stepped by compiled kernels.

A rank steps its ghosts too: that costs less than fetching all their states where an element
between two ranks needs them.  Nothing here communicates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.ionic.kernel import Between
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.resolution import UNCHANGED, CurrentFactor


class CellKernel(Protocol):
    """What the solver asks of a compiled cell model."""

    @property
    def digest(self) -> str:
        """Names it in the provenance."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """The rows of ``states``."""

    def advance(
        self,
        voltage: Floats,
        states: Floats,
        dt: float,
        *,
        parameters: Mapping[str, Floats] | None = None,
        gating: Floats | None = None,
    ) -> None:
        """Advance ``voltage`` ``(n,)`` and ``states`` ``(n_states, n)`` by ``dt`` in place.

        ``parameters`` has ``(n,)`` for every parameter that differs from node to node; the gates
        go by the voltage ``gating``.
        """

    def add_between(
        self,
        points: Between,
        voltage: Floats,
        states: Floats,
        dt: float,
        sums: Floats,
        *,
        parameters: Mapping[str, Floats] | None = None,
    ) -> None:
        """Add up how the voltage changes in ``dt`` at points between the nodes."""


@dataclass(frozen=True)
class CellType:
    """A compiled cell model and where its cells start from.

    Attributes:
        kernel: the compiled model.
        voltage: at the start [mV].
        states: ``(n_states,)`` at the start.
        factors: names of the kernel's parameters that are factors, by the name that the study has
            for the constant which they multiply.
        current: factor of the current near the front.
    """

    kernel: CellKernel
    voltage: float
    states: Floats
    factors: Mapping[str, str] = field(default_factory=dict)
    current: CurrentFactor = UNCHANGED


@dataclass(frozen=True)
class Group:
    """The nodes of one cell type.

    Attributes:
        cell_type: of all of them.
        nodes: ``(n,)`` local node numbers.
        columns: of `Membrane.states` that are these nodes' states.
        parameters: ``(n,)`` each.
    """

    cell_type: CellType
    nodes: Integers
    columns: slice
    parameters: Mapping[str, Floats]


class Membrane:
    """The cells of one rank's nodes, grouped by type so that each kernel runs without branches.

    Args:
        types: cell models.
        type_of_node: ``(n_local,)`` index into ``types``, own nodes and ghosts.
        parameters: for each type ``(n_local,)`` by the name of its kernel's parameter, for those
            that differ from node to node; read at the nodes of that type only.

    Attributes:
        groups: nodes by cell type.
        states: ``(n_states, n_local)``, a column for every node; rows that a model has no state
            for are unused.
        column: ``(n_local,)`` each node's column.
    """

    def __init__(
        self,
        types: Sequence[CellType],
        type_of_node: NDArray[np.integer[Any]],
        parameters: Sequence[Mapping[str, Floats]] | None = None,
    ) -> None:
        self.states = np.zeros((max(len(kind.states) for kind in types), len(type_of_node)))
        self.column = np.empty(len(type_of_node), np.int32)
        self.groups: list[Group] = []
        first = 0
        for index, cell_type in enumerate(types):
            nodes = np.flatnonzero(type_of_node == index)
            columns = slice(first, first + nodes.size)
            first = columns.stop
            if nodes.size:
                self.column[nodes] = np.arange(columns.start, columns.stop)
                self._states_of(cell_type, columns)[:] = cell_type.states[:, None]
                of_type = {} if parameters is None else parameters[index]
                own = {name: values[nodes] for name, values in of_type.items()}
                self.groups.append(Group(cell_type, nodes, columns, own))

    def resting_voltage(self) -> Floats:
        """Return ``(n_local,)``, each node at its cell type's starting voltage [mV]."""
        voltage = np.empty(len(self.column))
        for group in self.groups:
            voltage[group.nodes] = group.cell_type.voltage
        return voltage

    def advance(self, voltage: Floats, dt: float, gating: Floats) -> None:
        """Advance every node's voltage and states in place.

        Args:
            voltage: ``(n_local,)`` in the middle of the step, for the currents [mV].
            dt: [ms].
            gating: ``(n_local,)`` at its start, for the gates [mV].
        """
        for group in self.groups:
            states = self._states_of(group.cell_type, group.columns)
            kernel = group.cell_type.kernel
            if len(self.groups) == 1:
                kernel.advance(voltage, states, dt, parameters=group.parameters, gating=gating)
            else:
                own, gates_see = voltage[group.nodes], gating[group.nodes]
                kernel.advance(own, states, dt, parameters=group.parameters, gating=gates_see)
                voltage[group.nodes] = own

    def _states_of(self, cell_type: CellType, columns: slice) -> Floats:
        return self.states[: len(cell_type.states), columns]
