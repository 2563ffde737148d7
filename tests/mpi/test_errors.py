"""What one rank cannot do ends all of them, with one sentence and in time."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from simulate_jobs import ENVIRONMENT, Study
from test_checkpoint import SETTINGS  # whose waves are known then

from polycardia.config import read_study
from polycardia.study.ranks import LAUNCHER
from polycardia.study.synthesise import synthesise

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(600)]

POLYCARDIA = (sys.executable, "-m", "mpi4py", "-m", "polycardia")
NO_COMPILER = ("env", "CC=/nonexistent/cc")
SENTENCE = "polycardia: /nonexistent/cc: No such file or directory"


def told(ranks: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """Run a command on each rank; return what they say of their end, which has to come in time."""
    parts = [["-n", "1", *command] for command in ranks]
    for part in parts[:-1]:
        part.append(":")
    done = subprocess.run(
        [*LAUNCHER.split(), *(word for part in parts for word in part)],
        cwd=folder,
        env=ENVIRONMENT | {"XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if "polycardia: " in line]


def test_a_slab_without_a_compiler_ends(tmp_path: Path) -> None:
    """Only the first rank measures waves; the others wait for what it finds."""
    slab = (*NO_COMPILER, *POLYCARDIA, "slab", "--dx", "1.5", "--dt", "0.05")
    assert told([slab, slab], tmp_path) == [SENTENCE]


def test_what_all_ranks_find_wrong_is_told_once(tmp_path: Path) -> None:
    slab = (*POLYCARDIA, "slab", "--dx", "17")
    assert told([slab] * 3, tmp_path) == ["polycardia: dx 17 mm, expected 0.01 to 3"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one heart, prepared."""
    folder = tmp_path_factory.mktemp("errors")
    synthesise(1, 259, folder, edge_length=3.0)
    settings = {
        **{name: SETTINGS[name] for name in ("cohort", "anatomy", "tissue", "cells")},
        "numerics": {"dt": 0.2, "duration": 60.0},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(settings))
    made = Study(folder)
    made.polycardia("model")
    made.polycardia("prepare", "--patient", "s0001")
    return folder


def simulation(study: Path, **other: str) -> list[str]:
    """The command of one rank, with other files than the study's."""
    results = study / "results"
    options = {
        "heart": str(results / "work" / "s0001" / "prepared.h5"),
        "settings": read_study(study / "study.yaml").simulation().model_dump_json(),
        "kernels": str(results / "models" / "kernels"),
        "output": "one.vtkhdf",
    }
    layers = ("endocardial", "midwall", "epicardial")
    command = [*POLYCARDIA, "simulate"]
    command += ["--models", *(str(results / "models" / f"{layer}.json") for layer in layers)]
    for name, value in (options | other).items():
        command += [f"--{name}", value]
    return command


@pytest.mark.parametrize("failing", [0, 1])
def test_a_node_without_a_compiler_ends_the_others_too(study: Path, failing: int) -> None:
    ranks = [simulation(study), simulation(study)]
    ranks[failing] = [*NO_COMPILER, *simulation(study, kernels="empty")]
    assert told(ranks, study) == [SENTENCE]
    assert not (study / "one.vtkhdf").exists()


@pytest.mark.parametrize("failing", [0, 1])
def test_a_node_that_does_not_see_the_heart_ends_the_others_too(study: Path, failing: int) -> None:
    ranks = [simulation(study), simulation(study)]
    ranks[failing] = simulation(study, heart="nowhere.h5")
    assert told(ranks, study) == ["polycardia: nowhere.h5: No such file or directory"]


def test_a_node_with_other_settings_is_told_and_ends_the_others(study: Path) -> None:
    """It fails before it meets them, and nothing has been agreed on yet."""
    ranks = [simulation(study), simulation(study, settings="{}}")]
    (sentence,) = told(ranks, study)
    assert "settings" in sentence
