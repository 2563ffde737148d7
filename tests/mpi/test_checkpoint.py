"""An interrupted beat goes on to the same bits, and on other ranks to the same numbers."""

import random
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from simulate_jobs import Study

from polycardia.config import Numerics
from polycardia.io.checkpoint_file import CheckpointFile, require_whole
from polycardia.solver.stepping import stepping
from polycardia.study.synthesise import synthesise

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(1200)]

ENDED_WITHIN = Path(__file__).parent / "ended_within.py"
CELL = {
    "name": "mitchell_schaeffer",
    "parameters": {"tau_in": 1.0, "tau_out": 20.0, "tau_close": 70.0},
}
# All that can be recorded, of cells whose plateau is long enough to be quiet.
SETTINGS = {
    "cohort": "cohort.tsv",
    "anatomy": {"edge_length": 5.0},  # the mesh stays as it is
    "tissue": {
        "intracellular": {"fibre": 4.0, "cross": 2.0},
        "extracellular": {"fibre": 4.0, "cross": 2.0},
        "endocardial_factor": 9.0,
    },
    "cells": {"endocardial": CELL, "midwall": CELL, "epicardial": CELL, "beats": 0},
    "protocol": {"site_radius": 8.0},
    "numerics": {
        "dt": 0.2,
        "dt_quiet": 1.0,
        "quiet_rate": 0.5,  # of the plateau, and not of what follows it
        "duration": 250.0,
        "report_interval": 2.0,  # for the moments of interruption
    },
    "outputs": {
        "activation": "steepest_upstroke",
        "apd90": True,
        "voltage": {"interval": 3.0},
        "probes": {
            "at": [
                {"name": "low", "heart": {"ventricle": "lv", "apicobasal": 0.3, "rotation": 0.0}},
                {"name": "high", "heart": {"ventricle": "lv", "apicobasal": 0.9, "rotation": 90.0}},
                {"name": "far", "site": "rv_anterior_papillary"},
            ],
            "variables": ["gate.h"],
        },
    },
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One heart, prepared, and its undisturbed beat on two ranks."""
    folder = tmp_path_factory.mktemp("checkpoint")
    synthesise(1, 259, folder, edge_length=3.0)
    (folder / "study.yaml").write_text(yaml.safe_dump(SETTINGS))
    made = Study(folder)
    made.polycardia("model")
    made.polycardia("prepare", "--patient", "s0001")
    made.run("whole", 2)
    return made


@pytest.fixture(scope="module")
def interrupted(study: Study) -> Path:
    """The checkpoint of a beat that was ended by both signals in turn, at random moments."""
    chance = random.Random(4)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        job = study.start("parts", 2, "--checkpoint", "parts.h5")
        job.reach(chance.randint(3, 20))
        if number == signal.SIGTERM:
            job.a_rank().send_signal(number)  # the others hear of it from this one
        else:
            job.running.send_signal(number)
        assert job.ended() != 0
        assert f"ended by {signal.Signals(number).name} at " in job.text(), job.text()
        require_whole(study.folder / "parts.h5")
        assert not (study.folder / "parts.vtkhdf").exists()
        assert not (study.folder / "parts.voltage.vtkhdf").exists()
    assert "goes on at " in job.text()
    return study.folder / "parts.h5"


def copy_of(checkpoint: Path, name: str) -> str:
    """Copy a checkpoint and the snapshots that it counts on, for another output."""
    folder = checkpoint.parent
    shutil.copy(checkpoint, folder / f"{name}.h5")
    shutil.copy(folder / ".parts.voltage.part", folder / f".{name}.voltage.part")
    return f"{name}.h5"


def assert_same_bits(study: Study, name: str) -> None:
    """As an undisturbed beat's on two ranks."""
    whole, other = study.contents("whole"), study.contents(name)
    assert whole.keys() == other.keys()
    for path, values in whole.items():
        np.testing.assert_array_equal(other[path], values, err_msg=path)


def test_on_as_many_ranks_every_bit_is_that_of_an_undisturbed_beat(
    study: Study, interrupted: Path
) -> None:
    log = study.run("again", 2, "--checkpoint", copy_of(interrupted, "again"))
    assert "goes on at " in log
    assert_same_bits(study, "again")
    assert any("apd90" in name for name in study.contents("again"))
    left = [path.name for path in study.folder.iterdir() if "again" in path.name]
    assert sorted(left) == ["again.log", "again.voltage.vtkhdf", "again.vtkhdf"]


# Of the heart at a moment [ms]: whether its steps are large, and voltages it is between [mV].
MOMENTS = {
    90.0: (True, -10.0, 20.0),  # the plateau
    160.0: (False, -60.0, 0.0),  # repolarisation
    240.0: (True, -79.0, -60.0),  # the end of it
}


def test_ended_in_plateau_and_repolarisation_it_goes_on_to_the_same_bits(study: Study) -> None:
    """Whether steps are large there depends on the voltage at the last look."""
    numerics = Numerics(**SETTINGS["numerics"])  # type: ignore[arg-type]
    between_looks = stepping(numerics).look_ticks * numerics.dt
    for moment, (large, lowest, highest) in MOMENTS.items():
        program = (str(ENDED_WITHIN), str(moment))
        job = study.start("later", 2, "--checkpoint", "later.h5", program=program)
        assert job.ended() != 0
        assert f"ended by SIGUSR1 at {moment:g} ms" in job.text(), job.text()
        with CheckpointFile(study.folder / "later.h5") as file:
            voltage, looked = (file.rows(name, 0, sys.maxsize) for name in ("voltage", "looked"))
        rate = np.abs(voltage - looked).max() / between_looks
        assert (rate < numerics.quiet_rate) == large
        assert lowest < voltage.min() < voltage.max() < highest
    assert "goes on at 160 ms" in job.text()
    study.run("later", 2, "--checkpoint", "later.h5")
    assert_same_bits(study, "later")


def test_on_another_number_of_ranks_the_numbers_are_the_same(
    study: Study, interrupted: Path
) -> None:
    study.run("three", 3, "--resume", copy_of(interrupted, "three"))
    whole, three = study.contents("whole"), study.contents("three")
    assert whole.keys() == three.keys()
    for name, values in whole.items():
        precision = 1e-9 if values.dtype == np.float64 else 1e-6  # stored in single precision
        if name.endswith("PointData/voltage"):  # rounded to what is stored
            np.testing.assert_allclose(three[name], values, rtol=0.0, atol=0.008, err_msg=name)
        else:
            np.testing.assert_allclose(three[name], values, precision, precision, err_msg=name)


def test_killed_between_two_checkpoints_of_the_timer_it_goes_on_from_the_last(
    study: Study,
) -> None:
    every = ("--checkpoint", "timer.h5", "--checkpoint-minutes", "0.002")
    job = study.start("timer", 2, *every)
    job.wait_for(lambda text: text.count("checkpoint at ") >= 3)
    time.sleep(random.Random(5).uniform(0.0, 0.2))
    job.kill()
    require_whole(study.folder / "timer.h5")
    log = study.run("timer", 2, *every)
    assert "goes on at " in log
    assert_same_bits(study, "timer")
    assert list(study.folder.glob(".timer*")) == []
    assert not (study.folder / "timer.h5").exists()


def block(folder: Path) -> None:
    """Put a file where a folder is."""
    folder.rename(folder.with_name("aside"))
    folder.touch()


def unblock(folder: Path) -> None:
    folder.unlink()
    folder.with_name("aside").rename(folder)


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_beat_goes_on(study: Study) -> None:
    (study.folder / "there").mkdir()
    every = ("--checkpoint", "there/c.h5", "--checkpoint-minutes", "0.002")
    job = study.start("told", 2, *every)
    job.wait_for(lambda text: "checkpoint at " in text)
    block(study.folder / "there")
    job.wait_for(lambda text: text.count("no checkpoint: there/c.h5 cannot be written") >= 2)
    unblock(study.folder / "there")
    written = job.text().count("checkpoint at ")
    job.wait_for(lambda text: text.count("checkpoint at ") > written)
    assert job.ended() == 0, job.text()
    assert_same_bits(study, "told")
    assert list((study.folder / "there").iterdir()) == []


def test_a_signal_ends_a_beat_whose_checkpoint_cannot_be_written_and_says_so(
    study: Study,
) -> None:
    (study.folder / "gone").mkdir()
    job = study.start("lost", 2, "--checkpoint", "gone/c.h5")
    job.reach(3)
    block(study.folder / "gone")
    job.a_rank().send_signal(signal.SIGTERM)
    assert job.ended() == 1
    sentence = re.findall(r"^polycardia: ended by SIGTERM at \S+ ms, (.*)$", job.text(), re.M)
    assert sentence == ["no checkpoint: gone/c.h5 cannot be written: File exists"]


def test_a_checkpoint_of_another_study_or_a_damaged_one_is_told_and_not_used(
    study: Study, interrupted: Path
) -> None:
    shorter = {**SETTINGS, "numerics": {**SETTINGS["numerics"], "duration": 60.0}}  # type: ignore[dict-item]
    (study.folder / "shorter.yaml").write_text(yaml.safe_dump(shorter))
    sentence = "numerics.duration differs: the checkpoint has 250.0, this run 60.0"
    job = study.start("other", 2, "--resume", copy_of(interrupted, "other"), config="shorter.yaml")
    assert job.ended() == 1
    assert sentence in job.text()
    log = study.run("other", 2, "--checkpoint", "other.h5", config="shorter.yaml")
    assert f"{sentence}; starts at 0 ms" in log
    assert "goes on" not in log
    assert not (study.folder / "other.h5").exists()
    damaged = study.folder / copy_of(interrupted, "damaged")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    job = study.start("damaged", 2, "--resume", "damaged.h5")
    assert job.ended() == 1
    assert "damaged.h5: the checkpoint is damaged or cut off" in job.text()


def test_what_cannot_be_written_at_the_end_is_told_before_the_beat(study: Study) -> None:
    """The heart's name would do, that of its snapshots is too long."""
    before = sorted(study.folder.iterdir())
    job = study.start("x" * 232, 2)
    assert job.ended() != 0
    assert "voltage.vtkhdf cannot be written: File name too long" in job.text()
    assert "Traceback" not in job.text()
    assert "voltage " not in job.text()
    assert sorted(study.folder.iterdir()) == sorted([*before, study.folder / f"{'x' * 232}.log"])
