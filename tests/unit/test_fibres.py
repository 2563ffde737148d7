from functools import lru_cache

import numpy as np
import pytest
from known_meshes import as_mesh, moved, real_heart, shell
from scipy.spatial.transform import Rotation, Slerp

from polycardia.physics.axes import heart_axes
from polycardia.physics.fibres import FibreAngles, axis, bislerp, orient, rule_based_fibres
from polycardia.physics.laplace import wall_coordinates
from polycardia.physics.mesh import Boundary, Surface

HEARTS = ["heart-a", "heart-b"]


def fibres_of(mesh, boundary, **angles):
    axes = heart_axes(mesh.points, boundary)
    coordinates = wall_coordinates(mesh, boundary, axes)
    return axes, coordinates, *rule_based_fibres(mesh, coordinates, FibreAngles(**angles))


@lru_cache
def real_fibres(folder, name):
    mesh, boundary = real_heart(folder, name)
    return mesh, *fibres_of(mesh, boundary)


def helix_angles(mesh, axes, fibre):
    """Angles between the fibre in the wall's tangent plane and the circumference [degrees].

    From the long axis alone: outward is away from the axis, the circumference runs
    counterclockwise seen from the base.
    """
    offset = mesh.points[mesh.tetrahedra].mean(axis=1) - axes.apex
    outward = offset - (offset @ axes.long)[:, None] * axes.long
    outward /= np.linalg.norm(outward, axis=1)[:, None]
    along = np.einsum("ni,ni->n", fibre, np.cross(axes.long, outward))
    up = fibre @ axes.long
    return np.degrees(np.arctan(up / along))


def free_wall(mesh, axes):
    """Cells at mid-height of the left ventricle, on the side away from the septum."""
    offset = mesh.points[mesh.tetrahedra].mean(axis=1) - axes.apex
    height = offset @ axes.long / axes.length
    direction = np.arctan2(offset @ axes.anterior, offset @ axes.septal)
    return (height > 0.4) & (height < 0.7) & (np.abs(direction) > np.radians(130.0))


def median_in(values, depth, low, high, where):
    return float(np.median(values[where & (depth >= low) & (depth <= high)]))


@pytest.mark.parametrize("name", HEARTS)
def test_fibres_of_real_hearts_are_unit_vectors_everywhere(real_hearts, name):
    _, _, _, fibre, sheet = real_fibres(real_hearts, name)
    np.testing.assert_allclose(np.linalg.norm(fibre, axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(sheet, axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.einsum("ni,ni->n", fibre, sheet), 0.0, atol=1e-9)


@pytest.mark.parametrize("name", HEARTS)
def test_helix_of_real_hearts_turns_from_right_to_left_handed(real_hearts, name):
    mesh, axes, coordinates, fibre, _ = real_fibres(real_hearts, name)
    depth = coordinates.transmural[mesh.tetrahedra].mean(axis=1)
    angle, wall = helix_angles(mesh, axes, fibre), free_wall(mesh, axes)
    slope, at_endocardium = np.polyfit(depth[wall], angle[wall], 1)
    assert at_endocardium == pytest.approx(40.0, abs=6.0)
    assert at_endocardium + slope == pytest.approx(-50.0, abs=6.0)
    assert median_in(angle, depth, 0.0, 0.1, wall) > 25.0
    assert median_in(angle, depth, 0.9, 1.0, wall) < -35.0


@pytest.mark.parametrize(("endo", "epi"), [(40.0, -50.0), (0.0, 0.0), (60.0, -60.0)])
def test_helix_angle_is_the_one_that_was_asked_for(endo, epi):
    mesh, boundary = shell(n_deep=8, n_down=24, n_around=72)
    axes, coordinates, fibre, _ = fibres_of(
        mesh, boundary, alpha_endo=endo, alpha_epi=epi, beta_endo=0.0, beta_epi=0.0
    )
    depth = coordinates.transmural[mesh.tetrahedra].mean(axis=1)
    angle, wall = helix_angles(mesh, axes, fibre), free_wall(mesh, axes)
    for low in np.arange(0.0, 1.0, 0.1):
        expected = endo + (epi - endo) * (low + 0.05)
        found = median_in(angle, depth, low, low + 0.1, wall)
        assert found == pytest.approx(expected, abs=5.0)


def test_septum_is_right_handed_on_both_of_its_faces():
    mesh, boundary = shell(n_deep=8, n_down=24, n_around=72)
    axes, coordinates, fibre, _ = fibres_of(mesh, boundary)
    offset = mesh.points[mesh.tetrahedra].mean(axis=1) - axes.apex
    direction = np.arctan2(offset @ axes.anterior, offset @ axes.septal)
    height = offset @ axes.long / axes.length
    septum = (np.abs(direction) < np.radians(30.0)) & (height > 0.5) & (height < 0.8)
    right = coordinates.interventricular[mesh.tetrahedra].mean(axis=1)
    angle = helix_angles(mesh, axes, fibre)
    assert median_in(angle, right, 0.0, 0.15, septum) == pytest.approx(40.0, abs=12.0)
    # Seen from the right ventricle outward is the other way, so that its +40 is our -40.
    assert median_in(angle, right, 0.85, 1.0, septum) == pytest.approx(-40.0, abs=12.0)
    assert median_in(angle, right, 0.4, 0.6, septum) == pytest.approx(0.0, abs=5.0)


def test_a_cell_without_a_transmural_gradient_follows_its_neighbours():
    mesh, boundary = shell()
    middle = mesh.points[boundary.triangles].mean(axis=1)
    place = np.argmin(np.linalg.norm(middle - [-28.0, 0.0, -30.0], axis=1))
    face = boundary.triangles[place]
    summit = mesh.points[face].mean(axis=0) + np.array([-1.5, 0.0, 0.0])
    bump = len(mesh.points)
    points = np.concatenate([mesh.points, summit[None]])
    bumpy = as_mesh(points, np.concatenate([mesh.tetrahedra, [[*face, bump]]]))
    sides = [[face[0], face[1], bump], [face[1], face[2], bump], [face[2], face[0], bump]]
    rim = Boundary(
        np.concatenate([np.delete(boundary.triangles, place, axis=0), sides]),
        np.concatenate([np.delete(boundary.label, place), [Surface.EPI] * 3]),
    )
    _, coordinates, fibre, _ = fibres_of(bumpy, rim)
    assert np.all(coordinates.transmural[bumpy.tetrahedra[-1]] == 1.0)
    beneath = np.flatnonzero(np.isin(bumpy.tetrahedra[:-1], face).sum(axis=1) == 3)
    # A layer's difference in depth, 1/4 to 1/2 of the wall, turns the fibres by up to 45 degrees.
    assert abs(fibre[-1] @ fibre[beneath[0]]) > np.cos(np.radians(45.0))
    assert helix_angles(bumpy, heart_axes(bumpy.points, rim), fibre)[-1] == pytest.approx(
        -50.0, abs=8.0
    )


def test_fibres_turn_with_the_heart():
    mesh, boundary = shell()
    _, _, fibre, sheet = fibres_of(mesh, boundary)
    turned, rotation, _ = moved(mesh, 4)
    _, _, turned_fibre, turned_sheet = fibres_of(turned, boundary)
    for still, after in ((fibre, turned_fibre), (sheet, turned_sheet)):
        aligned = np.abs(np.einsum("ni,ni->n", still @ rotation.T, after))
        assert np.quantile(aligned, 0.001) > 0.999  # a few cells lie on the blend's branch cut


def test_axis_keeps_the_apicobasal_direction_and_is_right_handed():
    rng = np.random.default_rng(5)
    up, outward = rng.normal(size=(2, 20, 3))
    frames = axis(up, outward)
    np.testing.assert_allclose(
        frames.transpose(0, 2, 1) @ frames, np.tile(np.eye(3), (20, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(frames), 1.0)
    np.testing.assert_allclose(frames[:, :, 1], up / np.linalg.norm(up, axis=1)[:, None])
    assert np.all(np.einsum("ni,ni->n", frames[:, :, 2], outward) > 0.0)


def test_orient_is_the_product_of_the_papers_two_rotations():
    frame = Rotation.random(random_state=6).as_matrix()
    a, b = np.radians([35.0, -20.0])
    by_alpha = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    by_beta = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    turned = orient(frame[None], np.array([35.0]), np.array([-20.0]))
    np.testing.assert_allclose(turned[0], frame @ by_alpha @ by_beta, atol=1e-12)


@pytest.fixture(scope="module")
def close_frames():
    start = Rotation.random(50, random_state=8)
    turn = Rotation.from_rotvec(np.random.default_rng(8).uniform(-0.5, 0.5, (50, 3)))
    return start, start * turn


def test_bislerp_of_close_frames_is_slerp(close_frames):
    start, end = close_frames
    blended = bislerp(start.as_matrix(), end.as_matrix(), np.full(50, 0.3))
    for n in range(50):
        path = Slerp([0.0, 1.0], Rotation.concatenate([start[n], end[n]]))
        np.testing.assert_allclose(blended[n], path(0.3).as_matrix(), atol=1e-9)


@pytest.mark.parametrize("half_turn", [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
def test_bislerp_does_not_see_the_sign_of_fibres(close_frames, half_turn):
    start, end = (rotation.as_matrix() for rotation in close_frames)
    weight = np.linspace(0.0, 1.0, 50)
    plain = bislerp(start, end, weight)
    flipped = bislerp(start @ np.diag(half_turn).astype(float), end, weight)
    np.testing.assert_allclose(flipped, plain, atol=1e-9)


def test_bislerp_of_equal_frames_stays(close_frames):
    start = close_frames[0].as_matrix()
    np.testing.assert_allclose(bislerp(start, start, np.full(50, 0.7)), start, atol=1e-9)
