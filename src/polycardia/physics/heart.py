"""A heart that is ready to be simulated, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.leads import LeadVectors
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh


@dataclass(frozen=True)
class Site:
    """Nodes that stimuli act on, and the tissue around that shows whether they capture.

    Attributes:
        name: of the site or place.
        nodes: ``(n,)`` node numbers.
        around: ``(m,)`` node numbers, none of them among ``nodes``.
    """

    name: str
    nodes: Integers
    around: Integers


@dataclass(frozen=True)
class PreparedHeart:
    """Everything about one heart that does not depend on how its beat is stepped.

    Attributes:
        mesh: nodes along the Hilbert curve, cells by their lowest node, with fibres.
        boundary: labelled.
        sheet: ``(n_cells, 3)`` unit vectors, or None where only fibres are known.
        factor: ``(n_cells,)`` by which conductivities are multiplied.
        cell_type: ``(n_nodes,)`` 0 endocardial, 1 mid-wall, 2 epicardial.
        coordinates: ``(n_nodes,)`` each, by name, such as ``transmural``.
        axes: ``(3, 3)`` the heart's frame, rows septal, anterior, long.
        sites: where stimuli act, places included.
        electrode_names: of the rows of ``electrodes``.
        electrodes: ``(10, 3)`` [mm].
        leads: ``(10, n_nodes)`` lead vectors of the electrodes, along and across the fibres.
        measures: value and unit by name.
    """

    mesh: TetMesh
    boundary: Boundary
    sheet: Floats | None
    factor: Floats
    cell_type: NDArray[np.integer[Any]]
    coordinates: Mapping[str, Floats]
    axes: Floats
    sites: Sequence[Site]
    electrode_names: Sequence[str]
    electrodes: Floats
    leads: LeadVectors
    measures: Mapping[str, tuple[float, str]]
