"""Attempts at a heart: what each died of, and what they come to."""

import json
import os
from pathlib import Path

import pytest

from polycardia import scheduler
from polycardia.errors import BadArchive, MachineTrouble
from polycardia.study import attempts
from polycardia.study.attempts import _concluded, begin, died, read_attempts
from polycardia.study.death import death_of
from polycardia.study.job_logs import decisive_line

MPI_KILLED = (
    "2026-01-01 t 3.0 of 9.0 ms\n----\n"
    "mpirun noticed that process rank 1 with PID 0 on node n7 exited on signal 9 (Killed).\n----\n"
)
LOGS = [
    ("", "killed", ""),
    ("t 3.0 of 9.0 ms\n", "killed", ""),
    (MPI_KILLED, "killed", "mpirun noticed that process rank 1 with PID 0 on node n7 exited on "
     "signal 9 (Killed)."),
    ("mpirun noticed that process rank 0 on node n7 exited on signal 11 (Segmentation fault).\n",
     "crashed", "mpirun noticed that process rank 0 on node n7 exited on signal 11 (Segmentation "
     "fault)."),
    ("Traceback (most recent call last):\n  File x\nnumpy.linalg.LinAlgError: Singular matrix\n",
     "crashed", "numpy.linalg.LinAlgError: Singular matrix"),
    ("Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device\n",
     "machine", "OSError: [Errno 28] No space left on device"),
    ("Traceback (most recent call last):\nMemoryError: Unable to allocate 3 GiB\n" + MPI_KILLED,
     "out_of_memory", "MemoryError: Unable to allocate 3 GiB"),
    ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch.\n", "out_of_memory",
     "slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch."),
    ("slurmstepd: error: *** JOB 7 ON n7 CANCELLED AT X DUE TO TIME LIMIT ***\n", "out_of_time",
     "slurmstepd: error: *** JOB 7 ON n7 CANCELLED AT X DUE TO TIME LIMIT ***"),
    ("polycardia: no C compiler\n", "machine", "no C compiler"),
    ("polycardia: ended by SIGTERM at 53 ms\n" + MPI_KILLED, "machine",
     "ended by SIGTERM at 53 ms"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "said"), LOGS)
def test_a_log_says_what_its_job_died_of(tmp_path, text, kind, said):
    log = tmp_path / "s1.log"
    log.write_text(text)
    found = death_of(log)
    assert (found.kind, found.said) == (kind, said)


def test_a_missing_log_and_a_long_line(tmp_path):
    log = tmp_path / "s1.log"
    assert death_of(log).kind == "killed"
    log.write_text(f"ValueError: {'x' * 2000}\n")
    assert decisive_line(log) == f"ValueError: {'x' * 288}..."


@pytest.fixture
def record(tmp_path) -> Path:
    return tmp_path / "work" / "s1" / "simulate.attempts.json"


def fail(record: Path, number: int, text: str = "") -> None:
    begin(record, number)
    log = record.parent / "s1.log"
    log.write_text(text)
    died(record, log)


def test_the_first_attempt_forgets_an_earlier_run(record):
    fail(record, 1, MPI_KILLED)
    fail(record, 2, MPI_KILLED)
    begin(record, 1)
    assert [(each.number, each.death) for each in read_attempts(record)] == [(1, "")]


def test_the_last_attempt_decides(record):
    fail(record, 1, "MemoryError\n")
    fail(record, 2, "Traceback\nValueError: broken\n")
    found, outcome = _concluded(record)
    assert [each.death for each in found] == ["out_of_memory", "crashed"]
    assert outcome.status == "crashed"
    assert outcome.detail.startswith("attempt 2 of 2, ")
    assert outcome.detail.endswith(
        "it ended with an error that nobody expected; ValueError: broken"
    )


def test_what_is_not_the_hearts_is_not_recorded(record):
    fail(record, 1, MPI_KILLED)
    fail(record, 2, "OSError: [Errno 28] No space left on device\n")
    with pytest.raises(MachineTrouble, match=r"attempt 2 failed: OSError: \[Errno 28\] No space"):
        _concluded(record)


def test_an_attempt_that_left_nothing_was_killed(record):
    begin(record, 1)
    begin(record, 2)
    assert [each.death for each in read_attempts(record)] == ["killed", ""]
    assert _concluded(record)[1].status == "killed"


def test_a_launcher_that_says_nothing_is_quoted_from_the_attempt_before(record):
    fail(record, 1, MPI_KILLED)
    fail(record, 2)
    detail = _concluded(record)[1].detail
    assert detail.startswith("attempt 2 of 2, ")
    assert "; attempt before: " in detail
    assert detail.endswith("exited on signal 9 (Killed).")
    fail(record, 3, "Traceback\nValueError: broken\n")
    fail(record, 4)
    assert "signal 9" in _concluded(record)[1].detail, "of the same death"


def test_the_scheduler_knows_better_than_the_log(record, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "71")
    monkeypatch.setattr(attempts, "state_of", {"71": "TIMEOUT"}.get)
    fail(record, 1, "polycardia: ended by SIGTERM at 53 ms, a checkpoint is written\n")
    outcome = _concluded(record)[1]
    assert outcome.status == "out_of_time"
    assert "attempt 1 of 1, job 71 on " in outcome.detail


def test_nothing_to_conclude_from_and_a_damaged_record(record):
    with pytest.raises(MachineTrouble, match="found no attempt to conclude from"):
        _concluded(record)
    record.parent.mkdir(parents=True)
    for text in ("{", "[1]", '[{"number": 1}]', "7"):
        record.write_text(text)
        with pytest.raises(BadArchive, match="not a record of attempts"):
            read_attempts(record)
        begin(record, 2)  # is no reason to try no more
        assert [attempt.number for attempt in read_attempts(record)] == [2]


def test_attempts_that_never_began_are_none(record):
    fail(record, 1, "Killed\n")
    begin(record, 3)  # the batch system refused the second
    with pytest.raises(MachineTrouble, match="2 of 3 attempts have begun"):
        _concluded(record, 3)
    assert _concluded(record, 2)[1].status == "killed"


def test_a_full_disk_is_nobodys_heart(record):
    said = "MemoryError\nOSError: [Errno 28] No space left on device\nrank 1 exited on signal 9\n"
    fail(record, 1, said)
    with pytest.raises(MachineTrouble, match="attempt 1 failed: "):
        _concluded(record)


COMMANDS = {
    "scontrol": 'echo "JobId=$4 JobName=x UserId=a(1) JobState=NODE_FAIL Reason=None"',
    "sacct": "echo 'OUT_OF_MEMORY'",
}


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """SLURM's commands as far as anybody answers."""

    def answer(*names: str) -> None:
        for name in names:
            script = tmp_path / "bin" / name
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\n{COMMANDS[name]}\n")
            script.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.defpath}")
    return answer


def test_slurm_is_asked_for_the_jobs_state(commands):
    assert scheduler.state_of("71") == ""
    commands("sacct")
    assert scheduler.state_of("71") == "OUT_OF_MEMORY"
    commands("scontrol")
    assert scheduler.state_of("71_3") == "NODE_FAIL"


@pytest.mark.parametrize("job", ["", "71; touch x", "--help", "$(id)", "12.server"])
def test_only_slurms_numbers_are_asked_for(commands, job):
    commands("scontrol", "sacct")
    assert scheduler.state_of(job) == ""


def test_a_record_is_readable_json(record):
    fail(record, 1, MPI_KILLED)
    (one,) = json.loads(record.read_text())
    assert set(one) == {"number", "began", "host", "job", "death", "said"}
