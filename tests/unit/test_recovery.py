"""APD90 of voltages whose rest, peak and flanks are known."""

from itertools import pairwise

import numpy as np
import pytest

from polycardia.solver.recording import Window
from polycardia.solver.recovery import Recovery

RESTS, PEAKS = np.array([-90.0, -80.0, -85.0]), np.array([20.0, 35.0, 48.0])
STARTS = np.array([12.0, 15.25, 31.0])
LASTS, SLOPE = 200.0, 1.5  # of the plateau [ms] and of the fall [mV/ms]


def trapezoid(time):
    """Rises within 1 ms, stays, and falls with a constant slope to the rest."""
    rise = RESTS + (PEAKS - RESTS) * np.clip(time - STARTS, 0.0, 1.0)
    fall = np.maximum(PEAKS - SLOPE * np.maximum(time - STARTS - LASTS, 0.0), RESTS)
    return np.minimum(rise, fall)


# 90 % of the amplitude after the plateau's end.
ENDS = STARTS + LASTS + 0.9 * (PEAKS - RESTS) / SLOPE


def observed(voltage_at, times, **settings):
    recovery = Recovery(voltage_at(times[0]), threshold=0.0, **settings)
    for first, last in pairwise(times):
        recovery.observe(first, last - first, voltage_at(first), voltage_at(last))
    return recovery


@pytest.mark.parametrize("dt", [0.025, 0.2, 0.7])
def test_end_of_a_trapezoid_is_exact(dt):
    recovery = observed(trapezoid, np.arange(0.0, 400.0, dt))
    np.testing.assert_allclose(recovery.time, ENDS, rtol=1e-9)


def test_uneven_steps():
    times = np.cumsum(np.r_[0.0, np.random.default_rng(5).choice([0.025, 0.2, 1.0], 1500)])
    np.testing.assert_allclose(observed(trapezoid, times).time, ENDS, rtol=1e-9)


def test_the_peak_may_come_after_a_notch():
    """The dome is higher than the spike: the level is that of the dome."""

    def spike_and_dome(t):
        notch = 30.0 * np.exp(-(((t - STARTS - 20.0) / 5.0) ** 2))
        return trapezoid(t) - notch + 15.0 * np.exp(-(((t - STARTS - 90.0) / 20.0) ** 2))

    dome = PEAKS + 15.0
    level = dome - 0.9 * (dome - RESTS)
    expected = STARTS + LASTS + (PEAKS - level) / SLOPE
    found = observed(spike_and_dome, np.arange(0.0, 400.0, 0.05)).time
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_what_is_not_reached_is_nan():
    assert np.isnan(observed(trapezoid, np.arange(0.0, 250.0, 0.5)).time).all()
    assert np.isnan(
        observed(lambda t: 0.7 * trapezoid(t) - 40.0, np.arange(0, 400, 0.5)).time
    ).all()


def test_rest_is_that_before_the_upstroke_not_an_oscillation_ahead_of_it():
    def undershoot(t):
        return trapezoid(t) - 8.0 * np.exp(-(((t - STARTS + 1.5) / 0.7) ** 2))

    found = observed(undershoot, np.arange(0.0, 400.0, 0.05)).time
    np.testing.assert_allclose(found, ENDS, atol=1e-3)


def test_rest_of_a_later_beat_is_its_own():
    """Five millivolts higher before the second action potential than before the first."""

    def two(t):
        return trapezoid(t) if t < 390.0 else trapezoid(t - 390.0) + 5.0

    times = np.arange(0.0, 800.0, 0.25)
    np.testing.assert_allclose(observed(two, times).time, ENDS, rtol=1e-9)
    second = observed(two, times, window=Window(start=390.0)).time
    np.testing.assert_allclose(second, ENDS + 390.0, rtol=1e-9)


def test_a_node_within_an_earlier_action_potential_waits_for_the_next():
    def two(t):
        return trapezoid(t) if t < 390.0 else trapezoid(t - 390.0)

    found = observed(two, np.arange(0.0, 800.0, 0.25), window=Window(start=100.0, end=790.0)).time
    np.testing.assert_allclose(found, ENDS + 390.0, rtol=1e-9)


def test_what_began_in_the_window_may_end_behind_it():
    found = observed(trapezoid, np.arange(0.0, 400.0, 0.5), window=Window(end=ENDS[0] + 1.0)).time
    np.testing.assert_allclose(found, ENDS, rtol=1e-9)


def test_an_end_behind_the_next_activation_belongs_to_that():
    """The last node is activated again before it has come back; the others have by then."""
    again = ENDS[0] - 5.0

    def two(t):
        return np.maximum(trapezoid(t), trapezoid(t - again))

    found = observed(two, np.arange(0.0, 800.0, 0.25), window=Window(end=again)).time
    np.testing.assert_allclose(found, [*ENDS[:2], np.nan], rtol=1e-9)


@pytest.mark.parametrize("dt", [0.025, 0.03, 0.1])
def test_rest_is_as_long_ago_as_it_says_however_steps_round(dt):
    """The rest drifts, so that the level of the end shows when it was taken.

    Steps of 0.03 ms end a rounding error before some of the moments that rests are taken at.
    """
    starts, drift, peak = np.arange(25.0, 500.0, 10.0), 0.05, 30.0

    def voltage_at(t):
        rest = -90.0 + drift * np.minimum(t, starts)
        rise = rest + (peak - rest) * np.clip(t - starts, 0.0, 1.0)
        return np.minimum(rise, peak - SLOPE * np.maximum(t - starts - 50.0, 0.0))

    recovery = Recovery(voltage_at(0.0), threshold=0.0)
    for step in range(round(650.0 / dt)):
        time = step * dt
        recovery.observe(time, dt, voltage_at(time), voltage_at(time + dt))
    rest = peak - SLOPE * (recovery.time - starts - 50.0) / 0.9
    age = starts - (rest + 90.0) / drift
    assert age.min() > 9.0
    assert age.max() < 21.0
