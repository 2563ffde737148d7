"""Isosurface stuffing: tetrahedra that fill an implicit shape below the plane z = 0.

After Labelle and Shewchuk, SIGGRAPH 2007, doi 10.1145/1275808.1276448: lattice nodes close to
the surface are moved onto it, then the tetrahedra that still cross it are cut.  Two things
differ.  Nodes move along the gradient instead of along an edge, which is the shorter way and
keeps nodes of the plane in the plane; and the diagonals of cut faces start at the deeper node
instead of following the lattice's parity.  What that leaves of the paper's bounds on angles
is measured by the caller, not promised.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.topology import tet_volumes, unique_edges
from polycardia.synthesis.lattice import Lattice

Distance = Callable[[Floats], Floats]
Piece = tuple[str, str, str, str]

# How a tetrahedron with nodes a, b, c, d from deepest to highest is cut, by how many of them
# are below and above zero; "ad" is the cut of the edge a-d.  On every face that keeps two
# nodes the diagonal starts at the deeper one, so that neighbours agree.
PATTERNS: dict[tuple[int, int], tuple[Piece, ...]] = {
    (1, 1): (("a", "b", "c", "ad"),),
    (1, 2): (("a", "b", "ac", "ad"),),
    (1, 3): (("a", "ab", "ac", "ad"),),
    (2, 1): (("a", "b", "c", "bd"), ("a", "c", "ad", "bd")),
    (3, 1): (("a", "b", "c", "cd"), ("a", "b", "bd", "cd"), ("a", "ad", "bd", "cd")),
}
# Two below and two above: the four cuts form a quadrilateral of the surface, on which the
# diagonal is free.
DIAGONALS = (("ac", "bd"), ("ad", "bc"))
FIRST_WEDGE: tuple[Piece, ...] = (
    ("a", "b", "bc", "bd"),
    ("a", "ac", "ad", "bd"),
    ("a", "ac", "bc", "bd"),
)
SECOND_WEDGE: tuple[Piece, ...] = (
    ("a", "b", "bc", "bd"),
    ("a", "ac", "ad", "bc"),
    ("a", "ad", "bc", "bd"),
)

# A cut nearer to a node than this part of the edge moves the node onto the surface.  The
# paper's optima are 0.215 (long edges) and 0.359 (short ones); moving along the gradient
# allows a little more for the long ones.
NEAR_LONG, NEAR_SHORT = 0.25, 0.36
# Of the lattice's side: a tetrahedron with all nodes on the surface is wall if its centre is
# deeper than this, as where both sides of a thin wall took its nodes; else it is a flat
# leftover outside.
DEEP = 0.1
DIFFERENCE = 1e-4  # [mm], step of the difference quotient for the gradient
LEAST_SLOPE = 0.1  # of a squared gradient, 1 for a distance: keeps a step finite at an edge


def stuffed(lattice: Lattice, distance: Distance, side: float) -> tuple[Floats, Integers]:
    """Return points ``(n, 3)`` [mm] and tetrahedra ``(m, 4)`` that fill ``distance < 0``.

    Args:
        lattice: covers the shape.
        distance: ``(n, 3)`` [mm] to ``(n,)``, a distance [mm] to first order near the surface.
        side: of the lattice's cubes [mm].
    """
    values = distance(lattice.points)
    edges, _ = unique_edges(lattice.tetrahedra)
    close = _nodes_close_to_cuts(lattice.points, values, edges, side)
    points = lattice.points.copy()
    points[close] = onto_surface(points[close], distance, flat=points[close, 2] == 0.0)
    values[close] = 0.0

    crossing = edges[values[edges].prod(axis=1) < 0.0]
    cuts = _cut_points(points[crossing[:, 0]], points[crossing[:, 1]], distance)
    everything = np.concatenate([points, cuts])
    flat = lattice.tetrahedra[(values[lattice.tetrahedra] == 0.0).all(axis=1)]
    tetrahedra = np.concatenate(
        [
            _inner_pieces(lattice.tetrahedra, values, crossing, everything),
            flat[distance(points[flat].mean(axis=1)) < -DEEP * side],
        ]
    )
    used, numbers = np.unique(tetrahedra, return_inverse=True)
    return _oriented(everything[used], numbers.reshape(-1, 4).astype(np.int64))


def onto_surface(points: Floats, distance: Distance, *, flat: NDArray[np.bool_]) -> Floats:
    """Return ``points`` moved onto ``distance = 0``, those that are ``flat`` only in x and y.

    Newton steps along a gradient that is renewed once: away from edges it hardly turns.
    """
    shifts = DIFFERENCE * np.eye(3)
    moved = points.copy()
    for _ in range(2):
        slope = np.stack([distance(moved + s) - distance(moved - s) for s in shifts], axis=1)
        slope /= 2.0 * DIFFERENCE
        slope[flat, 2] = 0.0
        step = slope / np.maximum(np.einsum("ij,ij->i", slope, slope), LEAST_SLOPE)[:, None]
        for _ in range(2):
            moved -= distance(moved)[:, None] * step
    return moved


def _nodes_close_to_cuts(
    points: Floats, values: Floats, edges: Integers, side: float
) -> NDArray[np.bool_]:
    """Return ``(n,)``: nodes that have a cut within the near part of one of their edges."""
    cut = edges[values[edges].prod(axis=1) < 0.0]
    ends = np.abs(values[cut])
    from_first = ends[:, 0] / ends.sum(axis=1)
    length = np.linalg.norm(points[cut[:, 1]] - points[cut[:, 0]], axis=1)
    near = np.where(length > 0.95 * side, NEAR_LONG, NEAR_SHORT)
    close = np.asarray(values == 0.0)
    close[cut[from_first < near, 0]] = True
    close[cut[1.0 - from_first < near, 1]] = True
    return close


def _cut_points(first: Floats, second: Floats, distance: Distance) -> Floats:
    """Return where the surface crosses the segments, by bisection to 1e-5 of their length."""
    start_inside = distance(first) < 0.0
    low, high = np.zeros(len(first)), np.ones(len(first))
    for _ in range(17):
        middle = 0.5 * (low + high)
        inside = distance(first + middle[:, None] * (second - first)) < 0.0
        before = inside == start_inside
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.asarray(first + (0.5 * (low + high))[:, None] * (second - first))


def _inner_pieces(
    tetrahedra: Integers, values: Floats, crossing: Integers, points: Floats
) -> Integers:
    """Return the parts below zero of all tetrahedra that have a node below zero.

    Args:
        tetrahedra: ``(m, 4)``.
        values: ``(n,)`` distances of the nodes.
        crossing: ``(k, 2)`` edges from below to above zero, in ascending order.
        points: ``(n + k, 3)``, the nodes and then the cuts of these edges.
    """
    # A total order of the nodes, the same in every tetrahedron, decides all diagonals.
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    order = np.argsort(rank[tetrahedra], axis=1)
    nodes = np.take_along_axis(tetrahedra, order, axis=1)
    below, above = (values[nodes] < 0.0).sum(axis=1), (values[nodes] > 0.0).sum(axis=1)
    keys = crossing[:, 0] * len(values) + crossing[:, 1]

    def corner(group: Integers, name: str) -> Integers:
        ends = np.sort(group[:, ["abcd".index(letter) for letter in name]], axis=1)
        if len(name) == 1:
            return ends[:, 0]
        return np.asarray(
            len(values) + np.searchsorted(keys, ends[:, 0] * len(values) + ends[:, 1])
        )

    def is_cut(n_below: int, n_above: int) -> NDArray[np.bool_]:
        return np.asarray((below == n_below) & (above == n_above))

    wedges = nodes[is_cut(2, 2)]
    diagonals = [
        points[corner(wedges, start)] - points[corner(wedges, end)] for start, end in DIAGONALS
    ]
    first = np.linalg.norm(diagonals[0], axis=1) <= np.linalg.norm(diagonals[1], axis=1)
    groups = [(nodes[is_cut(*case)], pattern) for case, pattern in PATTERNS.items()]
    groups += [(wedges[first], FIRST_WEDGE), (wedges[~first], SECOND_WEDGE)]
    pieces = [nodes[(below > 0) & (above == 0)]]
    pieces += [
        np.stack([corner(group, name) for name in piece], axis=1)
        for group, pattern in groups
        for piece in pattern
    ]
    return np.asarray(np.concatenate(pieces), dtype=np.int64)


def _oriented(points: Floats, tetrahedra: Integers) -> tuple[Floats, Integers]:
    """Return the mesh with all volumes positive."""
    inverted = tet_volumes(points, tetrahedra) < 0.0
    tetrahedra[inverted, 2:] = tetrahedra[inverted, :1:-1]
    return points, tetrahedra
