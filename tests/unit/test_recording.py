import numpy as np
import pytest

from polycardia.solver.recording import Crossings, Electrogram

REST, PEAK = -80.0, 40.0


def trapezoid(time, upstroke, recovery, slope):
    """Voltage [mV] that rises at a constant rate, stays, and falls at the same rate."""
    rise = np.clip(REST + slope * (time - upstroke), REST, PEAK)
    fall = np.clip(PEAK - slope * (time - recovery), REST, PEAK)
    return np.minimum(rise, fall)


def observed(voltage_at, dt, n_steps):
    crossings = Crossings(voltage_at(0.0), activation=0.0, repolarisation=-70.0)
    for step in range(n_steps):
        crossings.observe(step * dt, dt, voltage_at((step + 1) * dt))
    return crossings


def test_crossings_of_straight_flanks_are_exact():
    upstroke = np.array([1.0, 2.5, 3.3])
    # 5 mV/ms: corners fall inside steps, crossings on straight parts of at least one step
    crossings = observed(lambda t: trapezoid(t, upstroke, upstroke + 50.0, 5.0), 0.1, 1200)
    np.testing.assert_allclose(crossings.activation, upstroke + 80.0 / 5.0, rtol=1e-9)
    np.testing.assert_allclose(crossings.repolarisation, upstroke + 50.0 + 110.0 / 5.0, rtol=1e-9)


def test_first_activation_and_last_repolarisation_count():
    def twice(t):
        return np.array([max(trapezoid(t, 1.0, 30.0, 10.0), trapezoid(t, 101.0, 130.0, 10.0))])

    crossings = observed(twice, 0.5, 400)
    assert crossings.activation[0] == pytest.approx(9.0)
    assert crossings.repolarisation[0] == pytest.approx(141.0)


def test_what_is_not_reached_is_nan():
    crossings = observed(lambda t: np.array([REST, REST + t, -40.0 - t]), 1.0, 100)
    assert np.isnan(crossings.activation[0])
    assert crossings.activation[1] == pytest.approx(80.0)
    # A node that falls without having been activated has not repolarised.
    assert np.isnan(crossings.repolarisation).all()


def test_a_sample_is_the_dot_product():
    leads = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, 2.0]])
    electrogram = Electrogram(leads, 2)
    electrogram.sample(1, np.array([3.0, 1.0, 10.0]))
    np.testing.assert_array_equal(electrogram.potentials, [[0.0, 2.0], [0.0, 22.0]])
