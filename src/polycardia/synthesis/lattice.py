"""A body-centred cubic lattice of tetrahedra below the plane z = 0, which it ends on exactly.

The background mesh of isosurface stuffing (Labelle and Shewchuk, SIGGRAPH 2007,
doi 10.1145/1275808.1276448).  Two cubic lattices, the second at the centres of the first;
a tetrahedron joins two neighbouring centres with an edge of the face between them, and all
tetrahedra have the same shape.  In the plane the second lattice is replaced by its face
centres, which halves the tetrahedra there (the paper's own pieces at a change of size).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Floats, Integers

# A square's corners in turn, as steps along the two axes of its plane.
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
# Half the diagonal of a cube is 0.87 of its side; the rest allows for distances that are
# only of first order.
MARGIN = 1.5


@dataclass(frozen=True)
class Lattice:
    """Tetrahedra that cover a region.

    Attributes:
        points: ``(n, 3)`` [mm]; z is exactly 0 in the plane.
        tetrahedra: ``(m, 4)`` node numbers, not yet oriented.
    """

    points: Floats
    tetrahedra: Integers


def lattice_around(
    distance: Callable[[Floats], Floats], lower: Floats, upper: Floats, side: float
) -> Lattice:
    """Return the lattice that covers ``distance < 0`` in a box below z = 0.

    Args:
        distance: ``(n, 3)`` [mm] to ``(n,)`` [mm].
        lower: corner of the box [mm].
        upper: opposite corner [mm]; its z is taken as 0.
        side: of a cube [mm].
    """
    first = np.floor(lower / side).astype(np.int64) - 1
    last = np.ceil(upper / side).astype(np.int64) + 1
    last[2] = 0
    cubes = np.stack(
        np.meshgrid(*(np.arange(a, b) for a, b in zip(first, last, strict=True)), indexing="ij"),
        axis=-1,
    ).reshape(-1, 3)
    cubes = cubes[distance((cubes + 0.5) * side) < MARGIN * side]
    # Twice the coordinates in sides: corners are even, centres odd, all of them integers.
    corners_first = 2 * first
    shape = 2 * (last - first) + 1
    doubled = np.concatenate([*_between_cubes(cubes, corners_first, shape), _below_plane(cubes)])
    keys = np.ravel_multi_index(tuple(np.moveaxis(doubled - corners_first, -1, 0)), tuple(shape))
    unique, numbers = np.unique(keys, return_inverse=True)
    places = np.stack(np.unravel_index(unique, tuple(shape)), axis=1) + corners_first
    return Lattice(0.5 * side * places, numbers.reshape(-1, 4).astype(np.int64))


def _between_cubes(cubes: Integers, first: Integers, shape: Integers) -> list[Integers]:
    """Return ``(n, 4, 3)`` doubled coordinates of four tetrahedra a face, for each axis."""
    kept = np.zeros(tuple(shape // 2), dtype=bool)
    kept[tuple((cubes - first // 2).T)] = True
    pieces = []
    for axis in range(3):
        step = np.eye(3, dtype=np.int64)[axis]
        following = cubes + step
        position = following - first // 2
        inside = position[:, axis] < kept.shape[axis]
        paired = np.zeros(len(cubes), dtype=bool)
        paired[inside] = kept[tuple(position[inside].T)]
        centre = 2 * cubes[paired] + 1
        square = _square(centre + step, axis)
        pieces.append(_fans(centre, centre + 2 * step, square))
    return pieces


def _below_plane(cubes: Integers) -> Integers:
    """Return ``(n, 4, 3)`` doubled coordinates of the half tetrahedra that end on z = 0."""
    centre = 2 * cubes[cubes[:, 2] == -1] + 1
    face = centre + np.array([0, 0, 1])
    return _fans(centre, face, _square(face, axis=2))


def _square(centre: Integers, axis: int) -> Integers:
    """Return ``(n, 4, 3)``, the corners in turn of the squares around ``centre``."""
    steps = np.insert(2 * CORNERS - 1, axis, 0, axis=1)
    return np.asarray(centre[:, None, :] + steps)


def _fans(start: Integers, end: Integers, square: Integers) -> Integers:
    """Return ``(4 n, 4, 3)``: the tetrahedra on the axes start-end and the squares' sides."""
    sides = np.stack([square, np.roll(square, -1, axis=1)], axis=2)
    axes = np.stack([start, end], axis=1)[:, None]
    fans = np.concatenate([np.broadcast_to(axes, sides.shape), sides], axis=2)
    return np.asarray(fans.reshape(-1, 4, 3))
