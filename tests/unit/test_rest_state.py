"""The state that tissue starts from: kept, found again, refused where there is none."""

import json
import os

import pytest

from polycardia.config import Cells, Pacing
from polycardia.errors import BadStudy
from polycardia.io.cell_state import read_cell_state
from polycardia.ionic.kernel import Kernel
from polycardia.study.kernels import compiled, equations
from polycardia.study.model import model
from polycardia.study.rest import rest_state

LAYER = {"model": {"name": "mitchell_schaeffer"}, "cycle_length": 400.0}


@pytest.fixture
def kernels(pytestconfig):
    return pytestconfig.cache.mkdir("kernels")


@pytest.fixture
def steps(monkeypatch):
    """Counts the calls of kernels."""
    counted = []
    advance = Kernel.advance

    def counting(self, *arguments, **options):
        counted.append(self.name)
        advance(self, *arguments, **options)

    monkeypatch.setattr(Kernel, "advance", counting)
    return counted


def found(kernels, cache, **changed):
    settings = Pacing.model_validate(LAYER | changed)
    text = equations(settings.model)
    return rest_state(text, compiled(settings.model, kernels), settings, cache)


def test_state_is_computed_once(kernels, tmp_path, steps):
    first = found(kernels, tmp_path)
    assert first.outcome == "limit_cycle"
    assert steps
    steps.clear()
    assert found(kernels, tmp_path) == first
    assert not steps
    (kept,) = tmp_path.iterdir()
    kept.unlink()
    assert found(kernels, tmp_path) == first
    assert steps


@pytest.mark.parametrize(
    "changed",
    [
        {"cycle_length": 410.0},
        {"beats": 3},
        {"model": {"name": "mitchell_schaeffer", "parameters": {"tau_open": 121.0}}},
        {"settling": {"tolerance": 1e-5}},
        {"settling": {"fewest_beats": 21}},
        {"settling": {"most_beats": 999}},
        {"settling": {"stimulus_amplitude": 53.0}},
        {"settling": {"stimulus_duration": 1.1}},
    ],
    ids=str,
)
def test_what_its_numbers_depend_on_is_computed_anew(kernels, tmp_path, steps, changed):
    found(kernels, tmp_path)
    steps.clear()
    found(kernels, tmp_path, **changed)
    assert steps
    assert len(list(tmp_path.iterdir())) == 2


def test_what_decides_no_number_finds_the_same_state(kernels, tmp_path, steps):
    found(kernels, tmp_path)
    steps.clear()
    accepting = found(kernels, tmp_path, settling={"unsettled": "accept"})
    assert not steps
    assert json.loads(accepting.settings)["settling"]["unsettled"] == "accept", "the asker's"


def test_truncated_file_is_computed_anew(kernels, tmp_path, steps):
    first = found(kernels, tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for length in range(0, len(whole) - 2, 97):
        kept.write_bytes(whole[:length])
        steps.clear()
        assert found(kernels, tmp_path) == first
        assert steps
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("content", ["null", "[]", "{}", '{"states": 1}', "\0" * 50])
def test_file_that_is_no_state_is_computed_anew(kernels, tmp_path, content):
    first = found(kernels, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(content)
    assert found(kernels, tmp_path) == first


def test_state_of_other_variables_is_computed_anew(kernels, tmp_path, steps):
    first = found(kernels, tmp_path)
    (kept,) = tmp_path.iterdir()
    other = json.loads(kept.read_text()) | {"state_names": ["gate.g"]}
    kept.write_text(json.dumps(other))
    steps.clear()
    assert found(kernels, tmp_path) == first
    assert steps


def test_folder_that_cannot_be_written_costs_time_only(kernels, tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")
    assert found(kernels, taken).outcome == "limit_cycle"


def test_fixed_number_of_beats_is_never_refused(kernels, tmp_path):
    none = found(kernels, tmp_path, beats=0)
    assert (none.outcome, none.beats, none.change) == ("as_asked", 0, None)
    assert (none.voltage, list(none.states)) == (-80.0, [1.0])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"cycle_length": 260.0},
            r"cycles of 260 ms: alternates, with APD90 of .* and .*, expected beats that repeat "
            "themselves; or cells.pacing.unsettled: accept",
        ),
        (
            {"settling": {"tolerance": 1e-15, "most_beats": 20}, "cycle_length": 350.0},
            r"not settled after 20 beats: gate.h changes by .* a beat, .* of its magnitude, "
            "expected at most 1e-15",
        ),
        (
            {"settling": {"stimulus_amplitude": 1.0}},
            r"highest voltage -79\.\d mV, expected an action potential",
        ),
    ],
)
def test_cell_that_tissue_cannot_start_from(kernels, tmp_path, changed, message):
    with pytest.raises(BadStudy, match=message):
        found(kernels, tmp_path, **changed)
    accepting = changed.get("settling", {}) | {"unsettled": "accept"}
    assert found(kernels, tmp_path, **changed | {"settling": accepting}).beats >= 20


def test_model_step_records_how_its_cell_settled(kernels, tmp_path, monkeypatch, steps):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = Pacing.model_validate(LAYER)
    for name in ("one", "two"):
        model(settings, kernels, tmp_path / f"{name}.json")
        assert bool(steps) == (name == "one"), "the second is another study's"
        steps.clear()
    state = read_cell_state(tmp_path / "one.json")
    assert read_cell_state(tmp_path / "two.json") == state
    assert (state.outcome, state.carrier) == ("limit_cycle", "")
    assert 20 <= state.beats < 40
    assert state.change <= 1e-4
    assert next(iter(state.drifts)) in ("voltage", "gate.h")
    assert state.apd90[0] == pytest.approx(247.1, abs=0.5)
    assert os.listdir(tmp_path / "cache" / "polycardia") == ["rest"]


def test_layers_are_told_how_to_settle():
    cells = Cells.model_validate({"pacing": {"tolerance": 1e-5}, "cycle_length": 800.0})
    for layer in cells.by_layer():
        told = cells.pacing_of(layer)
        assert (told.settling.tolerance, told.cycle_length, told.beats) == (1e-5, 800.0, None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cycle_length": 0.5}, "cycle_length 0.5 ms, expected more than the stimulus's"),
        ({"cycle_length": 500.001}, "not a whole number of steps"),
        ({"pacing": {"fewest_beats": 30, "most_beats": 20}}, "fewest_beats 30, expected at most"),
        ({"pacing": {"stimulus_duration": 0.123}}, "not a whole number of steps"),
        ({"pacing": {"tolerance": 0.0}}, "greater than 0"),
        ({"pacing": {"unsettled": "ignore"}}, "'refuse' or 'accept'"),
        ({"pacing": {"beats": 3}}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be(changed, message):
    with pytest.raises(ValueError, match=message):
        Cells.model_validate(changed)
