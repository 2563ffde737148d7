import myokit
import numpy as np
import pytest

from polycardia.errors import BadModel
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model

CELL = """\
[[model]]
m.V = -80
m.x = 0.3

[m]
t = 0 [ms] in [ms] bind time
dot(V) = 0 [mV/ms] in [mV] label membrane_potential
alpha = 0.2 [1/ms] * exp(V / 50 [mV]) in [1/ms]
dot(x) = {gate}
"""
GATES = (
    "piecewise(V < -40 [mV], alpha * (1 - x), V < 0 [mV], -x * alpha, 0.3 [1/ms] * (1 - x))",
    "2 * piecewise(V < -40 [mV], alpha, piecewise(V < 0 [mV], 2, 3) * alpha) * (1 - x)",
    "if(V < -40 [mV], piecewise(V < -60 [mV], alpha, 2 * alpha), alpha) * (1 - x)",
    "piecewise(V < -40 [mV], (1 - x) * alpha, 0 [1/ms] * x)",
)


@pytest.mark.parametrize("gate", GATES)
def test_gate_by_cases_takes_its_exact_step(gate, written, kernels):
    """Against the solution of dx/dt = a + b x, with a and b from Myokit's values at 0 and 1."""
    text = CELL.format(gate=gate)
    before = myokit.parse_model(text)
    kernel = build(load_model(written(text)), cache=kernels)
    voltages = np.array([-90.0, -61.0, -45.0, -35.0, -0.5, 30.0])
    voltage, states = voltages.copy(), kernel.resting(6)[1]
    kernel.advance(voltage, states, 3.0)
    a, end = (
        np.array([before.evaluate_derivatives([v, x])[1] for v in voltages]) for x in (0.0, 1.0)
    )
    b = np.where(end == a, 1e-12, end - a)
    expected = 0.3 + (a / b + 0.3) * np.expm1(3.0 * b)
    np.testing.assert_allclose(states[0], expected, rtol=1e-9)


def test_endless_cases_are_refused(written):
    cases = ", ".join(f"V < {k} [mV], alpha" for k in range(300))
    endless = CELL.format(gate=f"piecewise({cases}, alpha)")
    with pytest.raises(BadModel, match="too entangled"):
        load_model(written(endless))
