"""Velocities as the input: what may be given, and the conductivities that follow."""

import numpy as np
import pytest

from polycardia.config import Intracellular, Simulation, Study, Tissue, Velocities, study_from
from polycardia.errors import BadStudy
from polycardia.solver.operators import diffusivity
from polycardia.study.calibration import Calibration
from polycardia.study.tissue import conductivities, described, faster, on_mesh, resolved

GIVEN = {"fibre": 0.65, "cross": 0.5}
SPEED = 2.0  # [1/sqrt(ms)]


def tissue(**settings):
    return study_from({"tissue": settings}, "config.yaml").tissue


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            # Also where what is given is the default.
            {"velocities": GIVEN, "intracellular": {"fibre": 0.2, "cross": 0.143}},
            "tissue: found velocities and intracellular, expected one of them",
        ),
        (
            {"intracellular": None},
            "tissue: found neither velocities nor intracellular, expected one of them",
        ),
        (
            {"endocardial_factor": None},
            "tissue: found no endocardial_factor, expected one where there are no velocities",
        ),
        (
            {"velocities": GIVEN | {"endocardial": 1.3}, "endocardial_factor": 4.0},
            "tissue: found velocities.endocardial and endocardial_factor, expected one of them",
        ),
        (
            {"velocities": GIVEN, "endocardial_factor": None},
            "tissue: found neither velocities.endocardial nor endocardial_factor, expected one",
        ),
        ({"velocities": {"fibre": 0.65}}, "tissue.velocities.cross: Field required"),
        ({"velocities": GIVEN | {"cross": 0.0}}, "tissue.velocities.cross: Input should be gr"),
        ({"velocities": GIVEN | {"septal": 1.0}}, "allowed are fibre, cross, endocardial"),
        ({"velocities": 0.6}, "tissue.velocities: Input should be"),
    ],
)
def test_what_contradicts_itself_is_told(settings, sentence):
    with pytest.raises(BadStudy) as raised:
        tissue(**settings)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("endocardial", [None, 1.3])
def test_velocities_survive_the_way_to_a_job(endocardial):
    settings = {"tissue": {"velocities": GIVEN | {"endocardial": endocardial}}}
    simulation = study_from(settings, "config.yaml").simulation()
    assert simulation.tissue.velocities == Velocities(**GIVEN, endocardial=endocardial)
    assert simulation.tissue.intracellular is None
    assert Simulation.model_validate_json(simulation.model_dump_json()) == simulation


@pytest.mark.parametrize(
    ("endocardial", "factor"), [(1.95, 17.0), (1.3, 7.0), (0.65, 1.0), (0.325, 0.25)]
)
def test_the_fast_layers_velocity_is_that_of_the_mean_conductivity(endocardial, factor):
    """Beside muscle that is faster the layer's own conductivity is what its velocity says."""
    found = tissue(velocities=GIVEN | {"endocardial": endocardial}).fast_layer_factor
    assert found == pytest.approx(factor)


def test_a_given_endocardial_factor_stays_as_it_is():
    assert tissue(velocities=GIVEN).fast_layer_factor == 4.0
    assert tissue(velocities=GIVEN, endocardial_factor=2.5).fast_layer_factor == 2.5


def test_anisotropy_is_of_the_effective_conductivities():
    assert tissue(velocities={"fibre": 0.6, "cross": 0.3}).anisotropy == pytest.approx(4.0)
    expected = (0.2 * 0.62 / 0.82) / (0.143 * 0.24 / 0.383)
    assert Tissue().anisotropy == pytest.approx(expected)


def test_velocities_give_the_conductivities_with_which_a_wave_is_as_fast():
    given = tissue(velocities={"fibre": 0.6, "cross": 0.3})
    inside, sigma = conductivities(given, SPEED)
    # D = (c / k)^2 and sigma = chi C_m D, with chi C_m = 1.4 uF/mm^3.
    assert sigma.fibre == pytest.approx(1.4 * 0.09)
    assert sigma.cross == pytest.approx(1.4 * 0.0225)
    # Two resistances side by side along the way: 1 / sigma = 1 / sigma_i + 1 / sigma_e.
    assert 1.0 / inside.fibre == pytest.approx(1.0 / 0.126 - 1.0 / 0.62)
    assert 1.0 / inside.cross == pytest.approx(1.0 / 0.0315 - 1.0 / 0.24)
    found = diffusivity(resolved(given, SPEED))
    assert SPEED * np.sqrt(found.fibre) == pytest.approx(0.6)
    assert SPEED * np.sqrt(found.cross) == pytest.approx(0.3)


def test_given_conductivities_do_not_depend_on_the_cell_model():
    inside, sigma = conductivities(Tissue(), SPEED)
    assert inside == Tissue().intracellular
    assert sigma.fibre == pytest.approx(0.2 * 0.62 / 0.82)
    assert resolved(Tissue(), SPEED) == resolved(Tissue(), 3.0) == Tissue()


def test_a_velocity_beyond_the_extracellular_conductivity_is_told_with_the_largest():
    largest = SPEED * np.sqrt(0.24 / 1.4)  # across the fibres, by resistance outside alone
    almost = tissue(velocities={"fibre": 0.65, "cross": 0.999 * largest})
    assert conductivities(almost, SPEED)[0].cross > 50.0
    beyond = tissue(velocities={"fibre": 0.65, "cross": 1.001 * largest})
    with pytest.raises(BadStudy) as raised:
        conductivities(beyond, SPEED)
    sentence = str(raised.value)
    assert "tissue.velocities.cross: found 0.8289" in sentence
    assert f"expected less than {largest:.4g} mm/ms" in sentence
    assert "0.24 mS/mm" in sentence


def test_a_solver_takes_no_velocities_for_conductivities():
    with pytest.raises(ValueError, match="found velocities, need the conductivities"):
        diffusivity(tissue(velocities=GIVEN))


def test_a_hearts_record_has_the_velocities_of_each_layer():
    layers = ("endocardial", "midwall", "epicardial")
    table = np.array([1.0])
    waves = {
        layer: Calibration(speed, table, table, table, table)
        for layer, speed in zip(layers, (2.1, 2.0, 1.9), strict=True)
    }
    given = tissue(velocities=GIVEN | {"endocardial": 1.3})
    conducting = resolved(given, 2.0)
    assert conducting.endocardial_factor == pytest.approx(7.0)
    finer = conducting.model_copy(update={"intracellular": Intracellular(fibre=0.3, cross=0.1)})
    record = described(conducting, finer, waves)
    assert record["velocities"]["midwall"] == pytest.approx(GIVEN)
    assert record["velocities"]["epicardial"]["fibre"] == pytest.approx(0.65 * 1.9 / 2.0)
    assert record["effective"]["fibre"] == pytest.approx(1.4 * (0.65 / 2.0) ** 2)
    assert record["on_mesh"]["fibre"] == pytest.approx(0.3 * 0.62 / 0.92)


def test_what_the_mesh_makes_too_slow_or_fast_is_taken_back():
    """With r = 1 + a h / sqrt(D) the velocity is k (sqrt(D) + a h)."""
    known = np.array([1.0, 8.0])
    wave = Calibration(SPEED, known, known, 1.0 - 0.05 * known, 1.0 + 0.1 * known)
    given = tissue(velocities={"fibre": 0.6, "cross": 0.3})
    fine = resolved(given, SPEED)
    found = diffusivity(on_mesh(fine, (0.8, 0.5), wave))
    assert np.sqrt(found.fibre) == pytest.approx(0.3 + 0.05 * 0.8)
    assert np.sqrt(found.cross) == pytest.approx(0.15 - 0.1 * 0.5)
    along, across = faster(on_mesh(fine, (0.8, 0.5), wave), fine)
    assert along == pytest.approx(0.34 / 0.3)
    assert across == pytest.approx(0.10 / 0.15)


@pytest.mark.parametrize("length", [0.6, 1.0, 2.0, 9.0])
def test_elements_that_stop_the_wave_are_made_up_for_as_the_coarsest_that_do_not(length):
    known, fine = np.array([1.0, 2.0, 4.0]), resolved(tissue(velocities=GIVEN), SPEED)
    lost = Calibration(SPEED, known, known, np.array([0.95, 0.9, np.nan]), np.full(3, np.nan))
    short = Calibration(SPEED, known[:2], known, np.array([0.95, 0.9]), np.ones(2))
    assert on_mesh(fine, (length, 0.5), lost) == on_mesh(fine, (length, 0.5), short)


def test_a_mesh_that_needs_more_than_the_extracellular_conductivity_is_told():
    known = np.array([1.0, 20.0])
    wave = Calibration(SPEED, known, known, 1.0 - 0.04 * known, np.ones(2))
    fine = resolved(tissue(velocities={"fibre": 1.2, "cross": 0.3}), SPEED)
    with pytest.raises(BadStudy, match=r"tissue.velocities.fibre: on elements of 2 mm it needs"):
        on_mesh(fine, (2.0, 2.0), wave)


def test_conductivities_prepare_nothing_but_the_fast_layer_does():
    base = Study().preparation()
    other = study_from({"tissue": {"intracellular": {"fibre": 0.3, "cross": 0.1}}}, "test")
    assert other.preparation() == base
    assert other.simulation() != Study().simulation()
    slow = study_from({"tissue": {"velocities": {"fibre": 0.5, "cross": 0.3}}}, "test")
    assert slow.preparation() == base
    fast = study_from({"tissue": {"velocities": GIVEN | {"endocardial": 1.0}}}, "test")
    assert fast.preparation() != base
