"""A heart whose every attempt dies is recorded, the others go on, and it can be tried again."""

import threading
from collections import Counter
from pathlib import Path

import h5py
import psutil  # type: ignore[import-untyped]
import pytest
from tiny_cohort import Row, Study, gathering, jobs, new_study

pytestmark = [pytest.mark.slow, pytest.mark.mpi, pytest.mark.timeout(1800)]

VICTIM, OTHER = "s0002", "s0001"
ATTEMPTS = 3  # as rules/common.smk has it


class Killer(threading.Thread):
    """Kills a rank of every simulation of one heart for as long as it is asked to."""

    def __init__(self, folder: Path, patient: str) -> None:
        super().__init__(daemon=True)
        self.killed = 0
        self._ended = threading.Event()
        self._folder, self._heart = str(folder), f"work/{patient}/prepared.h5"

    def run(self) -> None:
        while not self._ended.wait(0.05):
            for process in psutil.process_iter(["name", "cmdline", "cwd"]):
                typed = process.info["cmdline"] or []
                python = process.info["name"].startswith("python")  # and not MPI's launcher
                here = process.info["cwd"] == self._folder and "simulate" in typed
                if python and here and any(self._heart in word for word in typed):
                    process.kill()
                    self.killed += 1

    def end(self) -> None:
        self._ended.set()
        self.join()


@pytest.fixture(scope="module")
def stricken(hearts: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two hearts, of which one was killed whenever it was simulated."""
    rows = [row for row in hearts if row["patient"] in (VICTIM, OTHER)]
    study = new_study(tmp_path_factory.mktemp("stricken"), rows)
    study.configure(lambda settings: settings["archive"].update(max_failed_fraction=0.5))
    killer = Killer(study.folder, VICTIM)
    killer.start()
    ran = study.run()
    killer.end()
    assert ran.status == 0, ran.output
    assert ran.executed[f"simulate {VICTIM}"] == 1
    return study


def outcome(study: Study, patient: str) -> tuple[str, str]:
    with h5py.File(study.heart(patient)) as file:
        attributes = file["outcome"].attrs
        return str(attributes["status"]), str(attributes["detail"])


def test_it_is_recorded_with_its_reason_and_the_cohort_goes_on(stricken: Study) -> None:
    status, detail = outcome(stricken, VICTIM)
    assert status == "killed"
    assert detail.startswith(f"attempt {ATTEMPTS} of {ATTEMPTS}, ")
    assert "it was killed, as systems do that run out of memory" in detail
    assert "signal 9" in detail
    assert outcome(stricken, OTHER) == ("solved", "")
    verdict = stricken.polycardia("verify", "results")
    assert (verdict.returncode, verdict.stderr) == (0, "")
    with h5py.File(stricken.results / "cohort.h5") as file:
        assert list(file["patients/status"].asstr()) == ["solved", "killed"]


def test_nothing_is_left_to_do(stricken: Study) -> None:
    assert stricken.plan() == jobs()


def test_it_is_listed_and_freed_alone(stricken: Study, tmp_path: Path) -> None:
    study = stricken.copy(tmp_path / "copy")
    listed = study.polycardia("failed", "--config", "study.yaml")
    assert listed.stdout.startswith(f"{VICTIM}  killed: attempt {ATTEMPTS}")
    assert f"results/logs/simulate/{VICTIM}.log" in listed.stdout
    assert listed.stdout.endswith("1 of 2 hearts without an answer\n")
    assert study.heart(VICTIM).exists()
    none = study.polycardia("failed", "--config", "study.yaml", "--status", "diverged", "--retry")
    assert none.stdout == "0 of 2 hearts without an answer\n"
    assert study.plan() == jobs()
    freed = study.polycardia("failed", "--config", "study.yaml", "--retry")
    assert freed.stdout.endswith("; the next run tries them again\n")
    assert not study.heart(VICTIM).exists()
    assert study.plan() == jobs(f"simulate {VICTIM}") + gathering(VICTIM)
    ran = study.run()
    assert ran.status == 0, ran.output
    assert ran.executed == jobs(f"simulate {VICTIM}") + gathering(VICTIM)
    assert outcome(study, VICTIM) == ("solved", "")
    assert study.polycardia("failed", "--config", "study.yaml").stdout == (
        "0 of 2 hearts without an answer\n"
    )
    assert list(study.results.rglob("*.attempts.json")) == []


def test_attempts_are_counted_once(stricken: Study) -> None:
    with h5py.File(stricken.heart(VICTIM)) as file:
        attempts = str(file["provenance"].attrs["attempts"])
    assert Counter(attempts.split('"'))["killed"] == ATTEMPTS
