"""The membrane's current near the front, where a value at each node says too little about it.

An element that the front crosses may have no node inside the upstroke.  There the current is
integrated over the element: voltage and states are interpolated to the points of a quadrature, and
the membrane's equations are evaluated at them (state variable interpolation: Pathmanathan et al.,
Int J Numer Meth Biomed Engng 28:890, 2012).  Everywhere else the current at the nodes is
enough, and costs a fortieth.

A rank computes every element that touches its own nodes; only to find where the front is, and
which way it goes, ranks ask each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.ionic.kernel import Between
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.crossing import crossing
from polycardia.solver.membrane import Membrane
from polycardia.solver.operators import Operators
from polycardia.solver.resolution import Crossing

STEEP = 10.0  # [mV] across an element, between rest and upstroke
CELLS_AT_ONCE = 25_000  # stay in the cache


@dataclass(frozen=True)
class _Share:
    """What one kernel adds up.

    Attributes:
        group: of the membrane's groups.
        points: of the quadrature.
    """

    group: int
    points: Between


class Front:
    """Corrects the change of the nodes' voltage in the elements that the front is crossing.

    Args:
        operators: of this rank.
        membrane: this rank's cells.

    Attributes:
        n_elements: how many elements the front is in now.
    """

    def __init__(self, operators: Operators, membrane: Membrane) -> None:
        self._operators = operators
        self._elements = operators.elements
        self._mass = operators.mass
        self._membrane = membrane
        self._group_of = np.empty(len(membrane.column), np.int8)
        for number, group in enumerate(membrane.groups):
            self._group_of[group.nodes] = number
        self._layout = _layouts(membrane)
        self.n_elements = 0
        self._shares: list[_Share] = []
        self._nodes: Integers = np.zeros(0, np.int64)
        self._nodal: Floats = np.zeros(0)
        self._sums: Floats = np.zeros(0)

    def find(self, voltage: Floats, rising: NDArray[np.bool_]) -> None:
        """Find the elements that the front will be in until this is called again.  Collective.

        Args:
            voltage: ``(n_local,)`` [mV], own nodes and ghosts.
            rising: ``(n_local,)`` where it rises. Repolarisation is as steep across large elements,
                and the factor of the current is not meant for it.
        """
        cells = self._steep(voltage)
        cells = cells[rising[self._elements.corners[cells]].any(axis=1)]
        self.n_elements = len(cells)
        corners = self._elements.corners[cells]
        quarter = 0.25 * self._elements.volume[cells]
        nodes, target = _numbered(corners, len(self._group_of))
        own = nodes < len(self._mass)
        self._nodes = nodes[own]
        of_corner = np.broadcast_to(quarter[:, None], corners.shape).ravel()
        nodal = np.bincount(target.ravel(), of_corner, minlength=len(nodes))
        self._nodal = np.asarray(nodal, np.float64)[own]
        self._sums = np.zeros(len(nodes))
        lying = crossing(self._operators, cells, voltage)
        self._shares = self._quadrature(corners, target, quarter, lying)

    def forget(self) -> None:
        """There is no front until it is looked for again."""
        self.n_elements = 0

    def correct(self, before: Floats, after: Floats, dt: float) -> None:
        """Replace the membrane's change of the voltage by the integrated one near the front.

        Args:
            before: ``(n_local,)`` [mV], before the membrane's step.
            after: ``(n_local,)`` [mV], after it; the own nodes of these elements are changed.
            dt: [ms].
        """
        if not self.n_elements:
            return
        self._sums[:] = 0.0
        states = self._membrane.states
        for share in self._shares:
            group = self._membrane.groups[share.group]
            kernel = group.cell_type.kernel
            kernel.add_between(
                share.points, before, states, dt, self._sums, parameters=group.parameters
            )
        nodes = self._nodes
        integrated = self._sums[: len(nodes)]
        change = after[nodes] - before[nodes]
        after[nodes] += (integrated - self._nodal * change) / self._mass[nodes]

    def _steep(self, voltage: Floats) -> Integers:
        """Return the elements across which the voltage differs by more than `STEEP`."""
        found = []
        for start in range(0, len(self._elements.corners), CELLS_AT_ONCE):
            # Corner by corner: NumPy is several times slower along an axis of four.
            a, b, c, d = (
                voltage.take(corner)
                for corner in self._elements.corners[start : start + CELLS_AT_ONCE].T
            )
            highest = np.maximum(np.maximum(a, b), np.maximum(c, d))
            lowest = np.minimum(np.minimum(a, b), np.minimum(c, d))
            found.append(start + np.flatnonzero(highest - lowest > STEEP))
        return np.concatenate(found)

    def _quadrature(
        self,
        corners: NDArray[np.int32],
        target: NDArray[np.int32],
        quarter: Floats,
        lying: Crossing,
    ) -> list[_Share]:
        """Return the elements by kernel; a point belongs to that of the corner it is nearest to."""
        shares = []
        kind = self._group_of[corners]
        for number, group in enumerate(self._membrane.groups):
            same = kind == number
            cells = np.flatnonzero(same.any(axis=1))
            if not cells.size:
                continue
            same, nodes = same[cells], corners[cells]
            columns = self._membrane.column[nodes]
            first = np.take_along_axis(columns, same.argmax(axis=1)[:, None], axis=1)
            # A corner whose states mean something else takes part with its voltage alone.
            foreign = self._layout[kind[cells]] != self._layout[number]
            there = Crossing(*(measure[cells] for measure in lying))
            factor = group.cell_type.current.at(there)
            points = Between(
                nodes=nodes,
                columns=np.where(foreign, first, columns),
                rows=np.where(same, columns, first) - np.int32(group.columns.start),
                targets=target[cells],
                weights=np.where(same, (quarter[cells] * factor)[:, None], 0.0),
            )
            shares.append(_Share(number, points))
        return shares


def _numbered(corners: NDArray[np.int32], n_local: int) -> tuple[Integers, NDArray[np.int32]]:
    """Return the distinct nodes, ascending, and for every corner its node's place among them."""
    taken = np.zeros(n_local, bool)
    taken[corners] = True
    nodes = np.flatnonzero(taken)
    place = np.empty(n_local, np.int32)
    place[nodes] = np.arange(len(nodes))
    return nodes, place[corners]


def _layouts(membrane: Membrane) -> NDArray[Any]:
    """Return a number for each group, the same for those whose states have the same names."""
    names = [group.cell_type.kernel.state_names for group in membrane.groups]
    return np.array([names.index(own) for own in names])
