"""The bars of disordered tetrahedra on which waves are measured."""

import numpy as np
import pytest
from tetrahedra import signed_volumes

from polycardia.physics.bar import bar, rough_bar

COUNTS = (12, 5, 5)


@pytest.fixture(scope="module")
def made():
    return bar(COUNTS)


@pytest.fixture(scope="module", params=[bar, rough_bar])
def either(request):
    return request.param(COUNTS)


def test_its_elements_have_length_one(either):
    points, cells = either
    place = points[cells]
    by_axis = ((2.0 * place.std(axis=1)) ** 0.75 * np.ptp(place, axis=1) ** 0.25).mean(axis=0)
    assert by_axis.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(by_axis, 1.0, rtol=0.1)  # no direction of its own


def test_it_is_a_whole_box(either):
    points, cells = either
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


def test_a_rough_one_has_elements_of_all_sizes(made):
    volumes = [signed_volumes(*each) for each in (made, rough_bar(COUNTS))]
    spread = [each.std() / each.mean() for each in volumes]
    assert 0.2 < spread[0] < 0.4
    assert 0.6 < spread[1] < 0.8
