"""Measures of single tetrahedra and of whole meshes that decide whether one can be used."""

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.topology import EDGES, tet_volumes
from polycardia.physics.visibility import DIRECTIONS, spread_directions

# Volume over the cube of the root mean square edge; 0.118 for the regular tetrahedron.  Below
# this, round-off of single precision coordinates decides the sign.
FLAT = 1e-6


def edge_squares(points: Floats, tetrahedra: Integers) -> Floats:
    """Mean squared edge length ``(n_cells,)`` of each tetrahedron."""
    total = np.zeros(len(tetrahedra))
    for i, j in EDGES:
        along = points[tetrahedra[:, i]] - points[tetrahedra[:, j]]
        total += np.einsum("ij,ij->i", along, along)
    return total / len(EDGES)


def mean_ratio(points: Floats, tetrahedra: Integers) -> Floats:
    """Mean-ratio quality ``(n_cells,)``: 1 regular, 0 flat, negative inverted.

    12 (3 V)^(2/3) / sum of squared edges (Liu and Joe 1994).
    """
    volume = tet_volumes(points, tetrahedra)
    squares = 6.0 * edge_squares(points, tetrahedra)
    ratio = 12.0 * np.cbrt(3.0 * np.abs(volume)) ** 2
    ratio = np.divide(ratio, squares, out=np.zeros_like(ratio), where=squares > 0)
    return np.asarray(np.copysign(ratio, volume))


def flat_cells(points: Floats, tetrahedra: Integers) -> NDArray[np.bool_]:
    """Which cells have no volume to speak of, for their size."""
    scale = edge_squares(points, tetrahedra) ** 1.5
    return np.asarray(np.abs(tet_volumes(points, tetrahedra)) <= FLAT * scale)


def extent(points: Floats) -> float:
    """How far a heart is across: the largest distance between two nodes, in the points' unit.

    Taken between the outermost nodes in `DIRECTIONS` directions, so it is at most a thousandth
    too small, and does not depend on how the scanner's axes lie as the sides of a box would.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # absurd coordinates are infinitely far
        heights = [points @ direction for direction in spread_directions(DIRECTIONS)]
        outermost = np.unique([ends for h in heights for ends in (h.argmin(), h.argmax())])
        corners = points[outermost]
        distances = np.linalg.norm(corners[:, None] - corners, axis=2)
    return float(np.nan_to_num(distances, nan=np.inf).max())
