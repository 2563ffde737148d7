"""What belongs to a heart: nodes merged or dropped, crumbs, and surfaces that touch themselves."""

from dataclasses import replace

import numpy as np
import pytest
from admission import HEART, assert_sound
from box_heart import volumes

from polycardia.errors import BadMesh
from polycardia.physics.intake import admit


def test_orphan_nodes_are_dropped_wherever_they_lie():
    points = np.vstack([[np.nan] * 3, HEART.points, [[1e9] * 3]])
    surface = replace(HEART.source().surface, triangles=HEART.triangles + 1)
    admitted = admit(
        HEART.source(points=points, tetrahedra=HEART.tetrahedra + 1, surface=surface), units="mm"
    )
    assert admitted.mended == ("2 nodes that no element uses dropped",)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def test_two_regions_meshed_apart_are_joined():
    """Every node of the interface comes twice, as when each ventricle is a part of its own."""
    second = HEART.region == 2
    shared = np.intersect1d(HEART.tetrahedra[second], HEART.tetrahedra[~second])
    copy = np.arange(len(HEART.points))
    copy[shared] = len(HEART.points) + np.arange(len(shared))
    tetrahedra = HEART.tetrahedra.copy()
    tetrahedra[second] = copy[tetrahedra[second]]
    points = np.vstack([HEART.points, HEART.points[shared] + 1e-6])
    admitted = admit(HEART.source(points=points, tetrahedra=tetrahedra), units="mm")
    assert admitted.mended[0].startswith(f"{len(shared)} duplicate nodes merged")
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def kissing_bricks(gap):
    """A brick on top of the epicardium that touches it in one edge, with nodes of its own."""
    cube = np.argwhere(np.ones((2, 2, 2))) * 6.0
    paths = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]
    cells = np.array([[0, a, b, 7] for a, b in paths])
    at = cube + np.array([-6.0 - gap, -6.0 - gap, 6.0])
    cells[volumes(at, cells) < 0] = cells[volumes(at, cells) < 0][:, [1, 0, 2, 3]]
    return at, cells + len(HEART.points)


def test_coincident_nodes_of_touching_surfaces_stay_apart():
    at, cells = kissing_bricks(0.0)
    n = len(cells)
    source = HEART.source(
        points=np.vstack([HEART.points, at]),
        tetrahedra=np.vstack([HEART.tetrahedra, cells]),
        region=np.append(HEART.region, np.ones(n, np.int64)),
    )
    admitted = admit(source, units="mm")
    assert admitted.mended == (
        "2 coincident nodes left apart: joining them would glue surfaces",
        "1 separate piece of together 216 mm^3 (0.09%) dropped",
    )
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)


def test_two_hearts_in_one_file_are_refused():
    points = np.vstack([HEART.points, HEART.points + np.array([100.0, 0.0, 0.0])])
    cells = np.vstack([HEART.tetrahedra, HEART.tetrahedra + len(HEART.points)])
    source = HEART.source(points=points, tetrahedra=cells, region=np.ones(len(cells), np.int64))
    with pytest.raises(BadMesh, match="the mesh is 2 separate pieces of 251, 251 mL"):
        admit(source)


def test_crumbs_beside_the_heart_are_dropped():
    at, cells = kissing_bricks(3.0)
    source = HEART.source(
        points=np.vstack([HEART.points, at]),
        tetrahedra=np.vstack([HEART.tetrahedra, cells]),
        region=np.append(HEART.region, np.ones(len(cells), np.int64)),
    )
    admitted = admit(source, units="mm")
    assert admitted.mended == ("1 separate piece of together 216 mm^3 (0.09%) dropped",)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)


def without_bricks(bricks, **changes):
    """The heart without some bricks, given by the indices of their lowest corners."""
    brick = np.floor(HEART.points[HEART.tetrahedra].mean(axis=1) / 6.0).astype(int)
    gone = (brick[:, None] == np.array(bricks)).all(axis=2).any(axis=1)
    assert gone.sum() == 6 * len(bricks)
    return HEART.source(tetrahedra=HEART.tetrahedra[~gone], region=HEART.region[~gone], **changes)


def assert_two_triangles_an_edge(boundary):
    edges = np.sort(boundary.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, on = np.unique(edges, axis=0, return_counts=True)
    assert set(on) == {2}


def test_a_node_at_which_two_bricks_touch_is_split():
    """Of the eight bricks round a node in the floor, only two opposite ones are left."""
    around = [(x, y, z) for x in (4, 5) for y in (4, 5) for z in (0, 1)]
    gone = [brick for brick in around if brick not in {(4, 4, 0), (5, 5, 1)}]
    admitted = admit(without_bricks(gone), units="mm")
    assert admitted.mended[0] == "1 node at which the boundary touched itself split"
    assert_sound(admitted)
    assert_two_triangles_an_edge(admitted.boundary)
    node = np.linalg.norm(admitted.mesh.points - [30.0, 30.0, 6.0], axis=1) == 0.0
    assert node.sum() == 2


def test_an_edge_along_which_two_bricks_touch_is_opened():
    """Of the four bricks round an edge in the floor, two opposite ones are left."""
    admitted = admit(without_bricks([(5, 5, 0), (5, 4, 1)]), units="mm")
    assert "beside edges at which the boundary touched itself dropped" in " ".join(admitted.mended)
    assert_sound(admitted)
    assert_two_triangles_an_edge(admitted.boundary)
    lost = HEART.volume - 2 * 216.0 - volumes(admitted.mesh.points, admitted.mesh.tetrahedra).sum()
    assert 0.0 < lost < 0.001 * HEART.volume


def test_surfaces_that_touch_along_many_edges_are_refused():
    centres = HEART.points[HEART.tetrahedra].mean(axis=1)
    brick = np.floor(centres / 6.0).astype(int)
    outer = (brick[:, 0] == 0) & (brick[:, 2] > 2)
    keep = np.flatnonzero(~(outer & ((brick[:, 1] + brick[:, 2]) % 2 == 0)))
    source = HEART.source(
        tetrahedra=HEART.tetrahedra[keep], region=HEART.region[keep], surface=None
    )
    with pytest.raises(BadMesh, match="the boundary is not a surface: it touches itself"):
        admit(source)
