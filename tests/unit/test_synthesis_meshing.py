"""Lattice, stuffing and smoothing on shapes whose volumes are known."""

from collections.abc import Callable

import numpy as np
import pytest
from tetrahedra import face_counts, lowest_dihedral, signed_volumes

from polycardia.physics.mesh import Floats, Integers
from polycardia.synthesis.lattice import lattice_around
from polycardia.synthesis.smoothing import mean_ratio, smoothed
from polycardia.synthesis.stuffing import onto_surface, stuffed

RADIUS = 10.0
Distance = Callable[[Floats], Floats]


def half_ball(points: Floats) -> Floats:
    return np.linalg.norm(points, axis=1) - RADIUS


def shell(points: Floats) -> Floats:
    """A bowl whose wall is 3 mm thick."""
    return np.abs(np.linalg.norm(points, axis=1) - RADIUS) - 1.5


def stuffed_shape(distance: Distance, side: float) -> tuple[Floats, Integers]:
    corner = np.full(3, RADIUS + 2.0)
    return stuffed(lattice_around(distance, -corner, corner, side), distance, side)


def test_lattice_tiles_its_box_with_one_shape_and_its_half():
    lattice = lattice_around(
        lambda points: np.full(len(points), -1.0), np.full(3, -2.0), np.full(3, 2.0), 2.0
    )
    volumes = np.abs(signed_volumes(lattice.points, lattice.tetrahedra)) / 2.0**3
    halves = np.isclose(volumes, 1 / 24)
    np.testing.assert_allclose(volumes[~halves], 1 / 12)
    # 4 x 4 x 2 cubes, less the pyramids at the sides and the bottom; none is missing at z = 0.
    assert volumes.sum() == pytest.approx(32 - (4 * 8 + 16) / 6)
    assert face_counts(lattice.tetrahedra).max() == 2
    assert lattice.points[:, 2].max() == 0.0
    assert halves.sum() == 4 * 16


@pytest.mark.parametrize(
    ("distance", "volume"),
    [
        (half_ball, 2 / 3 * np.pi * RADIUS**3),
        (shell, 2 / 3 * np.pi * ((RADIUS + 1.5) ** 3 - (RADIUS - 1.5) ** 3)),
    ],
)
def test_stuffing_converges_to_the_volume_at_second_order(distance: Distance, volume: float):
    sides = np.array([2.0, 1.0, 0.5])
    errors = []
    for side in sides:
        points, tetrahedra = stuffed_shape(distance, side)
        volumes = signed_volumes(points, tetrahedra)
        assert volumes.min() > 0.0
        assert face_counts(tetrahedra).max() == 2
        errors.append(abs(volumes.sum() - volume) / volume)
    order = np.polyfit(np.log(sides), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.4)
    assert errors[-1] < 0.002


@pytest.mark.parametrize("side", [1.0, 1.3, 1.9])
def test_angles_of_a_stuffed_half_ball_stay_above_the_papers_bound(side: float):
    points, tetrahedra = stuffed_shape(half_ball, side)
    assert lowest_dihedral(points, tetrahedra) > 10.7


def test_smoothing_keeps_surface_base_and_the_poorest_tetrahedron():
    # At this side a smoother that takes every step lowers the least quality.
    points, tetrahedra = stuffed_shape(shell, 1.3)
    moved = smoothed(points, tetrahedra, shell)
    base = points[:, 2] == 0.0
    surface = np.abs(shell(points)) < 1e-3
    assert (moved[base, 2] == 0.0).all()
    assert np.abs(shell(moved[surface])).max() < 1e-3
    before, after = mean_ratio(points, tetrahedra), mean_ratio(moved, tetrahedra)
    assert after.min() >= before.min()
    assert np.percentile(after, 5) > np.percentile(before, 5) + 0.03
    assert np.linalg.norm(moved - points, axis=1).max() > 0.05


def test_mean_ratio_of_known_tetrahedra():
    regular = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    # V = 1/6 and squared edges 1, 1, 1, 2, 2, 2.
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    points = np.concatenate([regular, corner, flat])
    quality = mean_ratio(points, np.array([[0, 2, 1, 3], [4, 5, 6, 7], [8, 9, 10, 11]]))
    np.testing.assert_allclose(quality, [1.0, 12 * 0.5 ** (2 / 3) / 9, 0.0], atol=1e-12)


def test_flat_points_reach_the_surface_without_leaving_their_plane():
    points = np.array([[9.0, 0.5, 0.0], [0.0, -10.4, 0.0], [3.0, 9.0, -4.0]])
    moved = onto_surface(points, half_ball, flat=np.array([True, True, False]))
    np.testing.assert_allclose(half_ball(moved), 0.0, atol=1e-6)
    assert (moved[:2, 2] == 0.0).all()
    np.testing.assert_allclose(moved[2], RADIUS * points[2] / np.linalg.norm(points[2]), atol=1e-3)
