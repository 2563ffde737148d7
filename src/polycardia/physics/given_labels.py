"""Bringing labels that came with a mesh onto its boundary, and checking what they say."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from polycardia.errors import BadMesh
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface
from polycardia.physics.source import SourceSurface
from polycardia.physics.topology import adjacent_triangles, components, face_areas, row_keys

NAMES = {
    Surface.LV_ENDO: "LV endocardium",
    Surface.RV_ENDO: "RV endocardium",
    Surface.EPI: "epicardium",
    Surface.BASE: "base",
}
NEAR = 0.5  # of a triangle's size: how far the centre of its label's triangle may be
LARGEST_GAP = 0.05  # of the boundary's area, without a label
LARGEST_ISLAND = 0.05  # of an endocardium's area, apart from the rest of it
LARGEST_CONFLICT = 0.01  # of the boundary's faces, with more than one label
LEAST_MATCH = 0.5  # of a surface's triangles, that lie on the boundary


def transfer_labels(
    surface: SourceSurface, points: Floats, triangles: Integers, source_nodes: Integers,
    alias: Integers, scale: float,
) -> tuple[Integers, list[str]]:  # fmt: skip
    """Label ``(n_faces,)`` of every boundary triangle, and what was filled in.

    Args:
        surface: as read.
        points: ``(n_points, 3)`` [mm] of the mended mesh.
        triangles: ``(n_faces, 3)`` its boundary.
        source_nodes: ``(n_points,)`` the source node of each node.
        alias: ``(n_source_points,)`` the source node kept for each.
        scale: [mm] that the source's unit is long.

    Raises:
        BadMesh: the surface is that of another mesh, leaves much unlabelled, or lacks a label.
    """
    known = np.isin(surface.label, [int(label) for label in Surface])
    if surface.points is None:
        label, said = _by_nodes(surface, known, source_nodes[triangles], alias)
    else:
        label, said = _by_place(surface, known, points, triangles, scale)
    missing = [s for s in Surface if not (label == s).any()]
    area = face_areas(points, triangles)
    gap = float(area[label == 0].sum() / area.sum())
    if missing == [Surface.BASE] and gap > 0.0:
        label = np.where(label == 0, int(Surface.BASE), label)
        return label, [*said, f"no base was labelled: the unlabelled {gap:.1%} became the base"]
    if missing:
        raise BadMesh(
            f"{surface.origin}: no triangle of the boundary is labelled "
            f"{' or '.join(NAMES[s] for s in missing)}, expected all four labels"
        )
    if gap > LARGEST_GAP:
        raise BadMesh(
            f"{surface.origin}: {gap:.1%} of the boundary's area has no label, expected at most "
            f"{LARGEST_GAP:.0%}"
        )
    if gap > 0.0:
        label = _fill(label, points, triangles)
        said.append(f"{gap:.2%} of the boundary had no label and got its neighbours'")
    return label, said


def _by_nodes(
    surface: SourceSurface, known: NDArray[np.bool_], faces: Integers, alias: Integers
) -> tuple[Integers, list[str]]:
    """Match triangles that name the mesh's own nodes."""
    named = surface.triangles[known]
    n_points = len(alias)
    wrong = np.flatnonzero(((named < 0) | (named >= n_points)).any(axis=1))
    if wrong.size:
        raise BadMesh(
            f"{surface.origin}: triangle {np.flatnonzero(known)[wrong[0]]} names nodes "
            f"{named[wrong[0]].tolist()}, expected 0 to {n_points - 1}"
        )
    keys = row_keys(np.vstack([alias[named], alias[faces]]), n_points)
    offered, wanted = keys[: len(named)], keys[len(named) :]
    order = np.lexsort((surface.label[known], offered))
    offered, labels = offered[order], surface.label[known][order]
    matched = int(np.isin(offered, wanted).sum())
    if matched < LEAST_MATCH * len(named):
        raise BadMesh(
            f"{surface.origin}: {matched} of {len(named)} labelled triangles lie on the mesh's "
            "boundary: are these the surfaces of another mesh?"
        )
    first = np.searchsorted(offered, wanted)
    last = np.searchsorted(offered, wanted, side="right") - 1
    found = first <= last
    label = np.zeros(len(faces), dtype=np.int64)
    label[found] = labels[first[found]]
    conflict = found.copy()
    conflict[found] = labels[first[found]] != labels[last[found]]
    n_conflicts = int(conflict.sum())
    if n_conflicts > LARGEST_CONFLICT * len(faces):
        raise BadMesh(f"{surface.origin}: {n_conflicts} triangles have more than one label")
    label[conflict] = 0
    said = []
    if n_conflicts:
        said.append(f"{n_conflicts} triangles with more than one label left to their neighbours")
    if matched < len(offered):
        said.append(f"{len(offered) - matched} labelled triangles off the boundary left out")
    return label, said


def _by_place(
    surface: SourceSurface,
    known: NDArray[np.bool_],
    points: Floats,
    triangles: Integers,
    scale: float,
) -> tuple[Integers, list[str]]:
    """Give each boundary triangle the label of the surface triangle at its place."""
    assert surface.points is not None
    offered = scale * surface.points[surface.triangles[known]].mean(axis=1)
    if not len(offered) or not np.isfinite(offered).all():
        raise BadMesh(
            f"{surface.origin}: found {len(offered)} labelled triangles, expected some, "
            "with finite coordinates"
        )
    distance, nearest = cKDTree(offered).query(points[triangles].mean(axis=1))
    size = np.sqrt(face_areas(points, triangles))
    matched = distance <= NEAR * size
    if np.count_nonzero(matched) < LEAST_MATCH * len(triangles):
        raise BadMesh(
            f"{surface.origin}: labels lie {np.median(distance):.3g} mm from the triangles of the "
            f"mesh's boundary in the median, expected at most {NEAR * np.median(size):.2g} mm: "
            "is it the surface of another mesh, or in another unit?"
        )
    return np.where(matched, surface.label[known][nearest], 0), []


def _fill(label: Integers, points: Floats, triangles: Integers) -> Integers:
    """Give unlabelled faces the label that is nearest along the surface."""
    centres = points[triangles].mean(axis=1)
    pairs, _ = adjacent_triangles(triangles)
    length = np.linalg.norm(centres[pairs[:, 0]] - centres[pairs[:, 1]], axis=1) + 1e-9
    n = len(label)
    graph = coo_matrix((length, (pairs[:, 0], pairs[:, 1])), (n, n)).tocsr()
    known = np.flatnonzero(label)
    _, _, source = dijkstra(
        graph, directed=False, indices=known, min_only=True, return_predecessors=True
    )
    filled = np.where(source >= 0, label[np.maximum(source, 0)], 0)
    lonely = filled == 0  # a void within the wall: no way leads there along the surface
    if lonely.any():
        _, nearest = cKDTree(centres[known]).query(centres[lonely])
        filled[lonely] = label[known[nearest]]
    return np.asarray(filled, dtype=np.int64)


def check_labels(points: Floats, boundary: Boundary, origin: str) -> None:
    """Refuse labels that are not those of two ventricles.

    Args:
        points: ``(n_points, 3)`` [mm].
        boundary: labelled.
        origin: where the labels come from, for messages.

    Raises:
        BadMesh: a label is missing, an endocardium is in pieces, or the two touch.
    """
    missing = [NAMES[s] for s in Surface if not (boundary.label == s).any()]
    if missing:
        raise BadMesh(f"no {' and no '.join(missing)} among the labels from {origin}")
    area = face_areas(points, boundary.triangles)
    pairs, _ = adjacent_triangles(boundary.triangles)
    labels = boundary.label[pairs]
    touching = int(np.count_nonzero(np.sort(labels, axis=1)[labels.min(axis=1) == 1, 1] == 2))
    if touching:
        raise BadMesh(
            f"LV and RV endocardium touch along {touching} edges, expected wall or base between "
            f"them (labels from {origin})"
        )
    patch = components(len(area), pairs[labels[:, 0] == labels[:, 1]])
    for surface in (Surface.LV_ENDO, Surface.RV_ENDO):
        sizes = np.sort(np.bincount(patch, area * (boundary.label == surface)))[::-1]
        if sizes[1:].sum() > LARGEST_ISLAND * sizes.sum():
            raise BadMesh(
                f"the {NAMES[surface]} is in pieces of {sizes[0] / 100.0:.3g} and "
                f"{sizes[1] / 100.0:.3g} cm^2, expected one (labels from {origin})"
            )
