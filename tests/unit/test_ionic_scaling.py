import numpy as np
import pytest

from polycardia.errors import BadModel
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model, with_constants
from polycardia.ionic.scaling import with_factors, with_scaling

CELL = """\
[[model]]
m.V = -80

[m]
t = 0 [ms] in [ms] bind time
base = 0.1 [1/ms] in [1/ms]
g = 2 * base in [1/ms]
E = -70 [mV] in [mV]
dot(V) = -g * (V - E) in [mV] label membrane_potential
"""
DT = 0.01


@pytest.fixture
def cell(written):
    return load_model(written(CELL))


def slope(model):
    return model.equations.evaluate_derivatives()[0]


def test_factor_multiplies_and_what_follows_from_a_constant_follows(cell):
    assert slope(cell) == pytest.approx(2.0)
    assert slope(with_scaling(cell, {"g": 0.5})) == pytest.approx(1.0)
    assert slope(with_scaling(cell, {"base": 0.5})) == pytest.approx(1.0)
    assert slope(with_scaling(cell, {"base": 0.5, "m.g": 3.0})) == pytest.approx(3.0)
    assert slope(with_scaling(with_constants(cell, {"base": 0.2}), {"g": 0.5})) == pytest.approx(2)
    assert slope(with_scaling(cell, {"g": 0.0})) == 0.0


@pytest.mark.parametrize("name", ["g_ks", "V", "t"])
def test_unknown_constant_lists_those_there_are(cell, name):
    for change in (lambda: with_scaling(cell, {name: 1.0}), lambda: with_factors(cell, [name])):
        with pytest.raises(BadModel, match=f"{name} is not one of its constants: base, g, E"):
            change()


def test_factor_at_every_node(cell, kernels):
    model, (of_g, of_base) = with_factors(cell, ["g", "base"])
    kernel = build(model, cache=kernels, node_parameters=(of_g, of_base))
    g, base = np.array([1.0, 0.5, 1.0, 0.0]), np.array([1.0, 1.0, 3.0, 1.0])
    voltage, states = kernel.resting(4)
    kernel.advance(voltage, states, DT, parameters={of_g: g, of_base: base})
    np.testing.assert_allclose((voltage + 80.0) / DT, 2.0 * g * base, rtol=0.01)
    assert voltage[3] == -80.0


def test_no_factors_are_the_model_itself(cell):
    assert with_factors(cell, []) == (cell, ())


def test_factor_of_one_is_the_constant(kernels):
    model = load_model("tp06_epi")
    plain = build(model, cache=kernels)
    varied, names = with_factors(model, ["g_ks", "i_kr.g_kr"])
    kernel = build(varied, cache=kernels, node_parameters=names)
    (v, y), (w, z) = plain.resting(3), kernel.resting(3)
    ones = {name: np.ones(3) for name in names}
    v[:], w[:] = (-60.0, -20.0, 20.0), (-60.0, -20.0, 20.0)
    for _ in range(50):
        plain.advance(v, y, 0.02)
        kernel.advance(w, z, 0.02, parameters=ones)
    np.testing.assert_allclose(w, v, rtol=1e-11)
    np.testing.assert_allclose(z, y, rtol=1e-9)
