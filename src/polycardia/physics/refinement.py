"""Uniform refinement: every edge in n equal parts, with the smallest n that is fine enough.

Halving over and over only reaches 2, 4, 8 parts: edges of 2.3 mm that should become 1 mm would
cost 64 elements for each one, where three parts cost 27.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh
from polycardia.physics.topology import EDGES, row_keys

MOST_CELLS = 200_000_000  # about 40 GB while refining and measuring

# The octahedron on the middles of a tetrahedron's edges: the two opposite edges whose middles
# each of its diagonals joins, and that diagonal times two as a sum over the four corners.
_DIAGONALS = np.array([[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 3], [1, 2]]])
_ACROSS = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])


@dataclass(frozen=True)
class _Parts:
    """The distinct edges, faces or cells of a mesh.

    Attributes:
        nodes: ``(n_parts, 2, 3 or 4)``, ascending in each row.
        of_cells: ``(n_cells, k)`` numbers of the parts of every cell.
        of_triangles: ``(n_faces, k)`` the same for every triangle of the boundary.
    """

    nodes: Integers
    of_cells: Integers
    of_triangles: Integers


@dataclass(frozen=True)
class _Skeleton:
    """A mesh and its boundary taken apart; nodes ascend within each cell and triangle.

    So all who share an edge or a face see its corners in one order: the refined mesh conforms.
    """

    points: Floats
    cells: Integers
    triangles: Integers
    edges: _Parts
    faces: _Parts

    @property
    def interiors(self) -> _Parts:
        """Every cell as the one part that only it has."""
        numbers = np.arange(len(self.cells))[:, None]
        return _Parts(self.cells, numbers, np.empty((len(self.triangles), 0), dtype=np.int64))


def mean_edge_length(mesh: TetMesh) -> float:
    """Mean [mm] over all edges of the mesh, each counted once."""
    # Keys alone: half the memory of topology.unique_edges, which also numbers each cell's edges.
    base = int(mesh.tetrahedra.max(initial=-1)) + 1
    keys = np.empty((len(EDGES), len(mesh.tetrahedra)), dtype=np.int64)
    for key, (i, j) in zip(keys, EDGES, strict=True):
        a, b = mesh.tetrahedra[:, i], mesh.tetrahedra[:, j]
        key[:] = np.minimum(a, b) * base + np.maximum(a, b)
    distinct = np.unique(keys)
    ends = mesh.points[distinct // base] - mesh.points[distinct % base]
    return float(np.linalg.norm(ends, axis=1).mean())


def refine(mesh: TetMesh, boundary: Boundary, *, edge_length: float) -> tuple[TetMesh, Boundary]:
    """Cut all edges into n equal parts, the fewest whose mean is at most ``edge_length`` [mm].

    Every tetrahedron becomes n^3 of equal volume, every triangle n^2.  The points of the lattice
    of order n cut a tetrahedron into copies of itself, mirrored copies, and octahedra, which are
    cut along their shortest diagonal.  So the children have three shapes for every n, those of
    one halving.  (Bey 1995 numbers the diagonals instead, which bounds the shapes when halving is
    repeated, but the first cut of a bad tetrahedron is worse.)

    Regions, fibres and labels are inherited.  Old nodes keep their numbers and come first; the
    children of a cell follow each other in the place of their parent.

    Args:
        mesh: positively oriented.
        boundary: its labelled triangles, each a face of the mesh.
        edge_length: [mm], positive.

    Returns:
        Mesh and boundary; the same objects when nothing had to be done.

    Raises:
        BadMesh: so many elements would not fit into memory.
        BadStudy: ``edge_length`` is not positive.
    """
    if not edge_length > 0.0:
        raise BadStudy(f"edge length is {edge_length} mm, expected a positive one")
    length = mean_edge_length(mesh)
    if length <= edge_length:
        return mesh, boundary
    skeleton = _take_apart(mesh, boundary)
    most = max(1, int(np.cbrt(MOST_CELLS / len(mesh.tetrahedra))))
    lengths = _refined_mean_length(skeleton, np.arange(1, most + 1))
    enough = np.flatnonzero(lengths <= edge_length)
    if not enough.size:
        raise BadMesh(
            f"edges of {edge_length:g} mm would need more than {MOST_CELLS:.0e} elements, "
            f"expected at least about {lengths[-1]:.3g} mm for a mesh of "
            f"{len(mesh.tetrahedra)} elements with edges of {length:.3g} mm"
        )
    return _subdivide(mesh, boundary, skeleton, 1 + int(enough[0]))


def _take_apart(mesh: TetMesh, boundary: Boundary) -> _Skeleton:
    cells = np.sort(mesh.tetrahedra, axis=1)
    triangles = np.sort(boundary.triangles, axis=1)
    edges, faces = (_distinct(cells, triangles, size, len(mesh.points)) for size in (2, 3))
    return _Skeleton(mesh.points, cells, triangles, edges, faces)


def _distinct(cells: Integers, triangles: Integers, size: int, n_points: int) -> _Parts:
    """All sets of ``size`` nodes that belong to one cell, from ascending cells and triangles."""
    of_cells = cells[:, _subsets(4, size)].reshape(-1, size)
    rows = np.vstack([of_cells, triangles[:, _subsets(3, size)].reshape(-1, size)])
    keys = row_keys(rows, n_points)
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    inner, outer = np.split(number.ravel(), [len(of_cells)])
    return _Parts(rows[first], inner.reshape(len(cells), -1), outer.reshape(len(triangles), -1))


def _refined_mean_length(skeleton: _Skeleton, n: Integers) -> Floats:
    """Mean edge [mm] of the mesh refined ``n``-fold, without making it.

    All new edges are an n-th of an edge or of a double diagonal of their parent; it remains to
    count them: on old edges, within faces, within cells, and as diagonals of octahedra.
    """
    along_edges = _edge_lengths(skeleton.points, skeleton.edges.nodes)
    along_faces = _edge_lengths(skeleton.points, skeleton.faces.nodes)
    along_cells = _edge_lengths(skeleton.points, skeleton.cells)
    across_cells = _double_diagonals(skeleton).min(axis=1)
    kinds = [
        (along_edges, n),
        (along_faces, n * (n - 1) / 2),
        (along_cells, n * (n - 1) * (n - 2) / 6),
        (across_cells, (n - 1) * n * (n + 1) / 6),
    ]
    total = sum(lengths.sum() / n * copies for lengths, copies in kinds)
    return np.asarray(total / sum(lengths.size * copies for lengths, copies in kinds))


def _edge_lengths(points: Floats, simplices: Integers) -> Floats:
    """``(n, 1, 3 or 6)`` [mm]."""
    ends = points[simplices[:, _subsets(simplices.shape[1], 2)]]
    return np.asarray(np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=2))


def _double_diagonals(skeleton: _Skeleton) -> Floats:
    """Twice the distances ``(n_cells, 3)`` [mm] between the middles of opposite edges."""
    return np.asarray(np.linalg.norm(_ACROSS @ skeleton.points[skeleton.cells], axis=2))


def _subdivide(
    mesh: TetMesh, boundary: Boundary, skeleton: _Skeleton, n: int
) -> tuple[TetMesh, Boundary]:
    points = [mesh.points]
    of_cells, of_triangles = [skeleton.cells], [skeleton.triangles]
    n_points = len(mesh.points)
    for parts in (skeleton.edges, skeleton.faces, skeleton.interiors):
        inside = _interior(parts.nodes.shape[1], n)
        points.append(((inside / n) @ mesh.points[parts.nodes]).reshape(-1, 3))
        of_cells.append(n_points + len(inside) * parts.of_cells)
        of_triangles.append(n_points + len(inside) * parts.of_triangles)
        n_points += len(inside) * len(parts.nodes)
    shortest = _double_diagonals(skeleton).argmin(axis=1)
    finer = TetMesh(
        points=np.vstack(points),
        tetrahedra=_children(of_cells, mesh.tetrahedra, _cut_tetrahedron(n), shortest, n),
        region=np.repeat(mesh.region, n**3),
        fibre=None if mesh.fibre is None else np.repeat(mesh.fibre, n**3, axis=0),
    )
    only = np.zeros(len(boundary.triangles), dtype=np.int64)
    triangles = _children(of_triangles, boundary.triangles, _cut_triangle(n), only, n)
    return finer, Boundary(triangles, np.repeat(boundary.label, n**2))


def _children(
    firsts: list[Integers], parents: Integers, tables: Integers, choice: Integers, n: int
) -> Integers:
    """Node numbers of all children, those of one parent together, of their parent's sense.

    Args:
        firsts: ``(n_parents, k)`` each: every parent's nodes, then the first point inside each of
            its edges, of its faces, and of itself.
        parents: ``(n_parents, 3 or 4)`` in their own order of nodes.
        tables: ``(n_tables, n_children, 3 or 4)`` points of the lattice.
        choice: ``(n_parents,)`` the table to use.
        n: parts of an edge.
    """
    column, offset = _places(parents.shape[1], n)
    lattice = np.hstack(firsts)[:, column] + offset
    children = np.empty((len(parents), *tables.shape[1:]), dtype=np.int64)
    for number, table in enumerate(tables):
        chosen = choice == number
        children[chosen] = lattice[chosen][:, table]
    # The tables hold for ascending nodes; an odd number of swaps to get there mirrors.
    odd = _odd(parents)
    children[odd, :, -2:] = children[odd, :, :-3:-1]
    return children.reshape(-1, parents.shape[1])


def _odd(rows: Integers) -> NDArray[np.bool_]:
    """Whether sorting a row takes an odd number of swaps."""
    i, j = _subsets(rows.shape[1], 2).T
    return np.asarray((rows[:, i] > rows[:, j]).sum(axis=1) % 2 == 1)


@cache
def _subsets(corners: int, size: int) -> Integers:
    """Subsets ``(k, size)`` of the corners of a simplex; for edges in the order of `EDGES`."""
    return np.array(list(combinations(range(corners), size)))


@cache
def _lattice(corners: int, order: int) -> Integers:
    """All ways ``(k, corners)`` to write ``order`` as a sum of whole numbers from zero.

    Barycentric coordinates times the order; an edge's points run from its first node on.
    """
    others = np.indices((max(0, order + 1),) * (corners - 1)).sum(axis=0)
    rest = np.argwhere(others <= order)
    return np.column_stack([order - rest.sum(axis=1), rest])


def _interior(corners: int, n: int) -> Integers:
    """Points of the lattice of order ``n`` that lie inside the simplex."""
    return _lattice(corners, n - corners) + 1


@cache
def _positions(corners: int, n: int) -> Integers:
    """Inverse of `_lattice`: from all shares but the first to the row."""
    lattice = _lattice(corners, n)
    positions = np.full((n + 1,) * (corners - 1), -1)
    positions[tuple(lattice[:, 1:].T)] = np.arange(len(lattice))
    return positions


@cache
def _places(corners: int, n: int) -> tuple[Integers, Integers]:
    """For each lattice point the part it is inside of (the column of ``firsts`` in `_children`)
    and which of that part's points it is.
    """  # noqa: D205
    column, offset = np.empty((2, len(_lattice(corners, n))), dtype=np.int64)
    part = 0
    for size in range(1, corners + 1):
        inside = _interior(size, n)
        for subset in _subsets(corners, size):
            shares = np.zeros((len(inside), corners), dtype=np.int64)
            shares[:, subset] = inside
            at = _positions(corners, n)[tuple(shares[:, 1:].T)]
            column[at], offset[at] = part, np.arange(len(inside))
            part += 1
    return column, offset


@cache
def _cut_triangle(n: int) -> Integers:
    """The children ``(1, n^2, 3)`` of a triangle as points of its lattice."""
    one = np.eye(3, dtype=np.int64)
    return np.concatenate([_copies(one[None], n - 1), _copies(1 - one[None], n - 2)])[None]


@cache
def _cut_tetrahedron(n: int) -> Integers:
    """The children ``(3, n^3, 4)`` for each diagonal of the octahedra, as points of the lattice."""
    one = np.eye(4, dtype=np.int64)
    similar = np.concatenate([_copies(one[None], n - 1), _copies(1 - one[None], n - 3)])
    return np.stack([np.concatenate([similar, _copies(_quarters(d), n - 2)]) for d in range(3)])


def _quarters(diagonal: int) -> Integers:
    """Four tetrahedra ``(4, 4, 4)`` round a diagonal of the octahedron of order two."""
    (a, b), (c, d) = _DIAGONALS[diagonal]
    one = np.eye(4, dtype=np.int64)
    ring = [one[i] + one[j] for i, j in ((a, c), (b, c), (b, d), (a, d))]
    axis = [one[a] + one[b], one[c] + one[d]]
    return np.array([[*axis, ring[side], ring[(side + 1) % 4]] for side in range(4)])


def _copies(shapes: Integers, order: int) -> Integers:
    """Simplices moved to each point of the lattice of ``order`` (negative: to none).

    From ``(k, corners, corners)`` whole shares to ``(n_places k, corners)`` points of the finer
    lattice that they belong to, positively oriented.
    """
    corners = shapes.shape[2]
    mirrored = np.linalg.det(shapes) < 0
    shapes = np.where(mirrored[:, None, None], shapes[:, [*range(corners - 2), -1, -2]], shapes)
    shares = (_lattice(corners, order)[:, None, None] + shapes).reshape(-1, corners, corners)
    positions = _positions(corners, order + int(shapes[0, 0].sum()))
    return np.asarray(positions[tuple(np.moveaxis(shares[..., 1:], -1, 0))])
