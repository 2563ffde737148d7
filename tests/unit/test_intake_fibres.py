"""Fibres of any length, few of them missing, on elements or nodes."""

import numpy as np
import pytest
from admission import HEART

from polycardia.errors import BadMesh
from polycardia.physics.intake import admit


def test_fibres_are_made_unit_vectors():
    long = HEART.fibre.copy()
    long[::2] *= 2.0
    admitted = admit(HEART.source(fibre=long), units="mm")
    np.testing.assert_allclose(admitted.mesh.fibre, HEART.fibre, atol=1e-12)
    assert admitted.mended == ("3480 fibres of length 1 to 2 made unit vectors",)


@pytest.mark.parametrize("gap", [0.0, np.nan])
def test_few_missing_fibres_come_from_their_neighbours(gap):
    sign = np.where(np.arange(len(HEART.fibre)) % 2, 1.0, -1.0)  # fibres have no sign
    along = sign[:, None] * np.array([0.6, 0.0, 0.8])
    along[100:130] = gap
    admitted = admit(HEART.source(fibre=along), units="mm")
    cosine = np.abs(admitted.mesh.fibre @ [0.6, 0.0, 0.8])
    np.testing.assert_allclose(cosine, 1.0, atol=1e-9)
    assert admitted.mended == ("30 zero or non-finite fibres filled from neighbouring elements",)


def test_many_missing_fibres_are_refused():
    fibre = HEART.fibre.copy()
    fibre[:100] = 0.0
    with pytest.raises(BadMesh, match="100 of 6960 fibres are zero or not finite, expected at mos"):
        admit(HEART.source(fibre=fibre))


def test_a_wrong_number_of_fibres_is_refused():
    with pytest.raises(BadMesh, match="found 6959 fibres, expected 6960, one for each element"):
        admit(HEART.source(fibre=HEART.fibre[1:]))
    with pytest.raises(BadMesh, match="found 6960 fibres, expected 1901, one for each node"):
        admit(HEART.source(fibre=HEART.fibre, fibre_on_nodes=True))


def test_fibres_on_nodes_are_averaged_without_regard_to_sign():
    sign = np.where(np.arange(len(HEART.points)) % 2, 1.0, -1.0)
    along = sign[:, None] * np.array([0.0, 0.6, 0.8])
    admitted = admit(HEART.source(fibre=along, fibre_on_nodes=True), units="mm")
    np.testing.assert_allclose(np.abs(admitted.mesh.fibre @ [0.0, 0.6, 0.8]), 1.0, atol=1e-12)
