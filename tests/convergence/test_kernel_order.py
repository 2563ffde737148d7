"""Rush-Larsen with forward Euler is of first order, no less and no more."""

import numpy as np
import pytest

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import MODELS
from polycardia.ionic.pacing import action_potential

STEPS = np.array([0.02, 0.01, 0.005, 0.0025])  # [ms]
REFERENCE = 0.0000625  # [ms]


def observed_order(steps, errors):
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


# Mitchell-Schaeffer's gate switches at a voltage, hence at a whole step: its later voltages hang
# on that one rounding and have no order.
CASES = [(name, 3.0) for name in MODELS] + [(name, 30.0) for name in MODELS if "tp06" in name]


@pytest.mark.parametrize(("name", "duration"), CASES)
def test_voltage_after_a_stimulus(name, duration, pytestconfig):
    kernel = build(load_model(name), cache=pytestconfig.cache.mkdir("kernels"))

    def end(dt):
        voltage, states = kernel.resting(1)
        trace = action_potential(
            kernel, voltage[0], states[:, 0], duration=duration, dt=dt, sampling=1.0
        )
        return trace.voltages[-1]

    reference = end(REFERENCE)
    errors = [abs(end(dt) - reference) for dt in STEPS]
    assert observed_order(STEPS, errors) == pytest.approx(1.0, abs=0.12)
