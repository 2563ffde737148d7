"""When a beat is put away, what it has cost by then, and what a signal does."""

import logging
import os
import signal
import time
from typing import Any

import numpy as np
import pytest

from polycardia.errors import MachineTrouble
from polycardia.solver.checkpoint import (
    NOT_ASKED,
    TIMER,
    Checkpoints,
    Mark,
    Named,
    Unfinished,
    end_if_signalled,
)
from polycardia.solver.clock import Cost
from polycardia.solver.partition import Comm, alone


def cost_of(seconds: float, steps: int, ranks: int) -> Cost:
    names = Cost.__dataclass_fields__
    values: dict[str, Any] = {
        name: seconds if kind.type is float else steps for name, kind in names.items()
    }
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
    def keep(mark: Mark, arrays: Named) -> None:
        marks.append(mark.tick)
        list(arrays)

    marks: list[int] = []
    checkpoints = Checkpoints(every=0.05, wanted=True, keep=keep)
    with checkpoints.listening():
        assert checkpoints.asked() == NOT_ASKED
        time.sleep(0.06)
        assert checkpoints.asked() == TIMER
        assert Checkpoints(every=0.0, wanted=True).asked() == NOT_ASKED

        class Nothing(Unfinished):
            def __init__(self) -> None:
                pass

            def gathered(self, comm: Comm) -> Named:
                return iter([("voltage", np.zeros(3))])

        checkpoints.put_away(alone(), Mark(16, 1), Nothing())
        assert checkpoints.asked() == NOT_ASKED
    assert marks == [16]


class Three(Unfinished):
    """A beat of three arrays, that counts how many are taken."""

    def __init__(self) -> None:
        self.taken = 0

    def gathered(self, comm: Comm) -> Named:
        for number in range(3):
            self.taken += 1
            yield str(number), np.zeros(3)


def test_what_cannot_be_written_is_told_and_tried_again_and_the_others_are_not_left_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They hand over every array, and wait where one is not taken."""

    def keep(mark: Mark, arrays: Named) -> None:
        next(arrays)
        raise MachineTrouble("the disk is full")

    checkpoints = Checkpoints(every=0.05, wanted=True, keep=keep)
    beat = Three()
    time.sleep(0.06)
    fault = checkpoints.put_away(alone(), Mark(16, 1), beat)
    assert str(fault) == "the disk is full"
    assert beat.taken == 3
    assert "no checkpoint: the disk is full" in caplog.text
    assert checkpoints.asked() == NOT_ASKED
    time.sleep(0.06)
    assert checkpoints.asked() == TIMER
    end_if_signalled(TIMER, 3.2, fault)
    with pytest.raises(
        MachineTrouble, match=r"SIGTERM at 3\.2 ms, no checkpoint: the disk is full"
    ):
        end_if_signalled(signal.SIGTERM, 3.2, fault)


def test_after_the_timer_a_beat_goes_on_and_after_a_signal_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        end_if_signalled(NOT_ASKED, 3.0)
        end_if_signalled(TIMER, 3.0)
    with pytest.raises(MachineTrouble, match=r"ended by SIGUSR1 at 3\.2 ms"):
        end_if_signalled(signal.SIGUSR1, 3.2)
