"""What order in time a step has: second in the voltage, as far as the concentrations stand still.

Gates and voltage take turns, each of second order (`polycardia.ionic.scheme`). What is left of
first order comes from the concentrations: it shows only at steps far below those in use.
"""

import numpy as np
import pytest

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import MODELS
from polycardia.ionic.scheme import scheme

STEPS = np.array([0.04, 0.02, 0.01])  # [ms]
REFERENCE = 0.0005  # [ms]
TINY = 1e-6  # [ms]

SMOOTH = [name for name in MODELS if name.startswith(("tp06", "torord"))]
"""The other models switch at thresholds of the voltage, hence at a whole step: no order there."""


def observed_order(steps, errors):
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


@pytest.fixture(scope="module")
def voltage_after(pytestconfig):
    cache = pytestconfig.cache.mkdir("kernels")
    models = {name: load_model(name) for name in SMOOTH}
    relaxing = {
        name: scheme(model.gates_and_concentrations, model.voltage).relaxing
        for name, model in models.items()
    }
    kernels = {name: build(model, cache=cache) for name, model in models.items()}

    def end(name, dt, duration):
        """From a voltage above the threshold. The gates' values are those half a step earlier."""
        kernel = kernels[name]
        voltage, states = kernel.resting(1)
        voltage[0] = -40.5
        _, ahead = voltage.copy(), states.copy()
        kernel.advance(_, ahead, TINY)
        rows = [kernel.state_names.index(state.qname()) for state in relaxing[name]]
        states[rows] -= 0.5 * dt * (ahead - states)[rows] / TINY
        kernel.advance(voltage, states, dt, round(duration / dt))
        return voltage[0]

    return end


@pytest.mark.parametrize("name", SMOOTH)
def test_upstroke(name, voltage_after):
    reference = voltage_after(name, REFERENCE, 1.0)
    errors = [abs(voltage_after(name, dt, 1.0) - reference) for dt in STEPS]
    print(name, errors)
    assert observed_order(STEPS, errors) == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("name", SMOOTH)
def test_plateau(name, voltage_after):
    reference = voltage_after(name, REFERENCE, 100.0)
    errors = [abs(voltage_after(name, dt, 100.0) - reference) for dt in STEPS]
    print(name, errors)
    assert observed_order(STEPS, errors) > 0.5
    assert errors[1] < 0.02
