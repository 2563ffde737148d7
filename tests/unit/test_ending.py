"""When there is nothing left to simulate."""

import math
from itertools import pairwise

import numpy as np
import pytest

from polycardia.config import BEAT, Numerics, Simulation, Stimulation
from polycardia.solver.ending import Ending
from polycardia.solver.recording import Crossings
from polycardia.solver.stepping import stepping
from polycardia.solver.stimulus import Stimulus

DT = 0.5  # [ms]
REST, RECOVERED = -85.0, -70.0  # [mV]


def ending(stop, stimuli=()):
    settings = Simulation(
        stimulation=Stimulation(),
        numerics=Numerics(dt=DT, dt_quiet=DT, stop=stop, duration=100.0, report_interval=10.0),
        sampling_interval=1.0,
    )
    return Ending(settings, stepping(settings.numerics), stimuli)


def nodes(*steps):
    """Crossings of nodes that have been through these voltages, and where they are."""
    crossings = Crossings(np.array(steps[0]), activation=0.0, repolarisation=RECOVERED)
    for k, (before, after) in enumerate(pairwise(steps)):
        crossings.observe(k * DT, DT, np.array(before), np.array(after))
    return crossings, np.array(steps[-1])


RESTING = nodes([REST, REST])
HALF = nodes([REST, REST], [30.0, REST])
ALL = nodes([REST, REST], [30.0, REST], [20.0, 30.0])
OVER = nodes([REST, REST], [30.0, 30.0], [-80.0, -80.0])
ONE_OVER = nodes([REST, REST], [30.0, 30.0], [-80.0, -20.0])
NEVER_UP = nodes([REST, REST], [30.0, REST], [-80.0, REST])


BELOW = nodes([REST, REST], [30.0, -20.0], [-80.0, -20.0])


def test_the_last_stimulus_may_settle_between_two_steps():
    """350 ms are no whole number of steps of 0.03 ms."""
    settings = Simulation(
        stimulation=Stimulation(
            trains=(BEAT.model_copy(update={"count": 2, "cycle_length": 300.0}),),
            delays={"apex": 0.0},
            mapped_beat="first",
        ),
        numerics=Numerics(dt=0.03, dt_quiet=0.3, duration=600.0, report_interval=30.0),
        sampling_interval=3.0,
    )
    steps = stepping(settings.numerics)
    asked = settings.model_copy(
        update={"numerics": settings.numerics.model_copy(update={"stop": "when_activated"})}
    )
    found = Ending(asked, steps, ())
    settled = 350.0 / 0.03  # 300 ms, and CAPTURE_WINDOW behind it
    assert found.pending(math.floor(settled), *ALL)
    assert not found.pending(math.ceil(settled), *ALL)


@pytest.mark.parametrize(
    ("stop", "tissue", "expected"),
    [
        ("at_duration", OVER, False),
        ("when_activated", RESTING, False),
        ("when_activated", HALF, False),
        ("when_activated", ALL, True),
        ("when_activated", OVER, True),
        ("when_repolarised", ALL, False),
        ("when_repolarised", ONE_OVER, False),
        ("when_repolarised", OVER, True),
        ("when_repolarised", BELOW, False),  # lifted by its neighbours, and still up
        # What never activated has nothing to recover from.
        ("when_repolarised", NEVER_UP, True),
    ],
)
def test_the_condition_is_the_studys(stop, tissue, expected):
    assert ending(stop).pending(1000, *tissue) != expected


@pytest.mark.parametrize("stop", ["when_activated", "when_repolarised"])
def test_it_waits_for_the_end_of_the_last_stimulus(stop):
    ends = ending(stop, [Stimulus(np.array([0]), 0, 4, 10.0), Stimulus(np.array([1]), 20, 4, 10.0)])
    assert ends.pending(23, *OVER)
    assert not ends.pending(24, *OVER)
