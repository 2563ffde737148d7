"""How tetrahedra hang together: faces, edges, neighbours, components.

Pure functions of node numbers and points; nothing here judges a mesh.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from polycardia.physics.mesh import Floats, Integers

# Faces of a positively oriented tetrahedron, normals outward; face i lies opposite node i.
FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])


def tet_volumes(points: Floats, tetrahedra: NDArray[np.integer[Any]]) -> Floats:
    """Signed volumes ``(n_cells,)``, in the cube of the points' unit."""
    origin = points[tetrahedra[:, 0]]
    a, b, c = (points[tetrahedra[:, i]] - origin for i in (1, 2, 3))
    return np.asarray(np.einsum("ij,ij->i", np.cross(a, b), c) / 6.0)


def area_vectors(points: Floats, triangles: Integers) -> Floats:
    """Normals of length area ``(n_faces, 3)``."""
    origin = points[triangles[:, 0]]
    crossed = np.cross(points[triangles[:, 1]] - origin, points[triangles[:, 2]] - origin)
    return np.asarray(0.5 * crossed)


def face_areas(points: Floats, triangles: Integers) -> Floats:
    """Areas ``(n_faces,)``."""
    return np.asarray(np.linalg.norm(area_vectors(points, triangles), axis=1))


def face_normals(points: Floats, triangles: Integers) -> Floats:
    """Unit normals ``(n_faces, 3)``; zero where a triangle has no area."""
    vectors = area_vectors(points, triangles)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))


def row_keys(rows: Integers, n_points: int) -> Integers:
    """Number rows of two or three node numbers so that equal sets of nodes get equal numbers.

    Exact up to two million nodes for triples (the product fits 63 bits), beyond that by
    sorting; for pairs always exact.
    """
    ordered = np.sort(rows, axis=1)
    if float(n_points) ** ordered.shape[1] < 2.0**63:
        keys = ordered[:, 0]
        for column in range(1, ordered.shape[1]):
            keys = keys * n_points + ordered[:, column]
        return keys
    _, numbers = np.unique(ordered, axis=0, return_inverse=True)
    return np.asarray(numbers.ravel(), dtype=np.int64)


def cell_faces(tetrahedra: Integers) -> tuple[Integers, Integers]:
    """All faces of all cells, outward oriented, ``(4 n_cells, 3)``, and the cell of each."""
    faces = tetrahedra[:, FACES].reshape(-1, 3)
    return faces, np.repeat(np.arange(len(tetrahedra)), 4)


def _sorted_faces(tetrahedra: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Faces, their cells, the order that brings equal faces together, and where groups begin."""
    faces, cells = cell_faces(tetrahedra)
    keys = row_keys(faces, int(tetrahedra.max(initial=-1)) + 1)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    return faces, cells, order, starts


def boundary_faces(tetrahedra: Integers) -> tuple[Integers, Integers]:
    """Triangles that belong to one cell only ``(n_faces, 3)``, outward oriented, and that cell.

    In the order of the cells, so that equal meshes give equal boundaries.
    """
    faces, cells, order, starts = _sorted_faces(tetrahedra)
    sizes = np.diff(starts, append=len(order))
    single = np.sort(order[starts[sizes == 1]])
    return faces[single], cells[single]


def shared_faces(tetrahedra: Integers) -> tuple[Integers, Integers, Integers]:
    """Pairs of cells with a common face ``(n, 2)``, that face as either cell sees it ``(n, 2, 3)``,
    and the cells ``(m,)`` on faces which more than two cells claim (they form no pair).
    """  # noqa: D205
    faces, cells, order, starts = _sorted_faces(tetrahedra)
    sizes = np.diff(starts, append=len(order))
    first = starts[sizes == 2]
    pairs = np.column_stack([order[first], order[first + 1]])
    crowded = np.repeat(sizes > 2, sizes)
    return cells[pairs], faces[pairs], np.unique(cells[order[crowded]])


def unique_edges(tetrahedra: Integers) -> tuple[Integers, Integers]:
    """Edges ``(n_edges, 2)``, smaller node first, and the six edges of every cell ``(n_cells, 6)``.

    The order of a cell's edges is that of `EDGES`.
    """
    pairs = np.sort(tetrahedra[:, EDGES].reshape(-1, 2), axis=1)
    base = int(tetrahedra.max(initial=-1)) + 1
    keys, numbers = np.unique(pairs[:, 0] * base + pairs[:, 1], return_inverse=True)
    edges = np.column_stack([keys // max(base, 1), keys % max(base, 1)])
    return edges, np.asarray(numbers.reshape(-1, 6), dtype=np.int64)


def triangle_edges(triangles: Integers) -> tuple[Integers, Integers]:
    """The three edges of every triangle ``(3 n, 2)``, smaller node first, and its triangle."""
    pairs = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    return np.sort(pairs, axis=1), np.repeat(np.arange(len(triangles)), 3)


def adjacent_triangles(triangles: Integers) -> tuple[Integers, Integers]:
    """Pairs of triangles across an edge ``(n, 2)`` and that edge's nodes ``(n, 2)``.

    Edges with one triangle, or more than two, join nothing.
    """
    edges, owner = triangle_edges(triangles)
    keys = row_keys(edges, int(triangles.max(initial=-1)) + 1)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    first = starts[np.diff(starts, append=len(order)) == 2]
    pairs = np.column_stack([owner[order[first]], owner[order[first + 1]]])
    return pairs, edges[order[first]]


def components(n: int, pairs: Integers) -> Integers:
    """Number ``(n,)`` of the connected piece that each of ``n`` things is in; ``pairs`` join."""
    joined = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), (n, n))
    _, piece = connected_components(joined, directed=False)
    return np.asarray(piece, dtype=np.int64)


def node_adjacency(tetrahedra: Integers, n_points: int) -> csr_matrix:
    """Symmetric pattern of nodes that share an edge, without the diagonal, entries one."""
    edges, _ = unique_edges(tetrahedra)
    ones = np.ones(len(edges))
    half = coo_matrix((ones, (edges[:, 0], edges[:, 1])), (n_points, n_points)).tocsr()
    return half + half.T


def nodes_of(cells: Integers, n_points: int) -> NDArray[np.bool_]:
    """Which of ``n_points`` nodes occur in ``cells`` (of any width)."""
    used = np.zeros(n_points, dtype=bool)
    used[cells.ravel()] = True
    return used
