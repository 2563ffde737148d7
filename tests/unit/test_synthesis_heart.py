"""A synthesised heart is what it was made to be, measured on its mesh."""

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from tetrahedra import face_counts, lowest_dihedral, signed_volumes

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Surface
from polycardia.synthesis.anatomy import Ellipsoid, Sizes, shape_of
from polycardia.synthesis.heart import LV_WALL, RV_WALL, meshed
from polycardia.synthesis.pose import draw_pose

# A large man's and a small woman's heart, well apart from the means.
LARGE = Sizes(lv_volume=205.0, lv_mass=130.0, rv_volume=230.0, rv_wall=3.8, lv_sphericity=0.61)
SMALL = Sizes(lv_volume=92.0, lv_mass=55.0, rv_volume=95.0, rv_wall=4.1, lv_sphericity=0.58)


@pytest.fixture(scope="module", params=[(LARGE, 3.0), (SMALL, 2.0)], ids=["coarse", "fine"])
def made(request):
    sizes, edge_length = request.param
    heart = meshed(shape_of(sizes), edge_length=edge_length)
    return sizes, edge_length, heart.placed(draw_pose(np.random.default_rng(3)))


def edges_of(cells):
    pairs = np.concatenate([cells[:, list(p)] for p in combinations(range(cells.shape[1]), 2)])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def faces_of(heart, label):
    return heart.boundary.triangles[heart.boundary.label == label]


def pieces(n_points, edges, nodes):
    graph = coo_matrix((np.ones(len(edges)), edges.T), (n_points, n_points))
    return len(np.unique(connected_components(graph, directed=False)[1][nodes]))


def cavity_volume(heart, label):
    """[mL] between a cavity's surface and the base plane, by the divergence theorem.

    With the origin in the plane, the lid adds nothing.
    """
    base = heart.mesh.points[np.unique(faces_of(heart, Surface.BASE))]
    corner = heart.mesh.points[faces_of(heart, label)] - base.mean(axis=0)
    return abs(np.linalg.det(corner).sum()) / 6.0 / 1e3


def test_sizes_of_the_mesh_are_the_drawn_ones(made):
    sizes, _, heart = made
    volumes = signed_volumes(heart.mesh.points, heart.mesh.tetrahedra)
    lv_mass = 1.05e-3 * volumes[heart.mesh.region == LV_WALL].sum()
    assert cavity_volume(heart, Surface.LV_ENDO) == pytest.approx(sizes.lv_volume, rel=0.01)
    assert cavity_volume(heart, Surface.RV_ENDO) == pytest.approx(sizes.rv_volume, rel=0.015)
    assert lv_mass == pytest.approx(sizes.lv_mass, rel=0.02)
    assert set(np.unique(heart.mesh.region)) == {LV_WALL, RV_WALL}


def test_boundary_is_one_sphere_that_closes_the_mesh(made):
    _, _, heart = made
    triangles = heart.boundary.triangles
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    directed = np.unique(edges, axis=0)
    assert len(directed) == len(edges), "neighbouring triangles turn opposite ways"
    np.testing.assert_array_equal(np.unique(edges[:, ::-1], axis=0), directed)
    nodes = np.unique(triangles)
    assert len(nodes) - len(edges) // 2 + len(triangles) == 2
    assert pieces(len(heart.mesh.points), edges, nodes) == 1
    # Outward: the enclosed volume is positive and that of the tetrahedra.
    enclosed = np.linalg.det(heart.mesh.points[triangles]).sum() / 6.0
    volumes = signed_volumes(heart.mesh.points, heart.mesh.tetrahedra)
    assert enclosed == pytest.approx(volumes.sum(), rel=1e-9)


def test_tetrahedra_are_sound_and_joined(made):
    _, edge_length, heart = made
    points, tetrahedra = heart.mesh.points, heart.mesh.tetrahedra
    assert signed_volumes(points, tetrahedra).min() > 1e-3 * edge_length**3
    assert lowest_dihedral(points, tetrahedra) > 10.0
    edges = edges_of(tetrahedra)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    assert lengths.mean() == pytest.approx(0.92 * edge_length, rel=0.06)
    assert lengths.min() > 0.2 * edge_length
    assert lengths.max() < 1.8 * edge_length
    assert face_counts(tetrahedra).max() == 2
    assert len(np.unique(tetrahedra)) == len(points)
    assert pieces(len(points), edges, np.arange(len(points))) == 1


def test_each_label_is_one_patch_and_only_the_base_joins_them(made):
    _, _, heart = made
    n_points = len(heart.mesh.points)
    nodes = {label: np.unique(faces_of(heart, label)) for label in Surface}
    for label in Surface:
        assert pieces(n_points, edges_of(faces_of(heart, label)), nodes[label]) == 1
    walls = (Surface.LV_ENDO, Surface.RV_ENDO, Surface.EPI)
    for first, second in combinations(walls, 2):
        assert not np.intersect1d(nodes[first], nodes[second]).size
    assert all(np.intersect1d(nodes[Surface.BASE], nodes[wall]).size for wall in walls)


def test_base_is_a_plane_with_sharp_edges(made):
    _, _, heart = made
    base = heart.mesh.points[np.unique(faces_of(heart, Surface.BASE))]
    centred = base - base.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][2]
    assert np.abs(centred @ normal).max() < 1e-9
    others = heart.boundary.triangles[heart.boundary.label != Surface.BASE]
    corner = heart.mesh.points[others]
    tilt = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    at_rim = np.isin(others, np.unique(faces_of(heart, Surface.BASE))).sum(axis=1) == 2
    slope = np.abs(tilt @ normal) / np.linalg.norm(tilt, axis=1)
    assert slope[at_rim].max() < 0.75, "a chamfer lies between wall and base"


def test_right_ventricular_wall_has_its_thickness_and_no_edge_through_it(made):
    sizes, edge_length, heart = made
    points = heart.mesh.points
    epi, rv = (np.unique(faces_of(heart, label)) for label in (Surface.EPI, Surface.RV_ENDO))
    lv = np.unique(faces_of(heart, Surface.LV_ENDO))
    to_epi, to_lv = (cKDTree(points[nodes]).query(points[rv])[0] for nodes in (epi, lv))
    free_wall = to_epi[to_lv > 3.0 * to_epi]
    assert np.median(free_wall) == pytest.approx(sizes.rv_wall, rel=0.08)
    assert free_wall.min() > 0.85 * sizes.rv_wall
    if edge_length <= 2.0:
        edges = edges_of(heart.mesh.tetrahedra)
        through = np.isin(edges, epi).any(axis=1) & np.isin(edges, rv).any(axis=1)
        assert not through.any(), "fewer than two elements through the wall"


def test_ellipsoid_volume_and_distance_against_the_sphere():
    ball = Ellipsoid((1.0, 2.0, -7.0), (5.0, 5.0, 5.0))
    assert ball.volume_below_base() == pytest.approx(4 / 3 * np.pi * 125)
    half = Ellipsoid((0.0, 0.0, 0.0), (3.0, 4.0, 5.0))
    assert half.volume_below_base() == pytest.approx(2 / 3 * np.pi * 60)
    points = np.array([[1.0, 2.0, -7.0], [1.0, 2.0, -1.0], [4.0, 2.0, -7.0], [1.0, 7.0, -7.0]])
    np.testing.assert_allclose(ball.distance(points), [-5.0, 1.0, -2.0, 0.0], atol=1e-12)


def test_tilted_ellipsoid_is_a_turned_one():
    tilted = Ellipsoid((0.0, 0.0, 0.0), (1.0, 2.0, 6.0), tilt=np.radians(30.0))
    tip = 6.0 * np.array([-0.5, 0.0, -np.sqrt(0.75)])
    side = np.array([np.sqrt(0.75), 0.0, -0.5])
    np.testing.assert_allclose(tilted.distance(np.array([tip, side])), 0.0, atol=1e-12)
    np.testing.assert_allclose(
        tilted.half_extent(), [np.sqrt(0.75 + 9.0), 2.0, np.sqrt(0.25 + 27.0)]
    )


def test_pose_is_a_rotation_with_the_apex_to_the_left_front_and_feet():
    poses = [draw_pose(np.random.default_rng(seed)) for seed in range(20)]
    for pose in poses:
        np.testing.assert_allclose(pose.rotation @ pose.rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(pose.rotation) == pytest.approx(1.0)
        to_apex = pose.placed(np.array([[0.0, 0, -1]]))[0] - pose.shift
        to_rv = pose.placed(np.array([[1.0, 0, 0]]))[0] - pose.shift
        assert to_apex[0] > 0.0 > to_apex[1]
        assert to_apex[2] < 0.0
        assert to_rv[1] < 0.0
    assert np.std([pose.shift for pose in poses], axis=0).min() > 10.0


def test_edge_longer_than_the_wall_allows_is_refused():
    with pytest.raises(BadStudy, match=r"4 mm is too coarse for a wall of 3\.\d+ mm, need"):
        meshed(shape_of(LARGE), edge_length=4.0)


def test_sizes_that_do_not_go_together_are_refused():
    with pytest.raises(BadStudy, match="no right ventricle of 900 mL fits"):
        shape_of(Sizes(100.0, 80.0, 900.0, 4.0, 0.6))
