"""One plain run mends what faults leave behind: `tests/benchmark/faults.py` in short."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cluster_job import cluster_job
from fault_damage import KINDS, damages, unfinished_beat
from fault_ground import Trial, Verdict, computed
from fault_kills import Plan, killed_job, killed_snakemake
from fault_machine import full_disk, little_memory, small_disk, two_runs
from tiny_cohort import ENVIRONMENT, LONGEST, Ran, Study, jobs

from polycardia.config import read_study
from polycardia.io.verification import heart_faults
from polycardia.study.attempts import conclude_simulation

pytestmark = [pytest.mark.slow, pytest.mark.mpi, pytest.mark.timeout(2400)]

SEED = 11


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return computed(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def small_disk_allowed(tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path / "allowed"):
            pass
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk may not be mounted here")


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)


def require_survived(verdict: Verdict, least: int = 1) -> None:
    assert verdict.survived, vars(verdict)
    assert len(verdict.injected) >= least, f"only {verdict.injected}: {verdict.output[-4000:]}"


def test_damaged_files_of_every_kind_are_made_again_and_nothing_else(
    undisturbed: Study, tmp_path: Path, chance: random.Random
) -> None:
    checkpoint = unfinished_beat(undisturbed, tmp_path / "unfinished")
    verdict = damages(undisturbed, tmp_path / "study", chance, checkpoint, list(KINDS))
    require_survived(verdict, least=8)


def test_a_damaged_file_is_told_by_a_dry_run_which_leaves_it(
    undisturbed: Study, tmp_path: Path
) -> None:
    study = undisturbed.copy(tmp_path / "study")
    page = study.results / "report" / "index.html"
    page.write_text(page.read_text().replace("Tiny", "Tony"))
    told = study.run("--dry-run")
    sentence = "results/report/index.html: its bytes are others than those that were written"
    assert f"{sentence}; a run would make it again" in told.output
    assert page.exists()
    ran = study.run()
    renamed = "renamed to results/report/index.html.damaged, to be made again"
    assert f"{sentence}; {renamed}" in ran.output
    assert set(ran.executed) == {"report"}


def test_a_cell_state_that_is_damaged_costs_no_heart(undisturbed: Study, tmp_path: Path) -> None:
    study = undisturbed.copy(tmp_path / "study")
    state = study.results / "models" / "midwall.json"
    whole = state.read_bytes()
    state.write_bytes(whole[:-40])
    ran = study.run()
    assert "restored from its copy" in ran.output
    assert state.read_bytes() == whole
    assert not ran.executed


def test_bytes_that_changed_without_a_trace_are_found_by_verify_and_set_aside(
    undisturbed: Study, tmp_path: Path
) -> None:
    trial = Trial(undisturbed, tmp_path / "study", "changed without a trace")
    study = trial.study
    heart = study.heart("s0002")
    before, content = heart.stat(), bytearray(heart.read_bytes())
    content[len(content) // 2] ^= 1
    heart.write_bytes(content)
    os.utime(heart, ns=(before.st_atime_ns, before.st_mtime_ns))
    finished = trial.finished([heart])
    assert "Nothing to be done" in study.run().output
    verdict = study.polycardia("verify", "results")
    assert "hearts/s0002.vtkhdf: its bytes are others than those that were sealed" in verdict.stderr
    aside = study.polycardia("verify", "results", "--set-aside")
    assert "s0002.vtkhdf.damaged, to be made again" in aside.stdout
    require_survived(trial.judge(finished), least=0)


@pytest.mark.parametrize("kind", ["rank", "job"])
def test_a_killed_job_is_tried_again(
    kind: str, undisturbed: Study, tmp_path: Path, chance: random.Random
) -> None:
    plan = Plan("a heart", "a beat")
    require_survived(killed_job(undisturbed, tmp_path / "study", plan, chance, kind))


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with its jobs"])
def test_after_a_killed_snakemake_one_plain_run_completes(
    alone: bool, undisturbed: Study, tmp_path: Path
) -> None:
    plan = Plan("two hearts", "a beat" if alone else "a shard")
    require_survived(killed_snakemake(undisturbed, tmp_path / "study", plan, alone=alone))


def test_a_rank_without_memory_ends_its_job(undisturbed: Study, tmp_path: Path) -> None:
    plan = Plan("a heart", "the first job")
    require_survived(little_memory(undisturbed, tmp_path / "study", plan))


def test_of_two_runs_at_once_one_is_refused(
    undisturbed: Study, tmp_path: Path, chance: random.Random
) -> None:
    plan = Plan("two hearts", "the plan")
    require_survived(two_runs(undisturbed, tmp_path / "study", plan, chance))


def test_a_full_disk_is_nobodys_heart(
    small_disk_allowed: None, undisturbed: Study, tmp_path: Path, chance: random.Random
) -> None:
    require_survived(full_disk(undisturbed, tmp_path / "disk", chance))
    shutil.rmtree(tmp_path / "disk")


def job(study: Study, rule: str, patient: str, **environment: str) -> Ran:
    """Run one job as a batch system does."""
    done = subprocess.run(
        cluster_job(rule, patient=patient),
        cwd=study.folder,
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
    )
    return Ran(done.returncode, done.stdout)


def test_a_job_left_in_the_queue_by_a_killed_run_touches_nothing(
    undisturbed: Study, tmp_path: Path
) -> None:
    study = undisturbed.copy(tmp_path / "study")
    before = study.heart("s0001").stat()
    ended = job(study, "simulate", "s0001", POLYCARDIA_RUN=f"another {study.results}/.run")
    assert ended.status != 0
    assert "this job's run was followed by the run of " in ended.output
    assert study.heart("s0001").stat() == before
    assert study.plan() == jobs()


def test_a_heart_that_is_given_up_leaves_no_voltage_behind(
    undisturbed: Study, tmp_path: Path
) -> None:
    """Its attempts died between its two files."""
    study = undisturbed.copy(tmp_path / "study")
    heart, work = study.heart("s0002"), study.results / "work" / "s0002"
    heart.unlink()
    record = work / "simulate.attempts.json"
    died = {"began": "2026-01-01T00:00:00+00:00", "host": "r1", "job": "", "death": "killed"}
    record.write_text(json.dumps([{"number": number, **died} for number in (1, 2, 3)]))
    settings = read_study(study.folder / "study.yaml").simulation()
    conclude_simulation(work / "prepared.h5", settings, record=record, output=heart, least=3)
    assert heart.exists()
    assert list(heart_faults(heart)) == []


def test_a_batch_job_is_tried_again_by_the_run_alone(undisturbed: Study, tmp_path: Path) -> None:
    """In the same job it would have the memory and the time that were too little."""
    study = undisturbed.copy(tmp_path / "study")
    (study.results / "work" / "s0001" / "prepared.h5").write_bytes(b"cut off")
    ended = job(study, "simulate", "s0001")
    assert ended.status != 0
    assert "has no seal at its end" in study.log("simulate", "s0001").read_text()
    assert "Trying to restart" not in ended.output
