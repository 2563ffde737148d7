"""A job that is killed leaves no file that looks finished, and the next run completes."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from tiny_cohort import LONGEST, Ran, Row, Study, new_study

from polycardia.io.atomic import whole_file
from polycardia.io.verification import heart_faults

pytestmark = [pytest.mark.slow, pytest.mark.mpi, pytest.mark.timeout(1800)]

SEED = 20
OWN_TO_A_RUN = {"heart_sha256"}  # holds the provenance too


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive


def wait_for(event: Callable[[], object], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LONGEST
    while not event():
        assert time.monotonic() < deadline
        assert running.poll() is None, "it ended before there was anything to kill"
        time.sleep(0.02)


def assert_whole_or_absent(results: Path) -> None:
    """Every file that has the name of a result is one."""
    for heart in results.glob("hearts/*.vtkhdf"):
        assert list(heart_faults(heart)) == []
    for name in ("work/*/prepared.h5", "shards/*.h5", "cohort.h5"):
        for path in results.glob(name):
            with h5py.File(path) as file:
                assert "outcome" in file or "patients" in file
    for model in results.glob("models/*.json"):
        json.loads(model.read_text())
    for page in results.glob("report/*.html"):
        assert page.read_text().rstrip().endswith("</html>")


def contents(path: Path) -> dict[str, object]:
    """Return every dataset of a file but those that tell who computed it and when."""
    found: dict[str, object] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and name.split("/")[-1] not in OWN_TO_A_RUN:
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(collect)
    return found


def assert_same(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    assert first
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def assert_same_results(study: Study, undisturbed: Study) -> None:
    verdict = study.polycardia("verify", "results")
    assert (verdict.returncode, verdict.stderr) == (0, "")
    assert_same(study.results / "cohort.h5", undisturbed.results / "cohort.h5")
    for row in undisturbed.rows():
        assert_same(study.heart(row["patient"]), undisturbed.heart(row["patient"]))
    assert list(study.results.rglob("*.part")) == []


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from polycardia.io.atomic import whole_file

with whole_file(Path(sys.argv[1])) as part:
    part.write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_while_writing_it_leaves_the_old_file_or_none(tmp_path: Path) -> None:
    path = tmp_path / "results [1]" / "heart.vtkhdf"

    def die() -> None:
        command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(path)]
        assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL

    die()
    assert not path.exists()
    with whole_file(path) as part:
        part.write_text("whole")
    die()
    assert path.read_text() == "whole"
    assert len(list(path.parent.iterdir())) == 2
    with whole_file(path) as part:
        part.write_text("new")
    assert [left.name for left in path.parent.iterdir()] == ["heart.vtkhdf"]


@dataclass(frozen=True)
class Moment:
    """When Snakemake is killed.

    Attributes:
        event: path below the results, of a file that is not empty by then.
        delay: after that [s].
        alone: whether its jobs live on and end by themselves.
    """

    event: str
    delay: float
    alone: bool = False

    def has_come(self, results: Path) -> bool:
        return any(path.stat().st_size for path in results.glob(self.event))


def moments() -> list[Moment]:
    chance = random.Random(SEED)
    return [
        Moment("models/*.json", chance.uniform(0.0, 2.5)),
        Moment("logs/simulate/*.log", chance.uniform(0.0, 1.0), alone=True),
        Moment("hearts/*.vtkhdf", chance.uniform(0.0, 2.5)),
        Moment("cohort.h5", chance.uniform(0.0, 1.0)),
    ]


def test_killed_at_any_moment_it_completes_when_run_again(
    finished: Study, hearts: list[Row], tmp_path: Path
) -> None:
    study = new_study(tmp_path, hearts[:3])
    for moment in moments():
        running = study.start()
        wait_for(lambda come=moment.has_come: come(study.results), running)
        time.sleep(moment.delay)
        snakemake = psutil.Process(running.pid)
        jobs = snakemake.children(recursive=True)
        kill([snakemake] if moment.alone else [*jobs, snakemake])
        _, alive = psutil.wait_procs(jobs, timeout=LONGEST)
        assert not alive
        running.communicate(timeout=30)
        assert_whole_or_absent(study.results)
    ran = study.run()
    assert ran.status == 0, ran.output
    assert_same_results(study, finished)


def _a_rank(running: psutil.Process) -> list[psutil.Process]:
    return [
        process
        for process in running.children(recursive=True)
        if "simulate" in process.cmdline() and "python" in process.name()
    ]


def test_a_killed_rank_ends_the_others_and_the_heart_is_tried_again(
    finished: Study, study: Study
) -> None:
    log = study.log("simulate", "s0002")
    log.unlink()
    study.heart("s0002").unlink()
    running = study.start()
    wait_for(lambda: log.exists() and log.stat().st_size, running)
    ranks = _a_rank(psutil.Process(running.pid))
    assert len(ranks) == 2
    kill(ranks[1:])
    output, _ = running.communicate(timeout=LONGEST)
    ran = Ran(running.returncode, output)
    assert ran.status == 0, ran.output
    assert "Error in rule simulate" in ran.output
    assert ran.executed["simulate s0002"] == 1
    assert_same_results(study, finished)
