"""Activation by the steepest upstroke, against voltages whose steepest moment is known."""

from itertools import pairwise

import numpy as np
import pytest

from polycardia.solver.recording import Crossings, Window
from polycardia.solver.upstroke import SteepestUpstroke

MOMENTS = np.array([4.0, 4.013, 4.0377, 5.02, 7.3])


def sigmoid(time, steepest, width=0.5):
    """From -85 to 35 mV, so steepest at -25 mV, ``log(25 / 60) / width`` before 0 mV."""
    return -85.0 + 120.0 / (1.0 + np.exp(-(time - steepest) / width))


def observed(voltage_at, times, window=Window()):  # noqa: B008
    start = voltage_at(times[0])
    recorder = SteepestUpstroke(
        Crossings(start, activation=0.0, repolarisation=-70.0, window=window)
    )
    for first, last in pairwise(times):
        recorder.observe(first, last - first, voltage_at(first), voltage_at(last))
    return recorder


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.02])
def test_steepest_moment_is_finer_than_a_step(dt):
    recorder = observed(lambda t: sigmoid(t, MOMENTS), np.arange(0.0, 12.0, dt))
    # The parabola's error is of third order; a step's middle would be off by up to dt / 2.
    np.testing.assert_allclose(recorder.activation, MOMENTS, atol=0.25 * dt**2)
    assert (recorder.crossings.activation > MOMENTS + 0.15).all()


def test_uneven_steps():
    times = np.cumsum(np.r_[0.0, np.random.default_rng(3).choice([0.02, 0.04, 0.08], 300)])
    recorder = observed(lambda t: sigmoid(t, MOMENTS), times)
    np.testing.assert_allclose(recorder.activation, MOMENTS, atol=0.01)


def test_a_cubic_upstroke_is_exact_to_rounding():
    """Its slope is the parabola itself, and so are the means of it over equal steps."""

    def voltage_at(t):
        x = np.clip(t - 5.0123, -2.0, 2.0)
        return np.array([10.0 * (12.0 * x - x**3)])

    recorder = observed(voltage_at, np.arange(0.0, 10.0, 0.25))
    assert recorder.activation[0] == pytest.approx(5.0123, abs=1e-9)


def test_only_nodes_that_cross_the_threshold_have_one():
    def below(t):
        return np.array([-85.0 + 60.0 / (1.0 + np.exp(-(t - 5.0) / 0.2)), -85.0])

    assert np.isnan(observed(below, np.arange(0.0, 10.0, 0.05)).activation).all()


def test_a_rise_too_slow_to_be_followed_counts_by_its_crossing():
    recorder = observed(lambda t: np.array([-80.0 + 0.05 * t]), np.arange(0.0, 2000.0, 5.0))
    assert recorder.activation[0] == pytest.approx(1600.0)


def test_a_steeper_upstroke_after_the_first_does_not_count():
    def two(t):
        fallen = -120.0 / (1.0 + np.exp(-(t - 30.0)))
        return np.array([sigmoid(t, 5.0) + fallen + sigmoid(t, 60.0, width=0.1) + 85.0])

    times = np.arange(0.0, 80.0, 0.02)
    assert observed(two, times).activation[0] == pytest.approx(5.0, abs=0.001)
    second = observed(two, times, Window(start=45.0))
    assert second.activation[0] == pytest.approx(60.0, abs=0.001)
    assert second.crossings.count[0] == 2


def test_a_steeper_part_after_a_notch_is_no_upstroke():
    def notched(t):
        return np.array([sigmoid(t, 5.0) - 20.0 * (t > 7.0) + 60.0 / (1 + np.exp(-(t - 12) / 0.1))])

    recorder = observed(notched, np.arange(0.0, 20.0, 0.05))
    assert recorder.activation[0] == pytest.approx(5.0, abs=0.001)


def failed_first(t):
    """A stimulus lifts the nodes by 60 mV in 2 ms, much faster than the wave that comes later."""
    lifted = 30.0 * np.clip(t - 1.0, 0.0, 2.0) * np.exp(-np.maximum(t - 3.0, 0.0) / 5.0)
    return sigmoid(t, MOMENTS + 60.0, width=2.0) + lifted


@pytest.mark.parametrize("dt", [0.1, 0.02])
def test_a_stimulus_that_failed_is_no_upstroke(dt):
    recorder = observed(failed_first, np.arange(0.0, 100.0, dt))
    np.testing.assert_allclose(recorder.activation, MOMENTS + 60.0, atol=0.01)
    assert (recorder.crossings.activation > MOMENTS + 61.0).all()


@pytest.mark.parametrize("steps", [20, 30, 31])
def test_a_stimulus_that_failed_is_forgotten_after_a_restart(steps):
    times = np.arange(0.0, 100.0, 0.1)
    whole, first = observed(failed_first, times), observed(failed_first, times[: steps + 1])
    start = failed_first(times[steps])
    second = SteepestUpstroke(Crossings(start, activation=0.0, repolarisation=-70.0))
    second.restore(first.arrays())
    for time, end in pairwise(times[steps:]):
        second.observe(time, end - time, failed_first(time), failed_first(end))
    np.testing.assert_array_equal(second.activation, whole.activation)
