from itertools import pairwise

import numpy as np
import pytest

from polycardia.solver.recording import Crossings, Electrogram, Window

REST, PEAK = -80.0, 40.0


def trapezoid(time, upstroke, recovery, slope):
    """Voltage [mV] that rises at a constant rate, stays, and falls at the same rate."""
    rise = np.clip(REST + slope * (time - upstroke), REST, PEAK)
    fall = np.clip(PEAK - slope * (time - recovery), REST, PEAK)
    return np.minimum(rise, fall)


def twice(t):
    """Two action potentials, which cross 0 mV upwards at 9 and 109 ms."""
    return np.array([max(trapezoid(t, 1.0, 30.0, 10.0), trapezoid(t, 101.0, 130.0, 10.0))])


def observed(voltage_at, dt, n_steps, **settings):
    crossings = Crossings(voltage_at(0.0), activation=0.0, repolarisation=-70.0, **settings)
    for step in range(n_steps):
        crossings.observe(step * dt, dt, voltage_at(step * dt), voltage_at((step + 1) * dt))
    return crossings


def test_crossings_of_straight_flanks_are_exact():
    upstroke = np.array([1.0, 2.5, 3.3])
    # 5 mV/ms: corners fall inside steps, crossings on straight parts of at least one step
    crossings = observed(lambda t: trapezoid(t, upstroke, upstroke + 50.0, 5.0), 0.1, 1200)
    np.testing.assert_allclose(crossings.activation, upstroke + 80.0 / 5.0, rtol=1e-9)
    np.testing.assert_allclose(crossings.repolarisation, upstroke + 50.0 + 110.0 / 5.0, rtol=1e-9)
    np.testing.assert_array_equal(crossings.count, 1)


def test_first_activation_and_last_repolarisation_count():
    crossings = observed(twice, 0.5, 400)
    assert crossings.activation[0] == pytest.approx(9.0)
    assert crossings.repolarisation[0] == pytest.approx(141.0)
    assert crossings.count[0] == 2


@pytest.mark.parametrize(
    ("window", "activation", "repolarisation"),
    [
        (Window(start=50.0), 109.0, 141.0),
        (Window(end=100.0), 9.0, 41.0),
        # What began in the window may end behind it, and then the next one begins.
        (Window(end=35.0), 9.0, 41.0),
        # The second beat's upstroke is over, so that its repolarisation belongs to nothing.
        (Window(start=115.0), np.nan, np.nan),
        (Window(start=20.0, end=100.0), np.nan, np.nan),
        # Of steps of 0.7 ms, the one from 108.5 ms crosses.
        (Window(start=108.5), 109.0, 141.0),
        (Window(start=108.9), np.nan, np.nan),
    ],
)
def test_only_the_window_is_recorded_and_every_activation_counted(
    window, activation, repolarisation
):
    crossings = observed(twice, 0.7, 280, window=window)
    np.testing.assert_allclose(crossings.activation, [activation])
    np.testing.assert_allclose(crossings.repolarisation, [repolarisation])
    assert crossings.count[0] == 2


def test_a_repolarisation_behind_the_next_activation_belongs_to_that():
    """The second beat comes 1 ms after the first has fallen below the activation's threshold."""

    def early(t):
        return np.array([max(trapezoid(t, 1.0, 30.0, 10.0), trapezoid(t, 27.0, 60.0, 10.0))])

    crossings = observed(early, 0.7, 280, window=Window(end=25.0))
    assert crossings.count[0] == 2
    assert crossings.activation[0] == pytest.approx(9.0)
    assert np.isnan(crossings.repolarisation[0])


def test_what_is_not_reached_is_nan():
    crossings = observed(lambda t: np.array([REST, REST + t, -40.0 - t]), 1.0, 100)
    assert np.isnan(crossings.activation[0])
    assert crossings.activation[1] == pytest.approx(80.0)
    # A node that falls without having been activated has not repolarised.
    assert np.isnan(crossings.repolarisation).all()


def test_crossings_of_uneven_steps():
    crossings = Crossings(twice(0.0), activation=0.0, repolarisation=-70.0)
    times = np.cumsum(np.r_[0.0, np.random.default_rng(1).uniform(0.1, 0.9, 400)])
    for start, end in pairwise(times):
        crossings.observe(start, end - start, twice(start), twice(end))
    assert crossings.activation[0] == pytest.approx(9.0)
    assert crossings.repolarisation[0] == pytest.approx(141.0)


def test_a_sample_is_the_dot_product():
    leads = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, 2.0]])
    electrogram = Electrogram(leads, 2)
    electrogram.sample(1, 1.0, np.array([3.0, 1.0, 10.0]))
    np.testing.assert_array_equal(electrogram.potentials, [[0.0, 2.0], [0.0, 22.0]])


def test_arrays_of_another_shape_are_refused():
    crossings = Crossings(np.zeros(3), activation=0.0, repolarisation=-70.0)
    with pytest.raises(ValueError, match=r"activation: found \(2,\), expected \(3,\)"):
        crossings.restore(Crossings(np.zeros(2), activation=0.0, repolarisation=0.0).arrays())
    with pytest.raises(ValueError, match="potentials: found none"):
        Electrogram(np.zeros((2, 3)), 4).restore({})
