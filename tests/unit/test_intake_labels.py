"""What becomes of a boundary whose labels have gaps, are missing or cannot be."""

import numpy as np
import pytest
from admission import HEART, labelled

from polycardia.errors import BadMesh
from polycardia.physics.intake import admit
from polycardia.physics.mesh import Surface


def test_what_is_not_labelled_becomes_the_base():
    label = np.where(HEART.label == Surface.BASE, 0, HEART.label)
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)
    assert "the unlabelled" in admitted.mended[0]


def test_small_gaps_get_their_neighbours_label():
    label = HEART.label.copy()
    label[np.flatnonzero(label == Surface.EPI)[::40]] = 0
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    assert np.mean(admitted.boundary.label == HEART.label) > 0.995
    assert "had no label and got its neighbours'" in admitted.mended[0]


def test_a_gap_is_filled_along_the_surface_not_through_the_wall():
    """Its middle is 9 mm from the rest of the epicardium, and 6 mm from the RV endocardium."""
    centres = HEART.points[HEART.triangles].mean(axis=1)
    gap = (centres[:, 0] == 96.0) & (np.abs(centres[:, 1:] - [30.0, 45.0]) < 12.0).all(axis=1)
    label = np.where(gap, 0, HEART.label)
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def test_labels_of_another_mesh_or_with_gaps_are_refused():
    with pytest.raises(BadMesh, match="labelled triangles lie on the mesh's boundary: are these"):
        admit(HEART.source(surface=labelled(HEART.label, (HEART.triangles * 7 + 3) % 1901)))
    with pytest.raises(BadMesh, match=r"triangle 0 names nodes .* expected 0 to 1900"):
        admit(HEART.source(surface=labelled(HEART.label, HEART.triangles + 1900)))
    gaps = np.where((HEART.label == 3) & (np.arange(len(HEART.label)) % 2 == 0), 0, HEART.label)
    with pytest.raises(BadMesh, match=r"\d+.\d% of the boundary's area has no label"):
        admit(HEART.source(surface=labelled(gaps)))


@pytest.mark.parametrize(
    ("gone", "name"), [(1, "LV endocardium"), (2, "RV endocardium"), (3, "epicardium")]
)
def test_a_missing_label_is_named(gone, name):
    label = np.where(HEART.label == gone, 4, HEART.label)
    with pytest.raises(BadMesh, match=f"no triangle of the boundary is labelled {name}"):
        admit(HEART.source(surface=labelled(label)))


def test_an_endocardium_in_two_pieces_is_refused():
    centres = HEART.points[HEART.triangles].mean(axis=1)
    label = np.where((HEART.label == 3) & (centres[:, 0] == 0.0), 1, HEART.label)
    with pytest.raises(BadMesh, match="the LV endocardium is in pieces of"):
        admit(HEART.source(surface=labelled(label)))


def test_endocardia_that_touch_are_refused():
    label = np.where((HEART.label == 4), 2, HEART.label)
    with pytest.raises(BadMesh, match=r"labelled base|touch along \d+ edges"):
        admit(HEART.source(surface=labelled(label)))
    some = (HEART.label == 4) & (HEART.points[HEART.triangles][:, :, 1].mean(axis=1) < 30.0)
    with pytest.raises(BadMesh, match=r"LV and RV endocardium touch along \d+ edges"):
        admit(HEART.source(surface=labelled(np.where(some, 2, HEART.label))))
