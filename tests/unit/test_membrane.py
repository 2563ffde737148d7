"""Parameters of the nodes' own: each acts at its node, and nowhere else."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.scaling import with_factors
from polycardia.physics.variation import linear_factor
from polycardia.solver.membrane import CellType, Membrane

DT = 0.02  # [ms]
LEVEL = -70.0  # [mV]


@pytest.fixture
def varied(pytestconfig):
    """Mitchell-Schaeffer with a factor on its closing time at every node, and without."""
    cache, model = pytestconfig.cache.mkdir("kernels"), load_model("mitchell_schaeffer")
    with_factor, (name,) = with_factors(model, ["tau_close"])
    kernels = [build(with_factor, cache=cache, node_parameters=(name,)), build(model, cache=cache)]
    factors = [{"tau_close": name}, {}]
    return [
        CellType(kernel, -80.0, np.array([1.0]), of_kernel)
        for kernel, of_kernel in zip(kernels, factors, strict=True)
    ], name


def durations(membrane, n):
    """Time until the voltage is back below a level, from a start above the threshold [ms]."""
    voltage = membrane.resting_voltage() + 60.0
    ends = np.full(n, np.nan)
    for step in range(40_000):
        membrane.advance(voltage, DT, voltage.copy())
        ends[np.isnan(ends) & (voltage < LEVEL)] = step * DT
    return ends


def duration_of_the_paper(tau_close):
    """The same by LSODA and the paper's equations, with u from 0 to 1."""

    def slope(t, y):
        u, h = y
        gate = (1.0 - h) / 120.0 if u < 0.13 else -h / tau_close
        return [h * u**2 * (1.0 - u) / 0.3 - u / 6.0, gate]

    def back(t, y):
        return y[0] - (LEVEL + 80.0) / 100.0

    back.terminal, back.direction = True, -1
    solved = solve_ivp(
        slope, (0.0, 800.0), [0.6, 1.0], "LSODA", events=back, rtol=1e-9, atol=1e-10, max_step=0.5
    )
    return solved.t_events[0][0]


def test_closing_time_along_a_coordinate_prolongs_the_action_potential(varied):
    (of_layer, plain), name = varied
    factor = linear_factor(np.array([0.0, 0.5, 1.0, 0.0]), 1.0, 2.0)
    types = np.array([0, 0, 0, 1])
    found = durations(Membrane([of_layer, plain], types, [{name: factor}, {}]), 4)
    expected = [duration_of_the_paper(tau) for tau in (150.0, 225.0, 300.0, 150.0)]
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert found[2] > found[0] + 200.0


def test_one_type_everywhere_has_its_parameters_too(varied):
    (of_layer, _), name = varied
    both = Membrane([of_layer], np.zeros(2, np.int64), [{name: np.array([1.0, 2.0])}])
    short, long = durations(both, 2)
    assert long > short + 100.0


def test_parameters_are_each_nodes_own(varied):
    """Nodes of one type need not be neighbours: the array is of all nodes of the rank."""
    (of_layer, plain), name = varied
    types = np.array([1, 0, 1, 0])
    factor = np.array([np.nan, 2.0, np.nan, 1.0])
    found = durations(Membrane([of_layer, plain], types, [{name: factor}, {}]), 4)
    assert found[1] > found[3] + 100.0
    assert found[[0, 2, 3]] == pytest.approx(found[0], abs=DT)


def test_missing_parameters_are_an_error_and_not_a_guess(varied):
    (of_layer, _), _ = varied
    membrane = Membrane([of_layer], np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="need the parameters"):
        membrane.advance(membrane.resting_voltage(), DT, membrane.resting_voltage())
