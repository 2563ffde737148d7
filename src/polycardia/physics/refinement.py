"""Uniform refinement: every tetrahedron becomes eight, until the edges are short enough."""

import numpy as np

from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh
from polycardia.physics.topology import row_keys, unique_edges

MOST_CELLS = 200_000_000  # about 100 GB while refining

# Positions among the ten nodes of a tetrahedron: corners 0 to 3, then the middles of the edges in
# the order of topology.EDGES: 4 = 01, 5 = 02, 6 = 03, 7 = 12, 8 = 13, 9 = 23.
_CORNERS = np.array([[0, 4, 5, 6], [4, 1, 7, 8], [5, 7, 2, 9], [6, 8, 9, 3]])
# The octahedron that is left, cut along each of its diagonals (4-9, 5-8, 6-7) in four; the ring
# of the other four middles runs so that all volumes are positive.
_DIAGONALS = np.array([[4, 9], [5, 8], [6, 7]])
_RINGS = np.array([[5, 6, 8, 7], [4, 7, 9, 6], [4, 5, 9, 8]])


def mean_edge_length(mesh: TetMesh) -> float:
    """Mean [mm] over all edges of the mesh, each counted once."""
    edges, _ = unique_edges(mesh.tetrahedra)
    return float(np.linalg.norm(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]], axis=1).mean())


def refine(mesh: TetMesh, boundary: Boundary, *, edge_length: float) -> tuple[TetMesh, Boundary]:
    """Halve all edges until their mean is at most ``edge_length`` [mm].

    The inner octahedron of every tetrahedron is cut along its shortest diagonal, which keeps the
    shapes good (Bey 1995 numbers them instead; shapes then stay within three classes, but the
    first cut of a bad tetrahedron is worse).  Regions, fibres and labels are inherited; the
    volume of every tetrahedron is the sum of its children's.

    Args:
        mesh: positively oriented.
        boundary: its labelled triangles.
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
    needed = len(mesh.tetrahedra) * 8.0 ** max(0, int(np.ceil(np.log2(length / edge_length))))
    if needed > MOST_CELLS:
        raise BadMesh(
            f"edges of {edge_length:g} mm would need {needed:.1e} elements instead of "
            f"{len(mesh.tetrahedra)} with edges of {length:.3g} mm, expected at most "
            f"{MOST_CELLS:.0e}"
        )
    while mean_edge_length(mesh) > edge_length:
        mesh, boundary = _refine_once(mesh, boundary)
    return mesh, boundary


def _refine_once(mesh: TetMesh, boundary: Boundary) -> tuple[TetMesh, Boundary]:
    edges, cell_edges = unique_edges(mesh.tetrahedra)
    n_points = len(mesh.points)
    middles = 0.5 * (mesh.points[edges[:, 0]] + mesh.points[edges[:, 1]])
    points = np.vstack([mesh.points, middles])
    ten = np.hstack([mesh.tetrahedra, n_points + cell_edges])
    # Children of a cell stay together: an order with locality keeps it.
    children = np.hstack([ten[:, _CORNERS], _octahedron(points, ten)]).reshape(-1, 4)
    finer = TetMesh(
        points=points,
        tetrahedra=children,
        region=np.repeat(mesh.region, 8),
        fibre=None if mesh.fibre is None else np.repeat(mesh.fibre, 8, axis=0),
    )
    return finer, _refine_boundary(boundary, edges, n_points)


def _octahedron(points: Floats, ten: Integers) -> Integers:
    """The four inner children ``(n_cells, 4, 4)`` round the shortest diagonal."""
    ends = points[ten[:, _DIAGONALS]]
    shortest = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=2).argmin(axis=1)
    axis = np.take_along_axis(ten, _DIAGONALS[shortest], axis=1)
    ring = np.take_along_axis(ten, _RINGS[shortest], axis=1)
    return np.stack(
        [np.column_stack([axis, ring[:, side], ring[:, (side + 1) % 4]]) for side in range(4)],
        axis=1,
    )


def _refine_boundary(boundary: Boundary, edges: Integers, n_points: int) -> Boundary:
    """Four triangles for each, of the same orientation and label."""
    a, b, c = boundary.triangles.T
    sides = np.vstack([np.column_stack(pair) for pair in ((a, b), (b, c), (c, a))])
    keys = row_keys(edges, n_points)  # ascending, as unique_edges sorts them
    ab, bc, ca = (n_points + np.searchsorted(keys, row_keys(sides, n_points))).reshape(3, -1)
    children = np.stack(
        [np.column_stack(t) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))], axis=1
    )
    return Boundary(children.reshape(-1, 3), np.repeat(boundary.label, 4))
