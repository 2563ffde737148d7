"""The N-version benchmark's slab: its mesh, its stimulus and its nine points.

Niederer et al., Phil Trans R Soc A 369:4331 (2011), doi 10.1098/rsta.2011.0139.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Extracellular, Intracellular, Tissue
from polycardia.physics.mesh import Floats, Integers, TetMesh

TISSUE = Tissue(
    surface_to_volume=140.0,
    capacitance=0.01,
    intracellular=Intracellular(fibre=0.17, cross=0.019),
    extracellular=Extracellular(fibre=0.62, cross=0.24),
)
EDGES = (20.0, 7.0, 3.0)  # [mm], fibres along the first
STIMULATED_CUBE = 1.5  # [mm], edge of the cube at the origin
STIMULUS_AMPLITUDE = 50.0 / (140.0 * 0.01)  # 50 000 uA/cm3 = 50 uA/mm3 over chi C_m [mV/ms]
STIMULUS_DURATION = 2.0  # [ms]
POINTS: Mapping[str, tuple[float, float, float]] = {
    "P1": (0.0, 0.0, 0.0),
    "P2": (0.0, 7.0, 0.0),
    "P3": (20.0, 0.0, 0.0),
    "P4": (20.0, 7.0, 0.0),
    "P5": (0.0, 0.0, 3.0),
    "P6": (0.0, 7.0, 3.0),
    "P7": (20.0, 0.0, 3.0),
    "P8": (20.0, 7.0, 3.0),
    "P9": (10.0, 3.5, 1.5),
}
# Six tetrahedra around the diagonal of a brick, corners numbered x + 2 y + 4 z (Kuhn 1960).
KUHN = np.array(
    [[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]]
)


def slab_mesh(spacing: float) -> TetMesh:
    """Return the slab as bricks of six tetrahedra, nodes ordered along the long edge.

    Args:
        spacing: [mm]; every edge is divided into the nearest whole number of intervals.
    """
    counts = [max(1, round(edge / spacing)) for edge in EDGES]
    axes = [np.linspace(0.0, edge, n + 1) for edge, n in zip(EDGES, counts, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape([n + 1 for n in counts])
    corners = np.stack(
        [
            number[x : x + counts[0], y : y + counts[1], z : z + counts[2]].ravel()
            for z in (0, 1)
            for y in (0, 1)
            for x in (0, 1)
        ],
        axis=1,
    )
    tetrahedra = corners[:, KUHN].reshape(-1, 4)
    region = np.broadcast_to(np.int64(0), len(tetrahedra))
    fibre = np.broadcast_to([1.0, 0.0, 0.0], (len(tetrahedra), 3))
    return TetMesh(points, tetrahedra, region, fibre)


def stimulated_nodes(points: Floats) -> Integers:
    """Return the nodes in the stimulated cube, its surface included."""
    inside: NDArray[np.bool_] = (points <= STIMULATED_CUBE + 1e-9).all(axis=1)
    return np.flatnonzero(inside).astype(np.int64)


def nearest_nodes(points: Floats) -> dict[str, int]:
    """Return the node nearest to each of the nine points."""
    return {
        name: int(np.argmin(np.sum((points - np.array(place)) ** 2, axis=1)))
        for name, place in POINTS.items()
    }
