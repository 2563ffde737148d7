"""The bar of disordered tetrahedra on which waves are measured."""

import numpy as np
import pytest
from tetrahedra import signed_volumes

from polycardia.physics.bar import bar, mean_length

COUNTS = (12, 5, 5)


@pytest.fixture(scope="module")
def made():
    return bar(COUNTS)


def test_its_elements_have_length_one(made):
    points, cells = made
    corner = points[cells]
    by_axis = np.array([2.0 * np.sqrt(corner[..., axis].var(axis=1)).mean() for axis in range(3)])
    assert mean_length(points, cells) == pytest.approx(1.0)
    np.testing.assert_allclose(by_axis, 1.0, rtol=0.1)  # no direction of its own


def test_it_is_a_whole_box(made):
    points, cells = made
    volumes = signed_volumes(points, cells)
    edges = np.ptp(points, axis=0)
    np.testing.assert_allclose(edges / edges[1], np.array(COUNTS) / COUNTS[1])
    assert volumes.min() > 0.0
    assert volumes.sum() == pytest.approx(np.prod(edges), rel=1e-3)


def test_it_is_disordered_inside_and_flat_outside(made):
    points, _ = made
    side = points[:, 0].max() / COUNTS[0]
    inside = ((points > 0.0) & (points < points.max(axis=0))).all(axis=1)
    off = np.abs(points[inside] / side - np.round(2.0 * points[inside] / side) / 2.0)
    assert 0.15 < off.max() <= 0.18 + 1e-12
    assert np.diff(points[:, 0]).min() >= 0.0


def test_a_cables_element_has_its_own_length():
    """One corner at either end and two in the middle: a standard deviation of l / sqrt(8)."""
    points = np.array([[0.0, 0, 0], [4.0, 0, 0], [2.0, 1, 0], [2.0, 0, 1]])
    variance = (4.0 * 0.5 + 2.0 * (3.0 / 16.0)) / 3.0
    assert mean_length(points, np.array([[0, 1, 2, 3]])) == pytest.approx(2.0 * variance**0.5)
