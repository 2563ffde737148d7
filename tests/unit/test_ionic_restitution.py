"""Restitution of Mitchell-Schaeffer against the closed form of its paper."""

import math

import numpy as np
import pytest

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import build
from polycardia.ionic.limit_cycle import settle
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import Stimulus
from polycardia.ionic.restitution import Restitution, dynamic, s1_s2

H_MIN = 0.2  # 4 tau_in / tau_out, kept while both go to zero
TAU_CLOSE, TAU_OPEN = 150.0, 120.0  # [ms], the text's
CYCLE = 600.0
INTERVALS = (20.0, 40.0, 80.0, 160.0, 320.0, 600.0)


def of_the_paper(intervals):
    """Mitchell & Schaeffer 2003, section 3: duration after a diastolic interval [ms]."""
    h = 1.0 - (1.0 - H_MIN) * np.exp(-np.asarray(intervals) / TAU_OPEN)
    return TAU_CLOSE * np.log(h / H_MIN)


@pytest.fixture(scope="module")
def fast(kernels):
    """Mitchell-Schaeffer with its fast times scaled, by the scale."""
    text = load_model("mitchell_schaeffer")
    return {
        scale: build(text, cache=kernels, overrides={"tau_in": 0.3 * scale, "tau_out": 6.0 * scale})
        for scale in (0.1, 0.01)
    }


def curve(kernel, scale, intervals=INTERVALS):
    """With a pulse that is as fast as the cell."""
    dt, pulse = 0.1 * scale, Stimulus(amplitude=40.0 / scale, duration=scale)
    limit = settle(kernel, cycle_length=CYCLE, dt=dt, stimulus=pulse)
    return s1_s2(
        kernel, limit.voltage, limit.states,
        cycle_length=CYCLE, intervals=intervals, dt=dt, stimulus=pulse,
    )  # fmt: skip


def test_the_papers_curve_is_the_limit_of_fast_upstrokes(fast):
    errors = {}
    for scale, kernel in fast.items():
        found = curve(kernel, scale)
        np.testing.assert_allclose(found.intervals, INTERVALS, atol=0.1 * scale)
        errors[scale] = np.abs(found.durations - of_the_paper(found.intervals))
    assert errors[0.01].max() < 2.5
    assert (errors[0.01] < 0.5 * errors[0.1]).all()


def test_slope_is_the_papers(fast):
    """At 20 to 40 ms; the derivative is tau_close / tau_open (1 - h) / h."""
    found = curve(fast[0.01], 0.01, (20.0, 40.0))
    (low, high) = of_the_paper((20.0, 40.0))
    assert found.steepest() == pytest.approx((high - low) / 20.0, abs=0.05)


def test_cells_of_one_call_are_those_of_many(fast):
    together = curve(fast[0.01], 0.01).durations
    alone = [curve(fast[0.01], 0.01, (each,)).durations[0] for each in INTERVALS[1:3]]
    np.testing.assert_allclose(together[1:3], alone, rtol=1e-12)


def test_dynamic_curve_is_the_same_in_a_cell_without_memory(fast):
    pulse = Stimulus(amplitude=4000.0, duration=0.01)
    lengths = (500.0, 400.0, 300.0)
    found = dynamic(
        fast[0.01], cycle_lengths=lengths, tolerance=1e-4, most_beats=60, dt=0.001,
        stimulus=pulse,
    )  # fmt: skip
    assert list(found.cycle_lengths) == sorted(lengths)
    np.testing.assert_allclose(found.durations, of_the_paper(found.intervals), atol=2.5)
    np.testing.assert_allclose(found.intervals + found.durations, found.cycle_lengths, atol=0.5)


def test_dynamic_curve_has_both_beats_of_alternans(kernels):
    """And stops at 2:1 block, where there is no second action potential."""
    changed = {"tau_in": 0.003, "tau_out": 0.06, "tau_open": 60.0}
    kernel = build(load_model("mitchell_schaeffer"), cache=kernels, overrides=changed)
    found = dynamic(
        kernel, cycle_lengths=(350.0, 246.0, 150.0), tolerance=1e-5, most_beats=100, dt=0.001,
        stimulus=Stimulus(amplitude=400.0, duration=0.1),
    )  # fmt: skip
    assert sorted(found.cycle_lengths) == [246.0, 246.0, 350.0]
    alternating = found.durations[found.cycle_lengths == 246.0]
    assert alternating.max() - alternating.min() > 100.0


def test_no_capture_is_no_number(fast):
    """Far below threshold for the premature beat, far above for the first."""
    kernel = fast[0.1]
    limit = settle(kernel, cycle_length=CYCLE, dt=0.01)
    found = s1_s2(
        kernel, limit.voltage, limit.states, cycle_length=CYCLE, intervals=(1.0, 100.0), dt=0.01
    )
    assert np.isnan(found.durations[0])
    assert found.durations[1] > 100.0


def test_steepest_slope_of_a_drawn_curve():
    points = Restitution(
        np.array([10.0, 20.0, 20.0, 40.0]), np.array([math.nan, 50.0, 52.0, 80.0]), np.zeros(4)
    )
    assert points.steepest() == pytest.approx(28.0 / 20.0)
    assert math.isnan(Restitution(np.array([1.0]), np.array([2.0]), np.zeros(1)).steepest())


@pytest.mark.parametrize("intervals", [(), (0.0,), (50.0, -1.0), (math.nan,), (math.inf,)])
def test_intervals_that_cannot_be(fast, intervals):
    with pytest.raises(BadStudy, match="expected diastolic intervals above 0 ms"):
        s1_s2(fast[0.1], -80.0, np.ones(1), cycle_length=CYCLE, intervals=intervals)


def test_first_beat_that_does_not_end(fast):
    with pytest.raises(BadStudy, match="does not end within 150 ms"):
        s1_s2(fast[0.1], -80.0, np.ones(1), cycle_length=150.0)
