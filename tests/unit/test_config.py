from pathlib import Path

import pytest

from polycardia.config import (
    Pacing,
    Preparation,
    Simulation,
    Study,
    checked,
    read_study,
    study_from,
    whole_steps,
)
from polycardia.errors import BadStudy
from polycardia.study.settings import documented_defaults

SITE = {"name": "a", "ventricle": "lv", "apicobasal": 0.5, "rotation": 0.0}
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"numerics": {"durration": 500}}, "numerics.durration: there is no setting 'durration'"),
        ({"nonsense": 1}, "allowed are cohort, results"),
        ({"tissue": {"capacitance": -0.01}}, "tissue.capacitance: Input should be greater than 0"),
        ({"numerics": {"dt": True}}, "numerics.dt: Input should be a valid number, found True"),
        ({"numerics": {"dt": "0.02"}}, "found '0.02'"),
        ({"numerics": {"dt": float("nan")}}, "numerics.dt"),
        (
            {"numerics": {"dt": 0.03}},
            "dt_quiet 0.2 ms is not a whole number of steps of dt 0.03 ms: expected dt_quiet a "
            "multiple of dt, and duration and report_interval multiples of dt_quiet",
        ),
        ({"ecg": {"sampling_interval": 0.07}}, "sampling_interval 0.07 ms is not a whole number"),
        (
            {"protocol": {"stimulus": {"duration": 2.01}}},
            "protocol.stimulus.duration 2.01 ms is not a whole number of steps of dt 0.025 ms",
        ),
        ({"protocol": {"sites": []}}, "protocol.sites"),
        ({"protocol": {"sites": [{"name": "a b"}]}}, "protocol.sites.0.name"),
        (
            {"anatomy": {"endocardial_layer": 0.8}},
            "endocardial_layer 0.8 lies deeper than midwall_layer 0.7",
        ),
        (["cohort"], "found list, expected a mapping"),
        ({"cells": {"cycle_length": 333.3333}}, "cycle_length 333.333 ms is not a whole number"),
        ({"numerics": {"report_interval": 1000.0}}, "expected at most the duration, 500 ms"),
        ({"ecg": {"sampling_interval": 250.0}}, "expected at most 10 ms, 50 samples a beat"),
        ({"protocol": {"sites": [SITE, SITE]}}, "2 sites are called 'a', expected one"),
        ({"protocol": {"sites": [SITE | {"time": 0.03}]}}, "time of a 0.03 ms is not a whole"),
        ({"protocol": {"sites": [SITE | {"time": 900.0}]}}, "a at 900 ms, expected before the end"),
    ],
)
def test_a_wrong_setting_is_named(settings, sentence):
    with pytest.raises(BadStudy) as raised:
        study_from(settings, "config.yaml")
    assert str(raised.value).startswith("config.yaml: ")
    assert sentence in str(raised.value)


TAG = "expected a whole number from -2147483648 to 2147483647, as meshes have"


@pytest.mark.parametrize(
    "tag", [10**30, 2**31, -(2**31) - 1, "1" * 30, "scar", "", 3.7, 3.0, True, None]
)
def test_a_region_tag_that_no_mesh_has(tag):
    with pytest.raises(BadStudy) as raised:
        study_from({"cells": {"regions": {tag: {}}}}, "config.yaml")
    where, found = str(raised.value).removeprefix("config.yaml: cells.regions.").split(": ")
    assert where in (str(tag), repr(tag), "1")  # YAML's yes is the number 1 to a mapping
    assert found == f"found the region tag {tag!r}, {TAG}"


@pytest.mark.parametrize("tag", [2**31 - 1, -(2**31), 0, "7"])
def test_region_tags_survive_the_way_to_a_job(tag):
    regions = {tag: {"conductivity_factor": 0.1}}
    study = study_from({"cells": {"regions": regions}}, "config.yaml")
    assert list(study.cells.regions) == [int(tag)]
    sent = study.preparation().model_dump_json()
    assert checked(Preparation, sent, "settings").conductivity_factors == {int(tag): 0.1}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"ecg": {"electrodes": {"XX": [1.0, 2.0, 3.0]}}}, "ecg.electrodes.XX: Input should be"),
        ({"cells": {"scaling": {"": 1.0}}}, "cells.scaling.'': String should have"),
        ({"cells": {"scaling": {1: 1.0}}}, "cells.scaling.1: Input should be a valid string"),
    ],
)
def test_a_key_is_named_as_it_is_written(settings, sentence):
    with pytest.raises(BadStudy) as raised:
        study_from(settings, "config.yaml")
    assert str(raised.value).startswith(f"config.yaml: {sentence}")


def test_what_is_no_json_is_told():
    with pytest.raises(BadStudy, match=r"^settings: Invalid JSON: .* found 'xx'$"):
        checked(Simulation, "xx", "settings")


LONG = {"duration": 1e6, "dt_quiet": 0.1}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {
                "numerics": {"duration": 1e6, "dt": 1e-4, "dt_quiet": 1e-4},
                "ecg": {"sampling_interval": 1e-4},
            },
            "ecg.sampling_interval 0.0001 ms makes 10,000,000,000 samples in numerics.duration "
            "1e+06 ms, expected at most 2,000,000",
        ),
        (
            {"numerics": LONG, "ecg": {"sampling_interval": 0.4}},
            "ecg.sampling_interval 0.4 ms makes 2,500,000 samples",
        ),
        (
            {
                "numerics": {"duration": 1e5, "dt_quiet": 0.1},
                "ecg": {"sampling_interval": 0.1},
                "outputs": {
                    "probes": {"at": [{"name": n, "site": "rv_septal"} for n in "abc"],
                               "interval": 0.2}
                },
            },
            "outputs.probes.interval 0.2 ms makes 500,000 samples of each of 3 probes in "
            "numerics.duration 100000 ms, expected at most 333,333",
        ),
    ],
)  # fmt: skip
def test_no_more_samples_than_memory_holds(settings, sentence):
    with pytest.raises(BadStudy) as raised:
        study_from(settings, "config.yaml")
    assert sentence in str(raised.value)


def test_the_longest_simulation_can_be_sampled_at_two_kilohertz():
    study = study_from({"numerics": LONG, "ecg": {"sampling_interval": 0.5}}, "config.yaml")
    assert study.simulation().sampling_interval == 0.5


def test_a_train_has_no_more_pulses_than_a_simulation_has_room_for():
    train = {"name": "a", "count": 10_001, "cycle_length": 300.0}
    with pytest.raises(BadStudy, match=r"stimuli\.0\.count: .* equal to 10000, found 10001"):
        study_from({"protocol": {"stimuli": [train]}}, "config.yaml")


def test_a_layers_cycle_is_bounded_as_the_studys_is():
    assert Pacing(model={"name": "a"}, cycle_length=1e5).cycle_length == 1e5
    with pytest.raises(BadStudy, match="cycle_length: Input should be less than or equal to 1000"):
        checked(Pacing, {"model": {"name": "a"}, "cycle_length": 1e6}, "pace")


def test_all_faults_are_named_at_once():
    with pytest.raises(BadStudy) as raised:
        study_from({"nonsense": 1, "numerics": {"theta": 0.1}}, "config.yaml")
    assert len(str(raised.value).splitlines()) == 2


def test_documented_defaults_are_the_defaults_and_up_to_date():
    committed = ROOT / "docs" / "defaults.yaml"
    assert committed.read_text() == documented_defaults(), (
        "polycardia defaults > docs/defaults.yaml"
    )
    assert read_study(committed) == Study()


def test_the_projects_own_config_is_valid():
    assert read_study(ROOT / "config.yaml").cohort == "cohort.tsv"


@pytest.mark.parametrize("text", ["a: [", "\x00", "- 1", "9" * 5000 + ": 1"])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(BadStudy, match=r"config\.yaml"):
        read_study(path)


def test_stage_settings_hold_nothing_that_belongs_to_another_stage():
    base = Study()
    other_rhythm = study_from({"cells": {"cycle_length": 800.0}}, "test")
    assert other_rhythm.preparation() == base.preparation()
    assert other_rhythm.simulation() != base.simulation()
    other_bath = study_from({"ecg": {"bath_conductivity": 0.3}}, "test")
    assert other_bath.preparation() != base.preparation()
    assert other_bath.simulation() == base.simulation()
    other_title = study_from({"report": {"title": "x"}}, "test")
    assert other_title.preparation() == base.preparation()
    assert other_title.simulation() == base.simulation()


def test_whole_steps_counts_decimal_fractions():
    assert whole_steps(500.0, 0.02, "duration") == 25_000
    assert whole_steps(0.3, 0.1, "duration") == 3
