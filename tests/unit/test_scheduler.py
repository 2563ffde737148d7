"""What SLURM's programs say, as their manual pages show it."""

import math
import os

import pytest

from polycardia.scheduler import energy


@pytest.fixture
def sstat(tmp_path, monkeypatch):
    """Make a program `sstat` that says something and keeps what it was asked."""
    asked = tmp_path / "asked"

    def saying(text, status=0):
        program = tmp_path / "sstat"
        program.write_text(
            f'#!/bin/sh\necho "$@" > {asked}\ncat <<END\n{text}\nEND\nexit {status}\n'
        )
        program.chmod(0o755)
        return asked

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "71")
    monkeypatch.delenv("SLURM_STEP_ID", raising=False)
    return saying


def test_a_jobs_steps_add_up_but_for_the_one_that_spans_them(sstat):
    asked = sstat("71.extern|5000\n71.batch|1200\n71.0|800")
    assert energy() == 2000.0
    assert "--allsteps --jobs 71" in asked.read_text()


def test_a_packed_heart_asks_for_its_step(sstat, monkeypatch):
    monkeypatch.setenv("SLURM_STEP_ID", "12")
    asked = sstat("71.12|345")
    assert energy() == 345.0
    assert asked.read_text().split()[-2:] == ["--jobs", "71.12"]


@pytest.mark.parametrize(
    "said", ["71.batch|0", "71.batch|", "71.batch|4294967294K", "nonsense", ""]
)
def test_no_meter_is_no_energy(sstat, said):
    sstat(said)
    assert math.isnan(energy())


def test_an_sstat_that_fails_is_no_energy(sstat):
    sstat("71.batch|1200", status=1)
    assert math.isnan(energy())


@pytest.mark.parametrize("job", ["", "$(id)", "71; id"])
def test_nobody_is_asked_without_a_job_of_slurms(sstat, monkeypatch, job):
    monkeypatch.setenv("SLURM_JOB_ID", job)
    asked = sstat("71.batch|1200")
    assert math.isnan(energy())
    assert not asked.exists()
