"""Drawn adults against the published figures they come from."""

import numpy as np
import pytest

from polycardia.synthesis.anatomy import shape_of
from polycardia.synthesis.population import body_surface_area, draw_person

# Petersen et al. 2017: mean and SD of LV volume [mL], LV mass [g] and RV volume [mL], not
# indexed; the code draws the indexed ones.
PUBLISHED = {
    "F": [(124.0, 21.0), (70.0, 13.0), (130.0, 24.0)],
    "M": [(166.0, 32.0), (103.0, 21.0), (182.0, 36.0)],
}
# Kawel et al. 2012, Circ Cardiovasc Imaging 5, 500: LV wall at mid-cavity [mm], mean and SD.
WALL = {"F": (5.3, 0.9), "M": (6.3, 1.1)}


@pytest.fixture(scope="module")
def people():
    return [draw_person(np.random.default_rng([7, n])) for n in range(2000)]


@pytest.mark.parametrize("sex", ["F", "M"])
def test_sizes_follow_the_published_absolute_ones(people, sex):
    sizes = [person.sizes for person in people if person.sex == sex]
    drawn = np.array([(s.lv_volume, s.lv_mass, s.rv_volume) for s in sizes])
    mean, spread = np.array(PUBLISHED[sex]).T
    np.testing.assert_allclose(drawn.mean(axis=0), mean, rtol=0.03)
    # Cut off at 1.96 SD, a normal distribution keeps 0.88 of its SD.
    np.testing.assert_allclose(drawn.std(axis=0), 0.88 * spread, rtol=0.12)
    # A normal distribution has 4.6 % beyond 2 SD; one that is cut off has less.
    assert (np.abs(drawn - mean) > 2.0 * spread).mean() < 0.046
    ratio = drawn[:, 2] / drawn[:, 0]
    assert ratio.min() > 0.75
    assert ratio.max() < 1.5


@pytest.mark.parametrize("sex", ["F", "M"])
def test_larger_people_have_larger_hearts(people, sex):
    chosen = [person for person in people if person.sex == sex]
    area = [body_surface_area(person.height, person.weight) for person in chosen]
    for name in ("lv_volume", "lv_mass", "rv_volume"):
        sizes = [getattr(person.sizes, name) for person in chosen]
        assert 0.3 < np.corrcoef(area, sizes)[0, 1] < 0.65


def test_everyone_is_a_healthy_adult(people):
    for person in people:
        assert 45 <= person.age <= 74
        assert 18.4 < person.weight / (person.height / 100.0) ** 2 < 30.1
        assert 46 <= person.heart_rate <= 81
        assert 3.5 <= person.sizes.rv_wall <= 4.5
    assert np.mean([person.sex == "F" for person in people]) == pytest.approx(0.54, abs=0.04)
    assert {person.age for person in people} == set(range(45, 75))


@pytest.mark.parametrize("sex", ["F", "M"])
def test_wall_that_follows_from_mass_and_volume_is_a_measured_one(people, sex):
    shapes = [shape_of(p.sizes) for p in [q for q in people if q.sex == sex][:12]]
    walls = [s.lv_outer.semi_axes[0] - s.lv_inner.semi_axes[0] for s in shapes]
    mean, spread = WALL[sex]
    assert np.mean(walls) == pytest.approx(mean, abs=0.5)
    assert np.abs(np.array(walls) - mean).max() < 1.97 * spread


def test_body_surface_area_of_a_known_adult():
    assert body_surface_area(180.0, 80.0) == pytest.approx(2.0)
