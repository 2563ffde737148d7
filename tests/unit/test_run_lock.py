"""One run at a time; a killed one leaves nothing but jobs, which are waited for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polycardia.errors import MachineTrouble
from polycardia.io.run_lock import NAME, RUN, join

HOLDS = """
import sys, time
from pathlib import Path
from polycardia.io.run_lock import hold
print(hold(Path(sys.argv[1]), lambda said: print("told:", said, flush=True)), flush=True)
time.sleep(60)
"""
JOINS = """
import sys, time
from polycardia.errors import PolycardiaError
from polycardia.io.run_lock import join
try:
    join()
except PolycardiaError as error:
    sys.exit(str(error))
print("joined", flush=True)
time.sleep(60)
"""


class Started:
    """A process that ends with its test."""

    def __init__(self, code: str, *arguments: object, run: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=os.environ | {RUN: run},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_two_at_once_are_refused_with_who_is_there(tmp_path):
    with Started(HOLDS, tmp_path) as first:
        assert first.line().endswith(str(tmp_path / NAME))
        with Started(HOLDS, tmp_path) as second:
            said = second.process.communicate(timeout=30)[0].splitlines()[-1]
            assert second.process.returncode == 1
        assert f"{tmp_path}: the run of " in said
        assert f"process {first.process.pid}, since " in said
        assert said.endswith("is at work here, expected one run at a time")


def test_a_killed_run_leaves_no_lock_and_its_text_may_be_damaged(tmp_path):
    with Started(HOLDS, tmp_path) as first:
        first.line()
        first.kill()
    for text in (None, b"", b"\xff{", b'{"name": 1}'):
        if text is not None:
            (tmp_path / NAME).write_bytes(text)
        with Started(HOLDS, tmp_path) as next_one:
            assert next_one.line().endswith(str(tmp_path / NAME))


def test_jobs_of_a_killed_run_are_waited_for_and_those_that_have_not_begun_end(tmp_path):
    with Started(HOLDS, tmp_path) as first:
        run = first.line()
        with Started(JOINS, run=run) as job, Started(JOINS, run=run) as other:
            assert (job.line(), other.line()) == ("joined", "joined")
            first.kill()
            with Started(HOLDS, tmp_path) as second:
                said = second.line()
                assert said.startswith(f"told: {tmp_path}: the run of ")
                assert said.endswith("was killed; its jobs that still run are waited for")
                with Started(JOINS, run=run) as late:
                    output, _ = late.process.communicate(timeout=30)
                    assert late.process.returncode == 1
                    assert "this job's run was followed by the run of " in output
                job.kill()
                time.sleep(1.5)
                assert second.process.poll() is None
                other.kill()
                renewed = second.line()
                assert renewed.endswith(str(tmp_path / NAME))
                assert renewed != run
                with Started(JOINS, run=renewed) as own:
                    assert own.line() == "joined"


def test_a_run_and_its_jobs_are_there_together(tmp_path):
    with Started(HOLDS, tmp_path) as first:
        run = first.line()
        with Started(JOINS, run=run) as one, Started(JOINS, run=run) as other:
            assert (one.line(), other.line()) == ("joined", "joined")


def test_commands_by_hand_belong_to_no_run(monkeypatch):
    monkeypatch.delenv(RUN, raising=False)
    join()


def test_a_job_whose_results_are_gone_ends(monkeypatch, tmp_path: Path):
    monkeypatch.setenv(RUN, f"abc {tmp_path / 'gone' / NAME}")
    with pytest.raises(MachineTrouble, match="No such file or directory; the run of this job is"):
        join()
