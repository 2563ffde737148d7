"""Faults of a mesh that can be mended without guessing; what cannot be is refused.

Every step takes a `Draft`, returns another, and says in one sentence what it changed.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from polycardia.errors import BadMesh
from polycardia.physics.manifold import (
    cells_to_carve,
    crowded_edges,
    fans_at_nodes,
    split_pinched_nodes,
)
from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.quality import extent, flat_cells
from polycardia.physics.topology import (
    boundary_faces,
    components,
    nodes_of,
    shared_faces,
    tet_volumes,
)

COINCIDENT = 1e-6  # of the heart's extent: 0.1 um, ten times single precision's round-off
NEGLIGIBLE_PIECES = 0.01  # of the volume, in pieces beside the largest
NEGLIGIBLE_CARVING = 0.001  # of the volume, where a boundary touches itself
NEGLIGIBLE_PINCHES = 0.01  # of the boundary's nodes
NEGLIGIBLE_FLATNESS = 0.001  # of the cells
CARVING_ROUNDS = 5


@dataclass(frozen=True)
class Draft:
    """A mesh on its way to being usable.

    Attributes:
        points: ``(n_points, 3)`` [mm].
        tetrahedra: ``(n_cells, 4)``.
        node_origin: ``(n_points,)`` node of the source mesh.
        cell_origin: ``(n_cells,)`` cell of the source mesh.
        alias: ``(n_source_points,)`` the node kept for each source node: itself unless merged.
    """

    points: Floats
    tetrahedra: Integers
    node_origin: Integers
    cell_origin: Integers
    alias: Integers

    def keep(self, cells: Integers) -> "Draft":
        """Only these cells."""
        return replace(self, tetrahedra=self.tetrahedra[cells], cell_origin=self.cell_origin[cells])


Step = tuple[Draft, list[str]]


def count(n: int, what: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def drop_repeated_cells(draft: Draft) -> Step:
    """Of elements with the same four nodes, keep the first."""
    _, first = np.unique(np.sort(draft.tetrahedra, axis=1), axis=0, return_index=True)
    dropped = len(draft.tetrahedra) - len(first)
    if not dropped:
        return draft, []
    return draft.keep(np.sort(first)), [f"{count(dropped, 'duplicate element')} dropped"]


def merge_coincident_nodes(draft: Draft) -> Step:
    """Join nodes at one place, unless that would make surfaces touch or elements collapse.

    Only boundary nodes are compared: cells that use two nodes for one place share no face.
    """
    boundary, _ = boundary_faces(draft.tetrahedra)
    candidates = np.unique(boundary)
    if not candidates.size:  # collapsed elements only: the next step refuses them
        return draft, []
    tolerance = COINCIDENT * extent(draft.points[candidates])
    close = cKDTree(draft.points[candidates]).query_pairs(tolerance, output_type="ndarray")
    if not len(close):
        return draft, []
    piece = components(len(candidates), close)
    _, first = np.unique(piece, return_index=True)
    kept = np.arange(len(draft.points))
    kept[candidates] = candidates[first[piece]]
    merged = replace(
        draft,
        tetrahedra=kept[draft.tetrahedra],
        alias=draft.node_origin[kept][draft.alias],
    )
    n_merged = int(np.count_nonzero(kept != np.arange(len(kept))))
    if _touching(merged.tetrahedra, len(kept)) > _touching(draft.tetrahedra, len(kept)):
        said = f"{count(n_merged, 'coincident node')} left apart: joining them would glue surfaces"
        return draft, [said]
    return merged, [f"{count(n_merged, 'duplicate node')} merged (within {tolerance:.1e} mm)"]


def _touching(tetrahedra: Integers, n_points: int) -> int:
    """How often the boundary touches itself, or cells overlap, in a mesh."""
    distinct = np.diff(np.sort(tetrahedra, axis=1), axis=1).all(axis=1)
    sound = tetrahedra[distinct]
    _, _, crowded = shared_faces(sound)
    boundary, _ = boundary_faces(sound)
    pinched = np.count_nonzero(fans_at_nodes(sound, n_points))
    return len(crowded) + len(crowded_edges(boundary)) + int(pinched)


def drop_flat_cells(draft: Draft) -> Step:
    """Drop elements without volume where no hole opens, refuse the others.

    Safe are collapsed elements (a node twice: the neighbours meet over it) and flat ones with a
    face on the boundary (what they expose lies where they were).
    """
    tetrahedra = draft.tetrahedra
    collapsed = ~np.diff(np.sort(tetrahedra, axis=1), axis=1).all(axis=1)
    draft = draft.keep(np.flatnonzero(~collapsed))
    said = []
    if collapsed.all():
        raise BadMesh(f"all {len(tetrahedra)} elements name a node twice, expected four nodes each")
    if collapsed.any():
        said.append(f"{count(int(collapsed.sum()), 'collapsed element')} dropped")
    dropped = 0
    for _ in range(CARVING_ROUNDS):
        flat = flat_cells(draft.points, draft.tetrahedra)
        if not flat.any():
            break
        _, at_boundary = boundary_faces(draft.tetrahedra)
        outer = np.zeros(len(flat), dtype=bool)
        outer[at_boundary] = True
        if not (flat & outer).any() or flat.sum() > NEGLIGIBLE_FLATNESS * len(flat) + 1:
            worst = int(np.flatnonzero(flat)[0])
            raise BadMesh(
                f"{count(int(flat.sum()), 'element')} of {len(flat)} without volume, the first is "
                f"element {draft.cell_origin[worst]} at {place(draft, worst)}: "
                "expected positive volumes"
            )
        dropped += int((flat & outer).sum())
        draft = draft.keep(np.flatnonzero(~(flat & outer)))
    if dropped:
        said.append(f"{count(dropped, 'flat element')} at the boundary dropped")
    return draft, said


def place(draft: Draft, cell: int) -> str:
    """Where a cell is, for a message."""
    x, y, z = draft.points[draft.tetrahedra[cell]].mean(axis=0)
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm"


def orient(draft: Draft) -> Step:
    """Give every element positive volume, and refuse a mesh that folds over itself then.

    Two cells with a common face lie on different sides of it exactly when they see its nodes in
    opposite order.  A cell that is negative because a node was moved through the opposite face
    lies on the wrong side however its nodes are listed, so turning it would hide the fault.
    """
    negative = np.flatnonzero(tet_volumes(draft.points, draft.tetrahedra) < 0)
    tetrahedra = draft.tetrahedra.copy()
    tetrahedra[negative] = tetrahedra[negative][:, [1, 0, 2, 3]]
    cells, faces, crowded = shared_faces(tetrahedra)
    if len(crowded):
        raise BadMesh(
            f"{count(len(crowded), 'element')} on faces that more than two elements claim, the "
            f"first is element {draft.cell_origin[crowded[0]]} at {place(draft, int(crowded[0]))}: "
            "the mesh overlaps itself"
        )
    ahead = (faces[:, 1] == faces[:, 0, :1]).argmax(axis=1)
    following = faces[np.arange(len(faces)), 1, (ahead + 1) % 3]
    folded = np.flatnonzero(following == faces[:, 0, 1])
    if folded.size:
        first, second = cells[folded[0]]
        raise BadMesh(
            f"the mesh is inverted: {count(folded.size, 'face')} with both elements on one side, "
            f"the first between elements {draft.cell_origin[first]} and "
            f"{draft.cell_origin[second]} at {place(draft, int(first))}"
        )
    if not negative.size:
        return draft, []
    said = f"{negative.size} of {len(tetrahedra)} elements listed their nodes inside out: turned"
    return replace(draft, tetrahedra=tetrahedra), [said]


def keep_largest_piece(draft: Draft) -> Step:
    """Keep the largest of several pieces if the others are crumbs, else refuse."""
    cells, _, _ = shared_faces(draft.tetrahedra)
    piece = components(len(draft.tetrahedra), cells)
    volumes = np.bincount(piece, np.abs(tet_volumes(draft.points, draft.tetrahedra)))
    if len(volumes) == 1:
        return draft, []
    largest = int(volumes.argmax())
    others = volumes.sum() - volumes[largest]
    sizes = ", ".join(f"{volume / 1000.0:.3g}" for volume in np.sort(volumes)[::-1][:4])
    more = " and smaller ones" if len(volumes) > 4 else ""
    if others > NEGLIGIBLE_PIECES * volumes.sum():
        raise BadMesh(
            f"the mesh is {len(volumes)} separate pieces of {sizes} mL{more}: expected one, or "
            f"crumbs of together less than {NEGLIGIBLE_PIECES:.0%} beside it"
        )
    said = (
        f"{count(len(volumes) - 1, 'separate piece')} of together {others:.3g} mm^3 "
        f"({others / volumes.sum():.2%}) dropped"
    )
    return draft.keep(np.flatnonzero(piece == largest)), [said]


def separate_touching_surfaces(draft: Draft) -> Step:
    """Make the boundary manifold, or refuse.

    Pinched nodes are split, which changes no shape.  Where surfaces touch along an edge, the
    smaller fan of elements there is carved away; a thousandth of the volume at most.
    """
    before = np.abs(tet_volumes(draft.points, draft.tetrahedra)).sum()
    n_split, n_carved = 0, 0
    for _ in range(CARVING_ROUNDS):
        tetrahedra, copied = split_pinched_nodes(draft.tetrahedra, len(draft.points))
        n_split += len(copied)
        draft = replace(
            draft,
            tetrahedra=tetrahedra,
            points=np.vstack([draft.points, draft.points[copied]]),
            node_origin=np.concatenate([draft.node_origin, draft.node_origin[copied]]),
        )
        boundary, _ = boundary_faces(tetrahedra)
        crowded = crowded_edges(boundary)
        if not len(crowded):
            break
        carved = cells_to_carve(tetrahedra, crowded)
        n_carved += len(carved)
        draft = draft.keep(np.setdiff1d(np.arange(len(tetrahedra)), carved))
    lost = before - np.abs(tet_volumes(draft.points, draft.tetrahedra)).sum()
    n_boundary = len(np.unique(boundary))
    if (
        len(crowded)
        or lost > NEGLIGIBLE_CARVING * before
        or n_split > NEGLIGIBLE_PINCHES * n_boundary + 1
    ):
        raise BadMesh(
            f"the boundary is not a surface: it touches itself at {count(n_split, 'node')} and "
            f"beside {count(n_carved, 'element')}, more than can be taken apart"
        )
    said = []
    if n_split:
        said.append(f"{count(n_split, 'node')} at which the boundary touched itself split")
    if n_carved:
        said.append(
            f"{count(n_carved, 'element')} ({lost:.3g} mm^3) beside edges at which the boundary "
            "touched itself dropped"
        )
    return draft, said


def drop_unused_nodes(draft: Draft) -> Step:
    """Renumber to the nodes that elements use."""
    used = nodes_of(draft.tetrahedra, len(draft.points))
    if used.all():
        return draft, []
    number = np.cumsum(used) - 1
    packed = replace(
        draft,
        points=draft.points[used],
        tetrahedra=number[draft.tetrahedra],
        node_origin=draft.node_origin[used],
    )
    return packed, [f"{count(int((~used).sum()), 'node')} that no element uses dropped"]
