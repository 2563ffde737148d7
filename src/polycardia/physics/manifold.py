"""Where the boundary of a mesh touches itself, and how to take it apart.

Tissue may touch itself along an edge, which then lies on four triangles of the boundary, or in a
node, whose cells then form more than one fan.  No current flows through either in the limit,
but what lies beside what on the surface is undefined there.  Two cavities that touch in a node
with tissue all round them do no harm and are left alone.
"""

import numpy as np

from polycardia.physics.mesh import Integers
from polycardia.physics.topology import (
    EDGES,
    boundary_faces,
    components,
    nodes_of,
    row_keys,
    shared_faces,
    triangle_edges,
)


def crowded_edges(triangles: Integers) -> Integers:
    """Edges ``(n, 2)``, smaller node first, on more than two of the triangles."""
    edges, _ = triangle_edges(triangles)
    _, first, count = np.unique(
        row_keys(edges, int(triangles.max(initial=-1)) + 1), return_index=True, return_counts=True
    )
    return np.asarray(edges[first[count > 2]])


def fans_at_nodes(tetrahedra: Integers, n_points: int) -> Integers:
    """For every corner of every cell ``(n_cells, 4)`` the fan of cells that it is part of.

    Cells at a node belong to one fan when a chain of shared faces at that node joins them.
    Fan 0 of a node is its largest; a pinched node has corners in fan 1 and above.
    """
    boundary, _ = boundary_faces(tetrahedra)
    touched = nodes_of(boundary, n_points)  # cells round an inner node always form one fan
    fan = np.zeros(tetrahedra.size, dtype=np.int64)
    corners = np.flatnonzero(touched[tetrahedra.ravel()])
    number = np.full(tetrahedra.size, -1, dtype=np.int64)
    number[corners] = np.arange(corners.size)
    cells, faces, _ = shared_faces(tetrahedra)
    sides = [_corners(tetrahedra, cells[:, side], faces[:, 0]) for side in (0, 1)]
    pairs = np.column_stack([number[side.ravel()] for side in sides])
    piece = components(corners.size, pairs[(pairs >= 0).all(axis=1)])
    fan[corners] = _rank_within(tetrahedra.ravel()[corners], piece)
    return fan.reshape(-1, 4)


def _corners(tetrahedra: Integers, cells: Integers, nodes: Integers) -> Integers:
    """Flat position of each of ``nodes`` ``(n, k)`` in its cell."""
    matches = tetrahedra[cells][:, None, :] == nodes[:, :, None]
    return np.asarray(4 * cells[:, None] + matches.argmax(axis=2))


def _rank_within(group: Integers, piece: Integers) -> Integers:
    """Number the pieces of every group from 0, largest first."""
    _, number, size = np.unique(piece, return_inverse=True, return_counts=True)
    owner = np.empty(size.size, dtype=np.int64)
    owner[number] = group
    order = np.lexsort((np.arange(size.size), -size, owner))
    new = np.flatnonzero(np.diff(owner[order], prepend=-1))
    rank = np.empty(size.size, dtype=np.int64)
    rank[order] = np.arange(size.size) - np.repeat(new, np.diff(new, append=size.size))
    return np.asarray(rank[number])


def split_pinched_nodes(tetrahedra: Integers, n_points: int) -> tuple[Integers, Integers]:
    """Give every fan of cells its own copy of a pinched node.

    Returns:
        The cells with new numbers, and for each new node ``(n_new,)``, numbered from
        ``n_points``, the node that it copies.
    """
    fan = fans_at_nodes(tetrahedra, n_points)
    extra = np.flatnonzero(fan.ravel() > 0)
    key = tetrahedra.ravel()[extra] * (int(fan.max(initial=0)) + 1) + fan.ravel()[extra]
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    split = tetrahedra.ravel().copy()
    split[extra] = n_points + number.ravel()
    return split.reshape(-1, 4), tetrahedra.ravel()[extra[first]]


def cells_to_carve(tetrahedra: Integers, edges: Integers) -> Integers:
    """Cells ``(n,)`` in all but the largest fan round each of some edges.

    Args:
        tetrahedra: the mesh.
        edges: ``(k, 2)``, smaller node first, on which more than one fan of cells hangs.
    """
    n_points = int(tetrahedra.max(initial=-1)) + 1
    wanted = np.sort(row_keys(edges, n_points))
    pairs = tetrahedra[:, EDGES]
    keys = row_keys(pairs.reshape(-1, 2), n_points)
    at = np.flatnonzero(np.isin(keys, wanted))  # (cell, edge) places on these edges
    cells, faces, _ = shared_faces(tetrahedra)
    face_edges = faces[:, 0][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    face_keys = row_keys(face_edges, n_points)
    joins = np.flatnonzero(np.isin(face_keys, wanted))
    place = {side: _place(at, keys, cells[joins // 3, side], face_keys[joins]) for side in (0, 1)}
    piece = components(at.size, np.column_stack([place[0], place[1]]))
    rank = _rank_within(np.searchsorted(wanted, keys[at]), piece)
    return np.asarray(np.unique(at[rank > 0] // 6))


def _place(at: Integers, keys: Integers, cells: Integers, wanted: Integers) -> Integers:
    """Position in ``at`` of the place of each (cell, edge key)."""
    slots = 6 * cells[:, None] + np.arange(6)
    slot = slots[np.arange(len(cells)), (keys[slots] == wanted[:, None]).argmax(axis=1)]
    return np.asarray(np.searchsorted(at, slot))
