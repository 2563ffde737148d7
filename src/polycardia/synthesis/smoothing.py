"""Smoothing that never makes a mesh worse: nodes go to the mean of their neighbours.

Nodes of the wall's surface stay on it, nodes of the base stay in z = 0, and nodes of the rim
between the two stay on both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.topology import (
    boundary_faces,
    row_keys,
    tet_volumes,
    triangle_edges,
    unique_edges,
)
from polycardia.synthesis.stuffing import onto_surface

# A tetrahedron below this mean ratio may not get worse; above it, it may pay for a neighbour.
GOOD_ENOUGH = 0.5
SWEEPS = 8
STEP = 0.6  # of the way to the mean; whole steps make Jacobi sweeps oscillate


@dataclass(frozen=True)
class _Neighbours:
    """Whom each node is averaged with, and what holds it.

    Attributes:
        mean: ``(n, n)``, rows sum to 1, or are empty for a node that stays.
        on_wall: ``(n,)``, held on the wall's surface.
        in_base: ``(n,)``, held in z = 0.
    """

    mean: csr_array
    on_wall: NDArray[np.bool_]
    in_base: NDArray[np.bool_]


def mean_ratio(points: Floats, tetrahedra: Integers) -> Floats:
    """Return ``(n,)`` qualities: 1 for a regular tetrahedron, 0 for a flat or inverted one.

    ``12 (3 V)^(2/3)`` over the sum of the squared edges (Liu and Joe, BIT 34 (1994) 268).
    """
    corner = points[tetrahedra]
    squares = np.zeros(len(tetrahedra))
    for first in range(3):
        offset = corner[:, first + 1 :] - corner[:, first : first + 1]
        squares += np.einsum("ijk,ijk->i", offset, offset)
    volume = np.maximum(tet_volumes(points, tetrahedra), 0.0)
    return np.asarray(12.0 * np.cbrt(3.0 * volume) ** 2 / squares)


def smoothed(points: Floats, tetrahedra: Integers, distance: Callable[[Floats], Floats]) -> Floats:
    """Return the nodes' new places ``(n, 3)`` [mm].

    Args:
        points: ``(n, 3)`` [mm]; nodes of the base have z exactly 0.
        tetrahedra: ``(m, 4)``, positive.
        distance: its zero is the wall's surface.
    """
    held = _neighbours(points, tetrahedra)
    for _ in range(SWEEPS):
        target = points + STEP * (held.mean @ points - points)
        target[held.in_base, 2] = 0.0
        target[held.on_wall] = onto_surface(
            target[held.on_wall], distance, flat=held.in_base[held.on_wall]
        )
        points = _accepted(points, target, tetrahedra)
    return points


def _accepted(points: Floats, target: Floats, tetrahedra: Integers) -> Floats:
    """Return ``target`` where no poor tetrahedron gets poorer, ``points`` elsewhere.

    A tetrahedron that would is given its nodes back, which may disturb the next; the set of
    nodes that stay only grows, so this ends.
    """
    before = np.minimum(mean_ratio(points, tetrahedra), GOOD_ENOUGH)
    moved = target.copy()
    suspects = tetrahedra
    while True:
        poorer = mean_ratio(moved, suspects) < before
        if not poorer.any():
            return moved
        staying = np.zeros(len(points), dtype=bool)
        staying[suspects[poorer]] = True
        moved[staying] = points[staying]
        touched = staying[tetrahedra].any(axis=1)
        suspects = tetrahedra[touched]
        before = np.minimum(mean_ratio(points, suspects), GOOD_ENOUGH)


def _neighbours(points: Floats, tetrahedra: Integers) -> _Neighbours:
    faces, _ = boundary_faces(tetrahedra)
    base = (points[faces, 2] == 0.0).all(axis=1)
    on_wall, in_base = np.zeros((2, len(points)), dtype=bool)
    on_wall[faces[~base]] = True
    in_base[faces[base]] = True
    rim = on_wall & in_base

    wall_edges, base_edges = (_unique_pairs(faces[part], len(points)) for part in (~base, base))
    is_rim_edge = np.isin(row_keys(wall_edges, len(points)), row_keys(base_edges, len(points)))
    edges, _ = unique_edges(tetrahedra)
    inner = ~on_wall & ~in_base
    pairs = np.concatenate(
        [
            _directed(edges, inner),
            _directed(wall_edges, on_wall & ~rim),
            _directed(base_edges, in_base & ~rim),
            _directed(wall_edges[is_rim_edge], rim),
        ]
    )
    count = np.bincount(pairs[:, 0], minlength=len(points))
    weights = 1.0 / count[pairs[:, 0]]
    mean = coo_array((weights, (pairs[:, 0], pairs[:, 1])), (len(points), len(points))).tocsr()
    return _Neighbours(mean, on_wall, in_base)


def _unique_pairs(triangles: Integers, n_points: int) -> Integers:
    edges, _ = triangle_edges(triangles)
    _, first = np.unique(row_keys(edges, n_points), return_index=True)
    return edges[first]


def _directed(edges: Integers, starts: NDArray[np.bool_]) -> Integers:
    """Return the edges in both directions, those that begin at one of ``starts``."""
    both = np.concatenate([edges, edges[:, ::-1]])
    return np.asarray(both[starts[both[:, 0]]])
