import math

import numpy as np
import pytest

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import ActionPotential, Stimulus, action_potential, paced_state


@pytest.fixture
def kernel(kernels):
    return build(load_model("mitchell_schaeffer"), cache=kernels)


def test_no_beats_are_the_texts_values(kernel):
    voltage, states = paced_state(kernel, cycle_length=500.0, beats=0)
    assert voltage == kernel.initial_voltage
    np.testing.assert_array_equal(states, kernel.initial_states)


def test_pacing_reaches_the_maps_fixed_point(kernel):
    """Recovery at rest and decay in the action potential must balance beat by beat."""
    at, before = (paced_state(kernel, cycle_length=500.0, beats=n)[1][0] for n in (30, 29))
    assert at == pytest.approx(before, rel=1e-9)
    assert 0.5 < at < 0.999


def test_beat_is_as_long_as_its_trace(kernel):
    """At 280 ms the voltage is still falling."""
    start = np.array(kernel.initial_states)
    trace = action_potential(kernel, kernel.initial_voltage, start, duration=280.0)
    voltage, _ = paced_state(kernel, cycle_length=280.0, beats=1)
    assert trace.voltages[0] == kernel.initial_voltage
    assert trace.voltages[-1] == pytest.approx(voltage, abs=1e-9)
    assert abs(trace.voltages[-1] - trace.voltages[-11]) > 1.0
    assert trace.times[-1] == pytest.approx(280.0)


def test_trace_leaves_its_arguments_alone(kernel):
    states = np.array(kernel.initial_states)
    before = states.copy()
    action_potential(kernel, kernel.initial_voltage, states, duration=10.0)
    np.testing.assert_array_equal(states, before)


def test_stimulus_adds_its_charge(kernel):
    """Far below threshold the cell is a leak of 6 ms; what its gate lets in is below 0.002 mV."""
    pulse = Stimulus(amplitude=2.0, duration=1.0)
    trace = action_potential(
        kernel, -80.0, np.array([0.0]), duration=2.0, dt=1e-4, stimulus=pulse
    )  # fmt: skip
    end_of_pulse = -80.0 + 2.0 * 6.0 * (1.0 - math.exp(-1.0 / 6.0))
    assert trace.voltages[10] == pytest.approx(end_of_pulse, abs=2e-3)
    assert trace.voltages[20] == pytest.approx(
        -80.0 + (end_of_pulse + 80.0) * math.exp(-1.0 / 6.0), abs=2e-3
    )


def test_duration_of_a_drawn_action_potential():
    """Up from -80 to 20 mV in one ms, down to -80 in 200: 90 % of 100 mV after 180 ms."""
    times = np.arange(0.0, 301.0)
    voltages = np.interp(times, [0.0, 10.0, 11.0, 211.0, 300.0], [-80.0, -80.0, 20.0, -80.0, -80.0])
    drawn = ActionPotential(times, voltages)
    assert drawn.peak == 20.0
    assert drawn.apd() == pytest.approx(180.5)
    assert drawn.apd(0.5) == pytest.approx(100.5)
    assert math.isnan(ActionPotential(times[:100], voltages[:100]).apd())


def test_leading_order_duration_of_the_paper(kernels):
    """Mitchell & Schaeffer 2003: APD -> tau_close ln(1 / h_min), h_min = 4 tau_in / tau_out.

    As the fast times go to zero with their ratio kept; the error must shrink with them.
    """
    expected = 150.0 * math.log(6.0 / (4.0 * 0.3))
    errors = []
    for scale in (0.1, 0.01):
        fast = {"tau_in": 0.3 * scale, "tau_out": 6.0 * scale}
        kernel = build(load_model("mitchell_schaeffer"), cache=kernels, overrides=fast)
        trace = action_potential(
            kernel, -80.0, np.array([1.0]), duration=400.0, dt=0.001,
            stimulus=Stimulus(amplitude=400.0, duration=0.1),
        )  # fmt: skip
        errors.append(abs(trace.apd() - expected))
    assert errors[1] < 0.4 * errors[0]
    assert errors[1] < 0.02 * expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cycle_length": 500.01, "beats": 1}, "whole number"),
        ({"cycle_length": 500.0, "beats": 1, "dt": 0.3}, "whole number"),
        ({"cycle_length": 500.0, "beats": 1, "stimulus": Stimulus(duration=0.51)}, "whole number"),
        ({"cycle_length": 0.5, "beats": 1}, "cycle"),
        ({"cycle_length": 600.0, "beats": 1, "dt": 100.0, "stimulus": Stimulus(1e307, 200.0)},
         "not finite"),
    ],
)  # fmt: skip
def test_pacing_that_cannot_be(kernel, arguments, message):
    with pytest.raises(BadStudy, match=message):
        paced_state(kernel, **arguments)
