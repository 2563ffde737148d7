"""Against cells whose beats are known in closed form, and the maps of Mitchell-Schaeffer."""

import math

import numpy as np
import pytest

from polycardia.errors import BadStudy
from polycardia.ionic.carrier import POTASSIUM, find_carrier
from polycardia.ionic.kernel import Kernel, build
from polycardia.ionic.limit_cycle import settle
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import Stimulus
from polycardia.ionic.tracing import Sampling, trace

DT = 0.1
TAU = 20.0  # [ms], of the toy's voltage
H_MIN = 0.2  # of Mitchell-Schaeffer, 4 tau_in / tau_out
TAU_CLOSE, TAU_OPEN = 150.0, 60.0  # [ms]; with the text's 120 alternans is a narrow window


class Toy(Kernel):
    """A leaky voltage and one state that approaches a level, with the exact solution of both.

    ``level`` and ``time_constant`` [ms] of the state; ``drift`` [1/ms] never ends.
    """

    def __init__(self, time_constant, drift=0.0, level=8.0, start=4.0):
        super().__init__("toy", "0", ("slow.c",), (), 0.0, (start,), None, None)
        object.__setattr__(self, "law", (time_constant, drift, level))

    def advance(self, voltage, states, dt, n_steps=1, parameters=None):
        time_constant, drift, level = self.law
        passed = dt * n_steps
        voltage *= math.exp(-passed / TAU)
        states[0] = level + (states[0] - level) * math.exp(-passed / time_constant)
        states[0] += drift * passed


def test_slow_state_ends_at_its_level():
    """In the tolerance's distance: what is left is the last change times the beats it lasts."""
    time_constant, cycle = 30_000.0, 300.0  # 100 beats
    plain = 100.0 * math.log(4.0 / (8.0 * 1e-5 * 100.0))  # beats until a change is the tolerance
    found = settle(Toy(time_constant), cycle_length=cycle, dt=DT, tolerance=1e-5)
    assert found.outcome == "limit_cycle"
    assert found.states[0] == pytest.approx(8.0, abs=2.0 * 8.0 * 1e-5 * 100.0)
    assert found.beats < 0.25 * plain
    assert abs(found.drifts["slow.c"]) <= 8.0 * 1e-5
    assert found.changes["slow.c"] == pytest.approx(abs(found.drifts["slow.c"]) / 8.0, rel=1e-2)


def test_voltage_is_that_of_the_closed_form():
    """Each beat adds its charge and keeps exp(-T / TAU): a geometric series."""
    cycle = 40.0
    found = settle(Toy(10.0), cycle_length=cycle, dt=DT, tolerance=1e-8)
    kept = math.exp(-DT / TAU)
    after_pulse = 5.2 * sum(kept**n for n in range(10))
    expected = after_pulse * math.exp(-39.0 / TAU) / (1.0 - math.exp(-40.0 / TAU))
    assert found.voltage == pytest.approx(expected, rel=1e-6)


class Overshooting(Kernel):
    """A state that rises beyond its level and turns back, led by a concentration.

    From 1 mM above its end the concentration lifts the state's level by ``lift``; what it changes
    by itself is nothing beside its own value.
    """

    LEVEL, START, END = 8.0, 4.0, 1000.0
    FAST, SLOW = 900.0, 1800.0  # [ms], of the state and of the concentration

    def __init__(self, lift):
        start = (self.START, self.END + 1.0)
        super().__init__("overshooting", "0", ("fast.c", "slow.k"), (), 0.0, start, None, None)
        object.__setattr__(self, "lift", lift)

    def advance(self, voltage, states, dt, n_steps=1, parameters=None):
        passed = dt * n_steps
        voltage *= math.exp(-passed / TAU)
        kept, left = math.exp(-passed / self.FAST), math.exp(-passed / self.SLOW)
        led = self.lift * (states[1] - self.END) / (1.0 - self.FAST / self.SLOW)
        states[0] = self.LEVEL + (states[0] - self.LEVEL - led) * kept + led * left
        states[1] = self.END + (states[1] - self.END) * left


@pytest.mark.parametrize(("turn", "tolerance", "calm"), [(6.5, 1e-3, 1), (7.0, 6e-3, 2)])
def test_beats_that_change_nothing_may_be_where_a_change_turns_its_sign(turn, tolerance, calm):
    """The turn is at 6 ln(4 / lift + 2) beats: in the middle of one, or between two."""
    cycle = 300.0
    cell = Overshooting(lift=4.0 / (math.exp(turn / 6.0) - 2.0))
    voltage, states = cell.resting(1)
    after = [states[0, 0]]
    for _ in range(9):
        cell.advance(voltage, states, cycle)
        after.append(states[0, 0])
    small = np.abs(np.diff(after)) < tolerance * max(after)
    assert small.sum() == calm, "or this tests nothing"
    assert max(after) > 9.0
    found = settle(cell, cycle_length=cycle, dt=DT, tolerance=tolerance, fewest_beats=0)
    assert found.outcome == "limit_cycle"
    assert found.states[0] == pytest.approx(8.0, abs=0.5)


def test_fewest_beats_are_paced_and_no_more_than_needed():
    settled = Toy(5.0, start=8.0)
    assert settle(settled, cycle_length=400.0, dt=DT, fewest_beats=33).beats == 33
    assert settle(settled, cycle_length=400.0, dt=DT, fewest_beats=0).beats < 8


def test_drift_without_end_is_not_settled_and_not_leapt_along():
    cell = Toy(1e9, drift=1e-3)
    found = settle(cell, cycle_length=300.0, dt=DT, tolerance=1e-5, most_beats=60)
    assert (found.outcome, found.beats) == ("unsettled", 60)
    assert found.states[0] == pytest.approx(4.0 + 60 * 0.3, rel=1e-3)
    assert found.drifts["slow.c"] == pytest.approx(0.3, rel=1e-3)


def test_drift_below_the_tolerance_is_settled_and_reported():
    found = settle(Toy(1e12, drift=1e-8), cycle_length=300.0, dt=DT, tolerance=1e-5)
    assert found.outcome == "limit_cycle"
    assert found.drifts["slow.c"] == pytest.approx(3e-6, rel=1e-3)


def test_most_beats_cannot_be_below_the_fewest():
    with pytest.raises(BadStudy, match="most_beats 10, expected at least fewest_beats 20"):
        settle(Toy(5.0), cycle_length=300.0, dt=DT, most_beats=10)


def test_samples_are_fine_in_the_upstroke_and_reach_the_end():
    voltage, states = np.zeros(3), np.full((1, 3), 4.0)
    found = trace(
        Toy(10.0), voltage, states,
        duration=50.05, dt=0.05, sampling=Sampling(fine=0.1, coarse=0.7, upstroke=5.0),
    )  # fmt: skip
    gaps = np.diff(found.times)
    assert found.times[-1] == pytest.approx(50.05)
    assert gaps[found.times[1:] <= 6.0 + 1e-9] == pytest.approx(0.1)
    assert gaps.max() == pytest.approx(0.7)
    assert found.voltages.shape == (len(found.times), 3)
    np.testing.assert_array_equal(found.voltages[-1], voltage)
    np.testing.assert_array_equal(found.magnitudes[0], np.abs(found.voltages).max(axis=0))
    with pytest.raises(BadStudy, match=r"stimulus of 1\.0 ms in a cycle of 0\.5 ms"):
        trace(Toy(1.0), voltage, states, duration=0.5, dt=0.05, sampling=Sampling())


def map_of_the_paper(interval):
    """Duration after a diastolic interval [ms]: Mitchell & Schaeffer 2003, section 3."""
    h = 1.0 - (1.0 - H_MIN) * math.exp(-interval / TAU_OPEN)
    return TAU_CLOSE * math.log(h / H_MIN)


@pytest.fixture(scope="module")
def fast(kernels):
    """Mitchell-Schaeffer near the limit of its map: fast times a hundredth of the paper's."""
    changed = {"tau_in": 0.003, "tau_out": 0.06, "tau_open": TAU_OPEN, "tau_close": TAU_CLOSE}
    return build(load_model("mitchell_schaeffer"), cache=kernels, overrides=changed)


PULSE = Stimulus(amplitude=400.0, duration=0.1)


def test_alternans_is_told_and_starts_before_the_longer_beat(fast):
    cycle = 246.0
    found = settle(fast, cycle_length=cycle, dt=0.001, stimulus=PULSE, most_beats=200)
    assert found.outcome == "alternans"
    longer, shorter = found.apd
    assert longer > shorter + 100.0
    assert longer == pytest.approx(map_of_the_paper(cycle - shorter), abs=3.0)
    assert shorter == pytest.approx(map_of_the_paper(cycle - longer), abs=3.0)
    voltage, states = np.array([found.voltage]), found.states[:, None].copy()
    following = trace(
        fast, voltage, states,
        duration=cycle, dt=0.001, sampling=Sampling(), stimulus=PULSE,
    )  # fmt: skip
    late = following.voltages[np.searchsorted(following.times, 0.5 * (longer + shorter)), 0]
    assert late > 0.0, "the longer action potential is still on"
    for beats in (20, 21):  # whichever of the two is the last
        again = settle(
            fast, cycle_length=cycle, dt=0.001, stimulus=PULSE, fewest_beats=beats,
            start=(found.voltage, found.states),
        )  # fmt: skip
        assert again.outcome == "alternans"
        np.testing.assert_allclose(again.states, found.states, atol=1e-3)
        assert again.apd == pytest.approx(found.apd, abs=0.5)


def test_cell_that_does_not_alternate_is_at_the_maps_fixed_point(fast):
    cycle = 350.0
    found = settle(fast, cycle_length=cycle, dt=0.001, stimulus=PULSE, tolerance=1e-5)
    assert found.outcome == "limit_cycle"
    (apd,) = found.apd
    assert apd == pytest.approx(map_of_the_paper(cycle - apd), abs=3.0)


def test_jitter_of_the_time_step_is_not_alternans(kernels):
    """At 300 ms the gate's switch falls into one of two steps by turns, 0.02 ms of APD apart."""
    kernel = build(load_model("mitchell_schaeffer"), cache=kernels)
    found = settle(kernel, cycle_length=300.0, tolerance=1e-5)
    assert found.outcome == "limit_cycle"
    assert 1e-5 < found.changes["gate.h"] < 5e-4, "or this tests nothing"


def test_ten_tusschers_cell_settles_while_its_stimulus_brings_potassium(kernels):
    """And loses the stimulus's charge in potassium with every beat that does not."""
    model = load_model("tp06_epi")
    kernel = build(model, cache=kernels)
    carrier = find_carrier(model, POTASSIUM)
    stimulus = Stimulus(carrier=carrier)
    found = settle(kernel, cycle_length=600.0, stimulus=stimulus, tolerance=1e-5)
    assert found.outcome == "limit_cycle"
    # Beat by beat, without a leap: 1014 beats, 284.70 ms and 11.877 mM
    assert found.beats < 250
    assert found.apd[0] == pytest.approx(284.70, abs=0.2)
    sodium = found.states[kernel.state_names.index("sodium.na_i")]
    assert sodium == pytest.approx(11.877, abs=0.02)
    without = settle(
        kernel,
        cycle_length=600.0,
        tolerance=1e-5,
        most_beats=20,
        start=(found.voltage, found.states),
    )
    assert without.outcome == "unsettled"
    assert without.drifts["potassium.k_i"] == pytest.approx(-52.0 * carrier.gain, rel=0.15)
