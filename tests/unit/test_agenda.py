"""What is due is what a look at each thing would find."""

import time

import numpy as np
import pytest

from polycardia.physics.agenda import Agenda
from polycardia.solver.stimulus import Stimuli, Stimulus


@pytest.mark.parametrize("longest", [1, 5, 400])
def test_what_is_due_is_found_in_its_own_order(longest):
    rng = np.random.default_rng(longest)
    starts = rng.integers(0, 300, 200).tolist()
    ends = [
        start + int(lasts)
        for start, lasts in zip(starts, rng.integers(1, longest + 1, 200), strict=True)
    ]
    agenda = Agenda([f"thing {number}" for number in range(200)], starts, ends)
    for first in range(-2, 320, 3):
        for last in (first, first + 1, first + 40):
            assert agenda.during(first, last) == [
                (number, f"thing {number}")
                for number, (start, end) in enumerate(zip(starts, ends, strict=True))
                if start <= last and first < end
            ]


def test_of_nothing_nothing_is_due():
    assert Agenda([], [], []).during(0, 10) == []


def test_a_stimulus_acts_from_its_first_step_to_its_last():
    late, early = (Stimulus(np.array([0]), first, 4, 1.0) for first in (10, 8))
    acting = Stimuli([late, early]).acting
    assert acting(4, 8) == []
    assert acting(7, 9) == [early]
    assert acting(11, 12) == [late, early]  # the order decides how sums round
    assert acting(13, 14) == [late]
    assert acting(14, 30) == []


def test_long_trains_cost_a_step_nothing():
    """A look at each of them took half a millisecond."""
    stimuli = Stimuli([Stimulus(np.array([0]), 4000 * k, 80, 50.0) for k in range(50_000)])
    started = time.perf_counter()
    for step in range(1000):
        stimuli.acting(200_000 * step, 200_000 * step + 1)
    assert time.perf_counter() - started < 1.0
