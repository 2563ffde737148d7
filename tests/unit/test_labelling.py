"""Labels from geometry alone, against labels that are known."""

from collections import Counter

import numpy as np
import pytest
from box_heart import box_heart
from scipy.spatial.transform import Rotation

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source
from polycardia.physics.cut import cut_in_two
from polycardia.physics.given_labels import NAMES
from polycardia.physics.intake import admit
from polycardia.physics.labelling import label_from_geometry
from polycardia.physics.mesh import Surface
from polycardia.physics.topology import face_areas
from polycardia.physics.visibility import sky_view

HEART = box_heart()


@pytest.mark.parametrize("seed", range(3))
def test_a_heart_of_bricks_is_labelled_as_built(seed):
    turned = HEART.points @ Rotation.random(random_state=seed).as_matrix().T + [5.0, -3.0, 40.0]
    assert np.mean(label_from_geometry(turned, HEART.triangles) == HEART.label) > 0.999


def test_a_mirrored_heart_keeps_its_left_side():
    mirrored = HEART.points * [-1.0, 1.0, 1.0]
    label = label_from_geometry(mirrored, HEART.triangles[:, ::-1].copy())
    assert np.mean(label == HEART.label) > 0.999


def test_the_sky_over_a_box_and_in_it():
    """A convex face sees the half space before it; the floor of a cavity what its opening leaves.

    A floor point at depth h under the middle of a rectangle a x b sees the cosine-weighted share
    that is the rectangle's configuration factor: four quarters of
    (x/sqrt(1+x^2) atan(y/sqrt(1+x^2)) + y/sqrt(1+y^2) atan(x/sqrt(1+y^2))) / (2 pi),
    x = a/2h, y = b/2h (Howell, Catalog of Radiation Heat Transfer Configuration Factors, B-3).
    """
    sky = sky_view(HEART.points, HEART.triangles)
    centres = HEART.points[HEART.triangles].mean(axis=1)
    assert sky[HEART.label == Surface.EPI].min() > 0.75
    floor = np.abs(centres - [30.0, 30.0, 12.0]).max(axis=1) < 6.0
    x = y = 18.0 / 60.0
    root = np.sqrt(1.0 + x * x)
    quarter = (x / root * np.arctan(y / root) + y / root * np.arctan(x / root)) / (2.0 * np.pi)
    assert sky[floor].mean() == pytest.approx(4.0 * quarter, abs=0.03)


def test_one_cavity_is_refused():
    """The heart with its right side filled."""
    chosen = HEART.label != Surface.RV_ENDO
    with pytest.raises(BadMesh, match=r"its shape shows 1 cavities of .* expected the two"):
        label_from_geometry(*_lidded(HEART.points, HEART.triangles[chosen]))


def _lidded(points, triangles):
    """Close the hole that a removed cavity leaves in the flat base."""
    directed = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).tolist()
    single = Counter(map(tuple, directed))
    open_edges = [edge for edge in single if edge[::-1] not in single]
    centre = points[np.unique(open_edges)].mean(axis=0)
    lid = [[b, a, len(points)] for a, b in open_edges]
    return np.vstack([points, centre]), np.vstack([triangles, lid])


def test_walls_too_alike_are_refused(monkeypatch):
    monkeypatch.setattr("polycardia.physics.labelling.CLEARLY_THICKER", 10.0)
    with pytest.raises(BadMesh, match="too alike to tell the left ventricle from the right: give"):
        label_from_geometry(HEART.points, HEART.triangles)


def test_a_cut_is_the_best_of_all_subsets():
    random = np.random.default_rng(4)
    n = 9
    pairs = np.array([(i, j) for i in range(n) for j in range(i) if random.random() < 0.5])
    cost = random.uniform(0.0, 1.0, len(pairs))
    score = random.normal(size=n)
    chosen = cut_in_two(score, pairs, cost)

    def worth(subset):
        return score[subset].sum() - cost[subset[pairs[:, 0]] != subset[pairs[:, 1]]].sum()

    subsets = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
    assert worth(chosen) == pytest.approx(max(worth(subset) for subset in subsets), abs=1e-4)


# Area of each label that geometry finds again, and area so labelled that should be: measured,
# less a margin of about one.  Rims are a few millimetres wide, so their border is a large part.
AGREEMENT = {
    Surface.LV_ENDO: (0.975, 0.985),
    Surface.RV_ENDO: (0.985, 0.985),
    Surface.EPI: (0.985, 0.98),
    Surface.BASE: (0.75, 0.75),
}


@pytest.mark.parametrize(
    ("mesh", "surfaces"),
    [("heart-a/heart-a", None), ("heart-b.vtu", "heart-b_surface.vtp")],
)
def test_real_hearts_are_labelled_as_their_makers_did(real_hearts, mesh, surfaces):
    source = read_source(real_hearts / mesh, surfaces=surfaces and real_hearts / surfaces)
    admitted = admit(source)
    known = admitted.boundary
    found = label_from_geometry(admitted.mesh.points, known.triangles)
    area = face_areas(admitted.mesh.points, known.triangles)
    for surface, (recovered, correct) in AGREEMENT.items():
        both = area[(known.label == surface) & (found == surface)].sum()
        assert both / area[known.label == surface].sum() > recovered, NAMES[surface]
        assert both / area[found == surface].sum() > correct, NAMES[surface]
