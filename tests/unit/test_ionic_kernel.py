import numpy as np
import pytest

from polycardia.errors import BadModel
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model

# Of the probe's u, w and k.  From 0 its x is the expression's value after a step of 1 ms.
EXPRESSIONS = {
    "u^3 - w^-2 + w^0.5 + w^1.7 + w^0 + 2^w + w^k": lambda u, w: (
        u**3 - w**-2 + w**0.5 + w**1.7 + 1 + 2**w + w**3
    ),
    "(w - w)^1.7 + u^0 + u^63 / 1e130": lambda u, w: 1 + u**63 / 1e130,
    "(u / 100)^65 + (u / 100)^66": lambda u, w: (u / 100) ** 65 + (u / 100) ** 66,
    "-u^2 - -u + +w": lambda u, w: -(u**2) + u + w,
    "u - (w - (u - w)) / (u / (w / 3))": lambda u, w: u - (w - (u - w)) / (u / (w / 3)),
    "exp(u / 20) * exp(-(u + 3) / 10) + exp((5 - u) / 40)": lambda u, w: (
        np.exp(u / 20) * np.exp(-(u + 3) / 10) + np.exp((5 - u) / 40)
    ),
    "exp(-(u + 20)^2 / 400) + exp(1)": lambda u, w: np.exp(-((u + 20) ** 2) / 400) + np.e,
    "exp(0.02 * (u - log(w))) - exp(-0.06 * (u - log(w)))": lambda u, w: (
        np.exp(0.02 * (u - np.log(w))) - np.exp(-0.06 * (u - np.log(w)))
    ),
    "log(w) + log10(w) + log(w, 2) + log(w, w + 1)": lambda u, w: (
        np.log(w) + np.log10(w) + np.log2(w) + np.log(w) / np.log(w + 1)
    ),
    "sqrt(w) + abs(u) + floor(u) + ceil(u)": lambda u, w: (
        np.sqrt(w) + np.abs(u) + np.floor(u) + np.ceil(u)
    ),
    "u // 7 + u % 7": lambda u, w: u // 7 + u % 7,
    "sin(u) + cos(u) + tan(w) + asin(w / 9) + acos(w / 9) + atan(u)": lambda u, w: (
        np.sin(u) + np.cos(u) + np.tan(w) + np.arcsin(w / 9) + np.arccos(w / 9) + np.arctan(u)
    ),
    "if(u < -40, 1, w)": lambda u, w: np.where(u < -40, 1, w),
    "piecewise(u < -40, 1, u >= 0 and w > 2, 2, not (u == -10) or w != 3, 3, 4)": lambda u, w: (
        np.where(u < -40, 1, np.where((u >= 0) & (w > 2), 2, np.where((u != -10) | (w != 3), 3, 4)))
    ),
    "if(k <= 3, u, w)": lambda u, w: u,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression(kernels, probe, text):
    kernel = build(probe(text), cache=kernels)
    voltage = np.concatenate([np.linspace(-119.0, 80.5, 39), [-10.0, -40.0, 0.5]])
    states = np.stack([np.linspace(1.5, 5.0, voltage.size), np.zeros(voltage.size)])
    states[0, 39] = 3.0
    w = states[0].copy()
    kernel.advance(voltage, states, 1.0)
    np.testing.assert_allclose(states[1], EXPRESSIONS[text](voltage, w), rtol=2e-14, atol=1e-13)


@pytest.mark.parametrize("text", ["1 / 0", "u * log(-1)", "exp(u * 2^9999)"])
def test_constant_that_is_no_number(probe, kernels, text):
    with pytest.raises(BadModel, match="probe"):
        build(probe(text), cache=kernels)


@pytest.mark.parametrize("k", [3.0, 4.0, -3.0, 0.0, 2.5])
def test_a_power_is_the_same_whether_its_exponent_is_known_or_differs_between_nodes(
    probe, kernels, k
):
    kernel = build(probe("(u / 50)^k"), cache=kernels, node_parameters=("k",))
    voltage, states = kernel.resting(5)
    voltage[:] = (-75.0, -20.0, 0.0, 20.0, 75.0)
    states[1] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (voltage / 50.0) ** k
    expected[np.isinf(expected)] = np.nan  # a cell that divides by zero is lost
    kernel.advance(voltage, states, 1.0, parameters={"k": np.full(5, k)})
    np.testing.assert_allclose(states[1], expected, rtol=2e-14)


def test_lost_cell_shows_as_nan(probe, kernels):
    """A logarithm below zero must not go on as a plausible number."""
    kernel = build(probe("log(w)"), cache=kernels)
    voltage, states = kernel.resting(3)
    states[0] = (1.0, -1.0, np.nan)
    kernel.advance(voltage, states, 1.0)
    assert np.isnan(states[1]).tolist() == [False, True, True]


def test_overrides_are_other_constants_and_another_kernel(kernels):
    model = load_model("mitchell_schaeffer")
    standard = build(model, cache=kernels)
    slower = build(model, cache=kernels, overrides={"tau_open": 240.0})
    assert standard.digest != slower.digest
    after = []
    for kernel in (standard, slower):
        voltage, states = kernel.resting(1)
        states[0] = 0.0
        kernel.advance(voltage, states, 1.0)
        after.append(states[0, 0])
    np.testing.assert_allclose(after, 1.0 - np.exp([-1 / 120, -1 / 240]), rtol=1e-13)


def test_node_parameters_are_constants_of_their_own_at_every_node(kernels):
    """Also where other constants follow from them, as RTF from T, and inside an exponential."""
    model = load_model("tp06_epi")
    values = {"g_ks": np.linspace(0.098, 0.392, 5), "T": np.linspace(300.0, 315.0, 5)}
    values["s_half"] = np.linspace(-30.0, -10.0, 5)
    kernel = build(model, cache=kernels, node_parameters=tuple(values))
    assert kernel.node_parameters == ("g_ks", "T", "s_half")
    voltage, states = kernel.resting(5)
    voltage[:] = np.linspace(-90.0, 30.0, 5)
    start = voltage.copy()
    kernel.advance(voltage, states, 0.02, 20, values)
    for node in (0, 3):
        one = build(model, cache=kernels, overrides={n: v[node] for n, v in values.items()})
        alone, own = start[node : node + 1].copy(), one.resting(1)[1]
        one.advance(alone, own, 0.02, 20)
        np.testing.assert_allclose(alone, voltage[node], rtol=1e-11)
        np.testing.assert_allclose(own[:, 0], states[:, node], rtol=1e-11)
    assert abs(voltage[1] - voltage[2]) > 1.0


def test_gate_whose_rate_is_a_node_parameter_is_still_a_gate(kernels):
    model = load_model("mitchell_schaeffer")
    kernel = build(model, cache=kernels, node_parameters=("tau_open",))
    voltage, states = kernel.resting(2)
    states[0] = 0.0
    kernel.advance(voltage, states, 50.0, parameters={"tau_open": np.array([50.0, 100.0])})
    np.testing.assert_allclose(states[0], 1.0 - np.exp([-1.0, -0.5]), rtol=1e-13)


@pytest.mark.parametrize("names", [("g_zz",), ("V",), ("g_ks", "g_ks"), ("g_ks", "i_ks.g_ks")])
def test_bad_node_parameters(kernels, names):
    with pytest.raises(BadModel, match=r"g_zz|V|twice"):
        build(load_model("tp06_epi"), cache=kernels, node_parameters=names)


def test_states_may_be_rows_of_a_larger_array(kernels):
    kernel = build(load_model("tp06_epi"), cache=kernels)
    voltage, states = kernel.resting(10)
    voltage[:] = np.linspace(-90.0, 30.0, 10)
    other = voltage.copy()
    larger = np.full((18, 16), 7.0)
    larger[:, 3:13] = states
    kernel.advance(voltage, states, 0.02, 3)
    kernel.advance(other, larger[:, 3:13], 0.02, 3)
    np.testing.assert_array_equal(other, voltage)
    np.testing.assert_array_equal(larger[:, 3:13], states)
    assert (larger[:, :3] == 7.0).all()
    assert (larger[:, 13:] == 7.0).all()


def test_no_cells_and_no_steps(kernels):
    kernel = build(load_model("tp06_epi"), cache=kernels)
    kernel.advance(*kernel.resting(0), 0.02)
    voltage, states = kernel.resting(2)
    before = states.copy()
    kernel.advance(voltage, states, 0.02, 0)
    np.testing.assert_array_equal(states, before)


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "change",
    [
        lambda v, y: (v[:3], y),
        lambda v, y: (v, y[:17]),
        lambda v, y: (v, y[:, :3]),
        lambda v, y: (v.astype(np.float32), y),
        lambda v, y: (v, y.astype(np.float32)),
        lambda v, y: (np.repeat(v, 2)[::2], y),
        lambda v, y: (v, np.asfortranarray(y)),
        lambda v, y: (v, np.repeat(y, 2, axis=1)[:, ::2]),
        lambda v, y: (v, y[::-1]),
        lambda v, y: (read_only(v), y),
        lambda v, y: (v, read_only(y)),
        lambda v, y: (v[:, None], y),
    ],
)
def test_arrays_that_the_c_function_would_misread(kernels, change):
    kernel = build(load_model("tp06_epi"), cache=kernels)
    with pytest.raises(ValueError, match="voltage"):
        kernel.advance(*change(*kernel.resting(4)), 0.02)


@pytest.mark.parametrize("dt", [0.0, -0.02, float("nan")])
def test_step_that_is_none(kernels, dt):
    kernel = build(load_model("mitchell_schaeffer"), cache=kernels)
    with pytest.raises(ValueError, match="dt"):
        kernel.advance(*kernel.resting(1), dt)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"g_na": np.ones(4)}, {"g_ks": np.ones(3)}, {"g_ks": np.ones(8)[::2]},
     {"g_ks": np.ones(4, dtype=int)}],
)  # fmt: skip
def test_parameters_that_do_not_fit(kernels, parameters):
    kernel = build(load_model("tp06_epi"), cache=kernels, node_parameters=("g_ks",))
    with pytest.raises(ValueError, match="g_ks"):
        kernel.advance(*kernel.resting(4), 0.02, parameters=parameters)
