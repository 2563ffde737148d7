"""A checkpoint is refused with a sentence that names what differs, with both values."""

import logging
import os
import signal
import time

import numpy as np
import pytest

from polycardia.config import Numerics, Simulation, Tissue
from polycardia.errors import MachineTrouble
from polycardia.solver.checkpoint import (
    NOT_ASKED,
    TIMER,
    Checkpoints,
    Mark,
    end_if_signalled,
)
from polycardia.solver.clock import Cost
from polycardia.solver.partition import alone
from polycardia.study.checkpoint import difference, flat


def settings_of(**changes: object) -> dict[str, object]:
    return flat(Simulation(**changes).model_dump(mode="json"))


def test_the_same_settings_differ_in_nothing() -> None:
    assert difference(settings_of(), settings_of()) is None


def test_the_first_setting_that_differs_is_named_with_both_values() -> None:
    kept, now = settings_of(), settings_of(numerics=Numerics(dt=0.05))
    assert difference(kept, now) == ("numerics.dt differs: the checkpoint has 0.025, this run 0.05")
    now = settings_of(tissue=Tissue(capacitance=0.02))
    assert difference(kept, now) == (
        "tissue.capacitance differs: the checkpoint has 0.01, this run 0.02"
    )


def test_what_only_one_of_them_has_is_named() -> None:
    assert difference({"a": 1}, {"a": 1, "b": None}) == (
        "b differs: the checkpoint has nothing, this run null"
    )
    assert difference({"heart": "12"}, {}) == (
        'heart differs: the checkpoint has "12", this run nothing'
    )


def test_settings_without_entries_are_settings_too() -> None:
    assert flat({"a": {}, "b": {"c": [1, 2], "d": {"e": None}}}) == {
        "a": {}, "b.c": [1, 2], "b.d.e": None,
    }  # fmt: skip


def cost_of(seconds: float, steps: int, ranks: int) -> Cost:
    names = Cost.__dataclass_fields__
    values = {name: seconds if kind.type is float else steps for name, kind in names.items()}
    return Cost(**(values | {"n_ranks": ranks, "n_nodes": 50}))


def test_the_cost_of_a_beat_is_that_of_its_parts() -> None:
    mark = Mark(8, 2, {"reaction": 1.5, "n_steps": 10, "n_ranks": 2, "n_nodes": 50, "memory": 99})
    whole = mark.total(cost_of(2.0, 7, ranks=3))
    assert (whole.reaction, whole.front) == (3.5, 2.0)
    assert (whole.n_steps, whole.stages) == (17, 7)
    assert (whole.n_nodes, whole.n_ranks, whole.memory) == (50, 3, 99)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_noted_only_while_a_beat_with_checkpoints_is_stepped(number: int) -> None:
    noted: list[int] = []
    before = signal.signal(number, lambda received, frame: noted.append(received))
    try:
        checkpoints = Checkpoints(wanted=True)
        with checkpoints.listening():
            assert checkpoints.asked() == NOT_ASKED
            os.kill(os.getpid(), number)
            assert checkpoints.asked() == number
        os.kill(os.getpid(), number)
        assert noted == [number]
        with Checkpoints().listening():
            os.kill(os.getpid(), number)
        assert noted == [number, number]
    finally:
        signal.signal(number, before)


def test_the_first_rank_alone_asks_when_it_is_time() -> None:
    def keep(mark: Mark, arrays: object) -> None:
        marks.append(mark.tick)
        list(arrays)

    marks: list[int] = []
    checkpoints = Checkpoints(every=0.05, wanted=True, keep=keep)
    with checkpoints.listening():
        assert checkpoints.asked() == NOT_ASKED
        time.sleep(0.06)
        assert checkpoints.asked() == TIMER
        assert Checkpoints(every=0.0, wanted=True).asked() == NOT_ASKED

        class Nothing:
            def gathered(self, comm: object) -> object:
                return iter([("voltage", np.zeros(3))])

        checkpoints.put_away(alone(), Mark(16, 1), Nothing())
        assert checkpoints.asked() == NOT_ASKED
    assert marks == [16]


def test_after_the_timer_a_beat_goes_on_and_after_a_signal_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        end_if_signalled(NOT_ASKED, 3.0)
        end_if_signalled(TIMER, 3.0)
    with pytest.raises(MachineTrouble, match=r"ended by SIGUSR1 at 3\.2 ms"):
        end_if_signalled(signal.SIGUSR1, 3.2)
