"""A bar of disordered tetrahedra, on which the velocity of a plane wave is measured.

Meshes of hearts have no direction of their own, so neither has this one: the bar is filled by a
body-centred lattice whose inner nodes are moved at random, and joined by Delaunay tetrahedra.
"""

import numpy as np
from scipy.spatial import Delaunay

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.resolution import lengths_along
from polycardia.physics.topology import tet_volumes

DISORDER = 0.18  # of the lattice's side, the largest displacement along each axis
ROUGH_DISORDER = 0.35
VACANCIES = 0.45  # of the lattice's inner points, in a rough bar
SLIVER = 0.002  # of the lattice's side cubed: what is flatter between faces is left out
SEED = 2011


def bar(counts: tuple[int, int, int]) -> tuple[Floats, Integers]:
    """Return points ``(n, 3)`` and tetrahedra ``(m, 4)`` of a bar along the first axis.

    The mean length of its elements is 1.

    Args:
        counts: cells of the lattice along each axis.
    """
    return _filled(counts, DISORDER, 0.0)


def rough_bar(counts: tuple[int, int, int]) -> tuple[Floats, Integers]:
    """Return a bar as `bar` does, of elements that differ much more from each other.

    Many of the lattice's points are missing, and the others are moved farther.  The elements'
    volumes have a standard deviation of 0.7 of their mean (in `bar` 0.3, in heart meshes 0.3 to
    0.75), the edges' lengths one of 0.3 (0.2; 0.2 to 0.3).
    """
    return _filled(counts, ROUGH_DISORDER, VACANCIES)


def _filled(
    counts: tuple[int, int, int], disorder: float, vacancies: float
) -> tuple[Floats, Integers]:
    random = np.random.default_rng(SEED)
    corners = _lattice(counts, 0.0)
    points = np.concatenate([corners, _lattice(tuple(n - 1 for n in counts), 0.5)])
    moved = random.uniform(-disorder, disorder, points.shape)
    on_face = (points == 0.0) | (points == counts)
    points += np.where(on_face, 0.0, moved)
    points = points[on_face.any(axis=1) | (random.uniform(size=len(points)) >= vacancies)]
    points = points[np.argsort(points[:, 0], kind="stable")]
    cells = Delaunay(points).simplices.astype(np.int64)
    volume = tet_volumes(points, cells)
    cells[volume < 0.0] = cells[volume < 0.0][:, [1, 0, 2, 3]]
    cells = cells[np.abs(volume) > SLIVER]
    return points / mean_length(points, cells), cells


def mean_length(points: Floats, tetrahedra: Integers) -> float:
    """Return the length of elements along an axis, averaged over elements and axes."""
    place = points[tetrahedra].transpose(1, 0, 2).reshape(4, -1)
    return float(lengths_along(place).mean())


def _lattice(counts: tuple[int, ...], shift: float) -> Floats:
    axes = [np.arange(n + 1.0) + shift for n in counts]
    grid: Floats = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid
