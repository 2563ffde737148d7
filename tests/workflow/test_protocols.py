"""Trains, S1-S2 and places on a heart, from the config alone."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import pyvista
from tiny_cohort import Row, Study, new_study

from polycardia.companions import point_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

CYCLE = 450.0  # [ms]
RESTING = 300.0  # [ms] after an action potential's start, all of it is over
TRAIN = {"name": "pacing", "at": ["apex"], "count": 2, "cycle_length": CYCLE}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, hearts: list[Row]) -> Study:
    """One heart with a place at its apex, prepared, and the models that it needs."""
    study = new_study(tmp_path_factory.mktemp("protocols"), hearts[:1])
    mesh = pyvista.read(hearts[0]["mesh"])
    apex = {"name": "apex", "coordinates": {"apicobasal": [0.0, 0.25]}}
    middle = {"name": "ball", "ball": {"centre": wall_of(mesh), "radius": 14.0}}
    study.configure(lambda s: s["protocol"].update(places=[apex, middle]))
    for command in (("model",), ("prepare", "--patient", "s0001")):
        done = study.polycardia(command[0], "--config", "study.yaml", *command[1:])
        assert done.returncode == 0, done.stderr
    return study


def wall_of(mesh: pyvista.UnstructuredGrid) -> list[float]:
    return [float(x) for x in mesh.points[np.argmax(mesh.points[:, 0])]]


def simulated(study: Study, duration: float, **protocol: Any) -> Path:
    """Simulate the prepared heart under a protocol and return the heart's file."""
    study.configure(lambda s: s["protocol"].update(mapped_beat="last"))
    study.configure(lambda s: s["protocol"].update(protocol))
    study.configure(lambda s: s["numerics"].update(duration=duration))
    done = study.polycardia("simulate", "--config", "study.yaml", "--patient", "s0001")
    assert done.returncode == 0, done.stderr
    return study.heart("s0001")


def maps(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    with h5py.File(path) as heart:
        assert heart["outcome"].attrs["status"] == "solved", heart["outcome"].attrs["detail"]
        measures = {name: float(value[()]) for name, value in heart["measures"].items()}
        return heart["VTKHDF/PointData/activation_time"][()], heart["ecg/leads"][()], measures


def test_a_train_of_two_beats_maps_the_second(study: Study) -> None:
    first, one, _ = maps(simulated(study, 2 * CYCLE, stimuli=[TRAIN], mapped_beat="first"))
    second, both, measures = maps(simulated(study, 2 * CYCLE, stimuli=[TRAIN]))
    np.testing.assert_array_equal(one, both)
    deflection = np.abs(both - both[:, :1]).max(axis=0)
    beats = deflection[: int(CYCLE)].max(), deflection[int(CYCLE) :].max()
    assert beats[1] == pytest.approx(beats[0], rel=0.2)
    assert deflection[int(CYCLE) - 20 : int(CYCLE)].max() < 0.02 * beats[0]
    # The second beat is the first one again, a cycle later.
    assert first.max() < RESTING
    assert second.min() >= CYCLE
    np.testing.assert_allclose(second - first, CYCLE, atol=15.0)
    assert measures["captured_pacing_S1"] == 1.0
    assert measures["latest_activation_time"] == pytest.approx(second.max() - CYCLE, abs=1e-3)


def test_the_apex_and_a_ball_are_first_where_they_are(study: Study) -> None:
    with h5py.File(study.results / "work" / "s0001" / "prepared.h5") as prepared:
        nodes = {name: place["nodes"][()] for name, place in prepared["sites"].items()}
        height = prepared["coordinates/apicobasal"][()]
    assert height[nodes["apex"]].max() <= 0.25
    assert set(nodes["apex"]) == set(np.flatnonzero(height <= 0.25))
    for place in ("apex", "ball"):
        single = {"name": "s", "at": [place]}
        activation, *_ = maps(simulated(study, 250.0, stimuli=[single]))
        others = np.setdiff1d(np.arange(len(activation)), nodes[place])
        assert np.median(activation[nodes[place]]) < 5.0
        assert np.median(activation[others]) > 30.0


def test_an_extrastimulus_in_the_refractory_period_is_a_result(study: Study) -> None:
    early = TRAIN | {"count": 1, "extrastimuli": [100.0]}
    late = TRAIN | {"count": 1, "extrastimuli": [CYCLE]}
    activation, _, measures = maps(
        simulated(study, 250.0, stimuli=[early], mapped_beat="last_regular")
    )
    assert activation.max() < RESTING
    assert (measures["captured_pacing_S1"], measures["captured_pacing_S2"]) == (1.0, 0.0)
    with h5py.File(study.heart("s0001")) as heart:
        told = json.loads(heart["provenance"].attrs["not_captured"])
    assert len(told) == 1
    assert "pacing: S2, pulse 2 at 100 ms did not capture at apex" in told[0]
    _, _, measures = maps(simulated(study, 2 * CYCLE, stimuli=[late], mapped_beat="last_regular"))
    assert measures["captured_pacing_S2"] == 1.0


def test_a_mapped_beat_that_does_not_capture_is_no_activation(study: Study) -> None:
    early = TRAIN | {"count": 1, "extrastimuli": [100.0]}
    with h5py.File(simulated(study, 250.0, stimuli=[early])) as heart:
        outcome = dict(heart["outcome"].attrs)
    assert outcome["status"] == "not_activated"
    assert "pacing: S2, pulse 2 at 100 ms did not capture at apex" in outcome["detail"]


def test_points_beside_the_mesh(hearts: list[Row], tmp_path: Path) -> None:
    """Node numbers of the source mesh lead to the places of these nodes in the prepared one."""
    mesh = tmp_path / "heart.vtu"
    source = pyvista.read(hearts[0]["mesh"])
    source.save(mesh)
    study = new_study(tmp_path, [hearts[0] | {"mesh": str(mesh)}])
    places = [{"name": "scar", "points": {"ending": ".scar.vtx", "radius": 2.0}}]
    study.configure(lambda s: s["protocol"].update(places=places))
    missing = study.run("--dry-run")
    assert missing.status != 0
    assert "1 files of points are missing beside their meshes, the first of patient s0001: " in (
        missing.output
    )
    chosen = [7, 1234, source.n_points - 1]
    point_file(mesh, ".scar.vtx").write_text("\n".join(["3", "extra", *map(str, chosen)]))
    assert study.plan()["prepare s0001"] == 1
    done = study.polycardia("prepare", "--config", "study.yaml", "--patient", "s0001")
    assert done.returncode == 0, done.stderr
    with h5py.File(study.results / "work" / "s0001" / "prepared.h5") as prepared:
        points = prepared["mesh/points"][()]
        nodes = prepared["sites/scar/nodes"][()]
    away = np.linalg.norm(points[:, None] - source.points[chosen][None], axis=2)
    assert (away.min(axis=0) < 1e-3).all()
    assert set(nodes) == set(np.flatnonzero(away.min(axis=1) <= 2.0))
