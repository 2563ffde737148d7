"""The benchmark's slab: same box, same elements' length, whatever the tetrahedra."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tetrahedra import face_counts, signed_volumes

from polycardia.physics.bar import mean_length
from polycardia.physics.slab import (
    EDGES,
    POINTS,
    STIMULATED_CUBE,
    at_points,
    rotated,
    slab_mesh,
    stimulated_share,
)

KINDS = ("bricks", "jittered", "unstructured")


@pytest.fixture(scope="module", params=KINDS)
def mesh(request):
    return slab_mesh(0.5, request.param)


def test_the_box_is_filled_without_holes(mesh):
    volumes = signed_volumes(mesh.points, mesh.tetrahedra)
    assert volumes.min() > 0.0
    assert volumes.sum() == pytest.approx(np.prod(EDGES), rel=1e-5)
    np.testing.assert_array_equal(np.unique(mesh.tetrahedra), np.arange(len(mesh.points)))
    assert set(face_counts(mesh.tetrahedra)) == {1, 2}
    np.testing.assert_allclose(mesh.points.max(axis=0), EDGES)
    np.testing.assert_allclose(mesh.points.min(axis=0), 0.0)


def test_elements_are_as_long_as_the_bricks(mesh):
    """Two in three of a brick's have one corner apart from three along an axis, the others two."""
    assert mean_length(mesh.points, mesh.tetrahedra) == pytest.approx(
        0.5 * (2.0 * (3.0 / 4.0) ** 0.375 + 1.0) / 3.0, rel=0.04
    )


def test_nodes_go_along_the_slab(mesh):
    """So that contiguous slices of nodes are slices of the slab."""
    steps = np.diff(mesh.points[:, 0])
    assert steps.min() > -0.5


def test_jitter_moves_inner_nodes_within_a_ball_and_nothing_else():
    still, moved = slab_mesh(0.5), slab_mesh(0.5, "jittered")
    np.testing.assert_array_equal(still.tetrahedra, moved.tetrahedra)
    distance = np.linalg.norm(moved.points - still.points, axis=1) / 0.5
    outside = ((still.points == 0.0) | (still.points == EDGES)).any(axis=1)
    assert distance[outside].max() == 0.0
    assert 0.19 < distance.max() <= 0.2
    # Evenly over a ball: half of it lies beyond the cube root of a half of its radius.
    assert np.median(distance[~outside]) == pytest.approx(0.2 * 0.5 ** (1.0 / 3.0), rel=0.02)


def test_the_same_spacing_gives_the_same_mesh(mesh):
    again = [slab_mesh(0.5, kind).points for kind in KINDS]
    assert sum(each.shape == mesh.points.shape and (each == mesh.points).all() for each in again)


def test_a_rotation_takes_points_and_fibres_along():
    turn = Rotation.from_rotvec([0.0, 0.0, np.pi / 2]).as_matrix()
    mesh = slab_mesh(1.0)
    turned = rotated(mesh, turn)
    np.testing.assert_allclose(turned.points[:, 1], mesh.points[:, 0], atol=1e-12)
    np.testing.assert_allclose(turned.points[:, 0], -mesh.points[:, 1], atol=1e-12)
    fibre = np.tile([0.0, 1.0, 0.0], (len(turned.fibre), 1))
    np.testing.assert_allclose(turned.fibre, fibre, atol=1e-12)
    np.testing.assert_array_equal(turned.tetrahedra, mesh.tetrahedra)


def test_a_linear_field_is_known_at_the_nine_points(mesh):
    slope = np.array([3.0, -5.0, 7.0])
    found = at_points(mesh, mesh.points @ slope + 2.0)
    assert list(found) == list(POINTS)
    for name, place in POINTS.items():
        assert found[name] == pytest.approx(np.array(place) @ slope + 2.0, abs=1e-9)


def test_the_stimulated_cube_is_as_large_on_all_meshes(mesh):
    share = stimulated_share(mesh)
    corner = np.repeat(signed_volumes(mesh.points, mesh.tetrahedra) / 4.0, 4)
    volume = np.bincount(mesh.tetrahedra.ravel(), corner)
    assert share @ volume == pytest.approx(STIMULATED_CUBE**3, rel=0.01)
    assert share.min() == 0.0
    assert share.max() == pytest.approx(1.0)


def test_a_node_on_the_stimulated_cubes_surface_takes_part_by_its_share():
    """At 0.5 mm the cube's faces are the bricks': a half on a face, a quarter on an edge."""
    mesh = slab_mesh(0.5)
    share = dict(zip(map(tuple, mesh.points.tolist()), stimulated_share(mesh), strict=True))
    assert share[0.5, 1.0, 1.0] == 1.0
    assert share[1.5, 1.0, 1.0] + share[1.5, 0.5, 1.0] == pytest.approx(1.0)
    assert 0.1 < share[1.5, 1.5, 1.0] < 0.4
    assert share[2.0, 0.5, 0.5] == 0.0
