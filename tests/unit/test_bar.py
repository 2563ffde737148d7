"""The bar of disordered tetrahedra on which waves are measured."""

import numpy as np
import pytest
from tetrahedra import signed_volumes

from polycardia.physics.bar import bar

COUNTS = (12, 5, 5)


@pytest.fixture(scope="module")
def made():
    return bar(COUNTS)


def test_its_elements_have_length_one(made):
    points, cells = made
    place = points[cells]
    by_axis = ((2.0 * place.std(axis=1)) ** 0.75 * np.ptp(place, axis=1) ** 0.25).mean(axis=0)
    assert by_axis.mean() == pytest.approx(1.0)
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
