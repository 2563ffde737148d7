import numpy as np
import pytest
from known_meshes import moved, real_heart, shell
from scipy.spatial import ConvexHull, cKDTree

from polycardia.physics.axes import heart_axes, wall_centroid
from polycardia.physics.electrodes import ELECTRODES, MARGIN, body_frame, place_electrodes
from polycardia.physics.mesh import TetMesh


def placed(mesh, boundary):
    return dict(
        zip(ELECTRODES, place_electrodes(mesh, heart_axes(mesh.points, boundary)), strict=True)
    )


def in_body(mesh, boundary):
    """Electrodes from the ventricles' centroid, (right, anterior, superior) [mm]."""
    axes = heart_axes(mesh.points, boundary)
    return {
        name: np.round(body_frame(axes) @ (place - wall_centroid(mesh)), 9)
        for name, place in placed(mesh, boundary).items()
    }


def test_the_body_frame_has_the_published_mean_orientation():
    mesh, boundary = shell()
    axes = heart_axes(mesh.points, boundary)
    right, anterior, superior = -(body_frame(axes) @ axes.long)  # from base to apex
    assert np.degrees(np.arctan2(-superior, -right)) == pytest.approx(38.0)
    assert np.degrees(np.arctan2(anterior, -right)) == pytest.approx(46.0)
    assert (body_frame(axes) @ axes.septal)[2] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(body_frame(axes) @ body_frame(axes).T, np.eye(3), atol=1e-12)
    assert np.linalg.det(body_frame(axes)) == pytest.approx(1.0)


def test_electrodes_have_the_order_of_a_chest():
    at = in_body(*shell())
    chest = [at[f"V{i}"] for i in range(1, 7)]
    assert np.all(np.diff([place[0] for place in chest]) < 0.0)  # from right to left
    assert at["V1"][2] == at["V2"][2] > at["V3"][2] > at["V4"][2]
    assert at["V4"][2] == at["V5"][2] == at["V6"][2]
    assert at["RA"][2] == at["LA"][2] > at["V1"][2]
    assert at["RL"][2] == at["LL"][2] < at["V6"][2]
    assert at["RA"][0] > at["V1"][0] > at["LA"][0] > at["V6"][0]
    np.testing.assert_allclose(at["V3"][[0, 2]], (at["V2"] + at["V4"])[[0, 2]] / 2.0, atol=1e-8)


@pytest.mark.parametrize("name", ["heart-a", "heart-b"])
def test_electrodes_are_outside_of_real_hearts(real_hearts, name):
    mesh, boundary = real_heart(real_hearts, name)
    places = place_electrodes(mesh, heart_axes(mesh.points, boundary))
    assert cKDTree(mesh.points).query(places)[0].min() > MARGIN
    faces = ConvexHull(mesh.points).equations
    assert np.all((places @ faces[:, :3].T + faces[:, 3]).max(axis=1) > MARGIN)


def test_electrodes_move_out_where_the_heart_is_large_for_its_wall():
    """A thin-walled heart of three times the size has a small volume, but needs room."""
    mesh, boundary = shell()
    centre = wall_centroid(mesh)
    blown = TetMesh(centre + 3.0 * (mesh.points - centre), mesh.tetrahedra, mesh.region)
    small = in_body(mesh, boundary)
    assert np.linalg.norm(small["V2"]) < 90.0
    thin = TetMesh(blown.points, mesh.tetrahedra[:: len(mesh.tetrahedra) // 50], mesh.region)
    places = place_electrodes(thin, heart_axes(blown.points, boundary))
    faces = ConvexHull(blown.points).equations
    clearance = (places @ faces[:, :3].T + faces[:, 3]).max(axis=1)
    assert clearance.min() == pytest.approx(MARGIN)


def test_the_chest_grows_with_the_cube_root_of_the_wall():
    mesh, boundary = shell()
    larger = TetMesh(1.2 * mesh.points, mesh.tetrahedra, mesh.region)
    small, large = in_body(mesh, boundary), in_body(larger, boundary)
    for name in ELECTRODES:
        np.testing.assert_allclose(large[name], 1.2 * small[name], atol=1e-8)


def test_electrodes_turn_with_the_heart():
    mesh, boundary = shell()
    turned, rotation, shift = moved(mesh, 11)
    still = place_electrodes(mesh, heart_axes(mesh.points, boundary))
    after = place_electrodes(turned, heart_axes(turned.points, boundary))
    np.testing.assert_allclose(after, still @ rotation.T + shift, atol=1e-7)


def test_an_electrode_can_be_moved_and_scales_with_the_heart():
    mesh, boundary = shell()
    axes = heart_axes(mesh.points, boundary)
    by_rule = place_electrodes(mesh, axes)
    place = [-50.0, 120.0, 60.0]  # right, anterior, superior: further out than the heart reaches
    row = ELECTRODES.index("V2")
    chosen = place_electrodes(mesh, axes, {"V2": place})
    np.testing.assert_array_equal(np.delete(chosen, row, 0), np.delete(by_rule, row, 0))
    twice = TetMesh(2.0 * mesh.points, mesh.tetrahedra, mesh.region)
    larger = place_electrodes(twice, heart_axes(twice.points, boundary), {"V2": place})
    found = body_frame(axes) @ (chosen[row] - wall_centroid(mesh))
    np.testing.assert_allclose(found / found[0] * place[0], place, rtol=1e-9)
    np.testing.assert_allclose(larger, 2.0 * chosen, rtol=1e-9)
