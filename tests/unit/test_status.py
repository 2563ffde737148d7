"""`polycardia status`: hearts by state, rate, estimate, the slowest and the memory."""

import os
import time
from pathlib import Path

import h5py
import pytest
import yaml
from heart_costs import cost as heart_cost
from heart_costs import record

from polycardia.cli import main
from polycardia.study import heart_states
from polycardia.study.heart_states import HeartState
from polycardia.study.sizing import beat_job
from polycardia.study.status import Status, described, is_over, seconds_left

NOW = 1e9
NODES = 30_000.0
ASKED = 1e6 * beat_job(NODES, 1).memory  # [bytes]


def solved(seconds, ago=0.0, memory=None):
    cost = memory and heart_cost(cost_n_nodes=NODES, memory=memory * ASKED)
    return HeartState("solved", "", 1.0, seconds, NOW - ago, cost)


def running(fraction, seconds=60.0):
    return HeartState("running", "", fraction, seconds)


def write_heart(folder, name, seconds=100.0, share=0.4, status="solved"):
    path = folder / "hearts" / f"{name}.vtkhdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_group("outcome").attrs.update({"status": status, "detail": "its reason"})
        made = record(seconds=seconds, cost_n_nodes=NODES, memory=share * ASKED)
        file.create_group("provenance").attrs.update(made)
    return path


def test_a_run_in_lines():
    states = {
        "a": solved(300.0, ago=4000.0, memory=0.2),
        "b": solved(900.0, ago=60.0, memory=0.6),
        "c": solved(600.0, ago=60.0, memory=0.4),
        "d": running(0.25, 150.0),
        "e": HeartState("waiting"),
        "f": HeartState("failed", "bad_mesh: it is flat"),
    }
    assert described(states, NOW).splitlines() == [
        "6 hearts: 3 solved, 1 failed, 1 running, 0 interrupted, 1 waiting",
        "2 solved in the last hour; about 18 min left with 1 at once",
        "slowest: b 15 min, c 10 min, a 5 min",
        "memory: half of the beats hold 40% of what they ask for or less, b 60%",
        "  running  d  25% of the beat",
        "  failed  f  bad_mesh: it is flat",
    ]


def test_the_rest_takes_what_hearts_have_taken():
    # Four left, one of them to three quarters, 100 s each, two at once.
    states = [solved(100.0), running(0.25), running(0.75), *2 * [HeartState("waiting")]]
    assert seconds_left(states) == pytest.approx(100.0 * 3.0 / 2)
    # Nothing is finished: at the pace of those that run.
    assert seconds_left([running(0.25, 50.0)]) == pytest.approx(150.0)
    assert seconds_left([solved(1.0)]) is None
    assert seconds_left([HeartState("waiting")]) is None


def test_results_that_stay_are_read_once(tmp_path, monkeypatch):
    first = write_heart(tmp_path, "a")
    reads = []
    read = heart_states.read_fate
    monkeypatch.setattr(heart_states, "read_fate", lambda path: (reads.append(path), read(path))[1])
    asked = Status(["a", "b"], tmp_path)
    for _ in range(3):
        states = asked.look()
    assert reads == [first]
    assert states["a"].cost.memory_share == pytest.approx(0.4)
    assert (states["a"].seconds, states["b"].state) == (120.0, "waiting")
    assert not is_over(states)
    second = write_heart(tmp_path, "b", status="bad_mesh")
    os.utime(first, (NOW, NOW))  # made anew
    states = asked.look()
    assert reads == [first, first, second]
    assert states["b"].detail == "bad_mesh: its reason"
    assert is_over(states)
    first.unlink()
    assert asked.look()["a"].state == "waiting"


def test_a_damaged_result_is_told(tmp_path):
    write_heart(tmp_path, "a").write_bytes(b"no HDF5")
    state = Status(["a"], tmp_path).look()["a"]
    assert state.state == "failed"
    assert "a.vtkhdf" in state.detail


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.vtu").write_text("x")
    Path("cohort.tsv").write_text("patient\tmesh\na\ta.vtu\n")
    Path("config.yaml").write_text(yaml.safe_dump({"cohort": "cohort.tsv"}))
    return tmp_path


def test_watching_ends_when_every_heart_has_an_answer(folder, monkeypatch, capsys):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            write_heart(folder / "results", "a")

    monkeypatch.setattr(time, "sleep", sleep)
    assert main(["status", "--watch", "5"]) == 0
    said = capsys.readouterr().out
    assert slept == [5.0, 5.0]
    assert said.count("1 waiting") == 2
    assert "1 solved" in said
    assert "\x1b" not in said, "no terminal"


def test_watching_is_left_with_an_interrupt(folder, monkeypatch, capsys):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    assert main(["status", "--watch"]) == 0
    assert capsys.readouterr().out.count("1 waiting") == 1


@pytest.mark.parametrize("wrong", ["0", "-3", "nan"])
def test_how_often_is_a_second_at_least(folder, capsys, wrong):
    assert main(["status", "--watch", wrong]) == 1
    assert "expected 1 or more" in capsys.readouterr().err
