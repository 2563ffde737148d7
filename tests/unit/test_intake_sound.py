"""A sound heart is admitted as it is, however its nodes and elements are numbered."""

import numpy as np
import pytest
from admission import HEART, assert_sound, labelled
from box_heart import volumes
from hypothesis import given, settings
from hypothesis import strategies as st

from polycardia.physics.intake import admit


def test_a_sound_heart_passes_unchanged():
    admitted = admit(HEART.source(fibre=HEART.fibre), units="mm")
    np.testing.assert_array_equal(admitted.mesh.points, HEART.points)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.mesh.region, HEART.region)
    np.testing.assert_allclose(admitted.mesh.fibre, HEART.fibre, atol=1e-15)
    np.testing.assert_array_equal(admitted.boundary.triangles, HEART.triangles)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)
    assert admitted.mended == ()
    assert admitted.labels_from == "box.vtu"
    assert_sound(admitted)


def label_map(triangles, label):
    return {tuple(sorted(t)): s for t, s in zip(triangles.tolist(), label.tolist(), strict=True)}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_turned=st.integers(0, 200), n_orphans=st.integers(0, 5))
def test_renumbering_turning_and_orphans_change_nothing(seed, n_turned, n_orphans):
    random = np.random.default_rng(seed)
    n = len(HEART.points) + n_orphans
    number = random.permutation(n)[: len(HEART.points)]
    points = np.full((n, 3), 7.0)
    points[number] = HEART.points
    order = random.permutation(len(HEART.tetrahedra))
    tetrahedra = number[HEART.tetrahedra[order]]
    tetrahedra[:n_turned] = tetrahedra[:n_turned][:, [0, 1, 3, 2]]
    source = HEART.source(
        points=points,
        tetrahedra=tetrahedra,
        region=HEART.region[order],
        fibre=HEART.fibre[order],
        surface=labelled(HEART.label, number[HEART.triangles]),
    )
    admitted = admit(source, units="mm")
    assert_sound(admitted)
    mesh = admitted.mesh
    assert volumes(mesh.points, mesh.tetrahedra).sum() == pytest.approx(HEART.volume)
    np.testing.assert_array_equal(mesh.region, HEART.region[order])
    np.testing.assert_allclose(mesh.fibre, HEART.fibre[order], atol=1e-15)
    place = {tuple(p): i for i, p in enumerate(HEART.points.tolist())}
    back = np.array([place[tuple(p)] for p in mesh.points.tolist()])
    assert label_map(back[admitted.boundary.triangles], admitted.boundary.label) == label_map(
        HEART.triangles, HEART.label
    )
