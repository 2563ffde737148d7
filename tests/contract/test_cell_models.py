"""Every cell model that polycardia ships keeps the same promises."""

import myokit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papers import minimal, mitchell_schaeffer, torord, tp06
from papers.functions import ARRAYS

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import FOLDER, MODELS

pytestmark = pytest.mark.parametrize("name", MODELS)

DT = 0.02  # [ms]

PAPERS = {
    name: paper for paper in (tp06, torord, minimal, mitchell_schaeffer) for name in paper.CELLS
}

LATE = ("release.j_np", "release.j_p")
"""Linear in themselves, but after the gates: they follow the L-type current."""

CURVED = {
    tp06: ("calcium.ca_i", "calcium.ca_sr", "calcium.ca_ss", "sodium.na_i", "potassium.k_i"),
    torord: (
        *("sodium.na_i", "sodium.na_ss", "potassium.k_i", "potassium.k_ss", "camk.trapped"),
        *("calcium.ca_i", "calcium.ca_ss", "calcium.ca_jsr", "chloride.cl_i", "chloride.cl_ss"),
    ),
    minimal: (),
    mitchell_schaeffer: (),
}
"""States whose derivative is not linear in themselves."""


@pytest.fixture(scope="session")
def kernels(pytestconfig):
    cache = pytestconfig.cache.mkdir("kernels")
    return {each: build(load_model(each), cache=cache) for each in MODELS}


@pytest.fixture
def kernel(name, kernels):
    return kernels[name]


def retyped(name):
    """The paper's right-hand side of V and an array of states, stacked; and their order."""
    paper = PAPERS[name]

    def rhs(voltage, states):
        return np.stack(paper.rhs(voltage, states, paper.CELLS[name], ARRAYS))

    return rhs, paper.STATES


def spread_states(kernel, n, seed, widest=0.99):
    """Voltages over the physiological range, gates up to widest, concentrations within 30 %."""
    rng = np.random.default_rng(seed)
    _, states = kernel.resting(n)
    within = np.array([initial <= 1.0 and "ca_" not in state for state, initial in zip(
        kernel.state_names, kernel.initial_states, strict=True)])  # fmt: skip
    factor = rng.uniform(0.7, 1.3, states.shape)
    gates = rng.uniform(0.01, widest, states.shape)
    return rng.uniform(-120.0, 80.0, n), np.where(within[:, None], gates, states * factor)


def test_every_text_file_is_registered(name):
    files = {path.stem for path in FOLDER.glob("*") if path.suffix in (".mmt", ".toml")}
    assert files == set(MODELS)


def test_cell_left_alone_stays_at_rest(name, kernel):
    voltage, states = kernel.resting(1)
    kernel.advance(voltage, states, DT, n_steps=50_000)
    assert voltage[0] == pytest.approx(kernel.initial_voltage, abs=1.5)
    again = voltage.copy()
    kernel.advance(again, states, DT)
    np.testing.assert_allclose(again, voltage, atol=1e-4)


def test_nodes_do_not_interact_and_do_not_know_their_place(name, kernel):
    voltage, states = spread_states(kernel, 300, seed=1)
    together, their_states = voltage.copy(), states.copy()
    kernel.advance(together, their_states, DT, n_steps=5)
    for first, count in ((0, 1), (7, 1), (3, 2), (1, 7), (5, 8), (2, 9), (11, 100), (255, 2)):
        part = slice(first, first + count)
        alone, own_states = voltage[part].copy(), states[:, part].copy()
        kernel.advance(alone, own_states, DT, n_steps=5)
        np.testing.assert_array_equal(alone, together[part])
        np.testing.assert_array_equal(own_states, their_states[:, part])


def test_many_steps_are_single_steps(name, kernel):
    voltage, states = spread_states(kernel, 20, seed=2)
    other, other_states = voltage.copy(), states.copy()
    kernel.advance(voltage, states, DT, n_steps=7)
    for _ in range(7):
        kernel.advance(other, other_states, DT)
    np.testing.assert_array_equal(voltage, other)
    np.testing.assert_array_equal(states, other_states)


@settings(max_examples=50, deadline=None)
@given(
    dt=st.floats(1e-3, 0.05),
    voltages=st.lists(st.floats(-120.0, 80.0), min_size=1, max_size=12),
)
def test_states_stay_finite_over_the_physiological_range(name, kernels, dt, voltages):
    kernel = kernels[name]
    voltage = np.array(voltages)
    _, states = kernel.resting(voltage.size)
    kernel.advance(voltage, states, dt, n_steps=50)
    assert np.isfinite(voltage).all()
    assert np.isfinite(states).all()


def test_no_voltage_is_singular(name, kernel):
    """At and around every voltage where a rate of the paper divides zero by zero or jumps."""
    singular = np.array([15.0, -40.0, -47.13, -37.78, -35.0, -32.0, 0.0, 20.0, -67.0, -80.0])
    offsets = np.array([0.0, 1e-13, -1e-13, 1e-11, -1e-11, 1e-9, -1e-9])
    voltage = (singular[:, None] + offsets).ravel()
    before = voltage.copy()
    _, states = kernel.resting(voltage.size)
    kernel.advance(voltage, states, 1e-5)
    assert np.isfinite(voltage).all()
    assert np.isfinite(states).all()
    slope = (voltage - before).reshape(singular.size, -1) / 1e-5
    np.testing.assert_allclose(slope, slope[:, :1].repeat(offsets.size, 1), rtol=1e-6, atol=1e-8)


def test_text_says_what_the_paper_says(name, kernel):
    """Right-hand sides of the text by Myokit against the retyped ones, at random states."""
    model = load_model(name)
    rhs, order = retyped(name)
    voltages, states = spread_states(kernel, 20, seed=3)
    voltages[:5] = (15.0, 15.013, 14.987, -40.0, 0.0)
    for voltage, state in zip(voltages, states.T, strict=True):
        of_state = dict(zip(kernel.state_names, state, strict=True))
        of_state[model.voltage.qname()] = voltage
        names = [each.qname() for each in model.equations.states()]
        derivatives = model.equations.evaluate_derivatives([of_state[each] for each in names])
        of_text = dict(zip(names, derivatives, strict=True))
        of_paper = rhs(voltage, np.array([of_state[each] for each in order]))
        expected = [of_text[each] for each in (model.voltage.qname(), *order)]
        np.testing.assert_allclose(expected, of_paper, rtol=1e-10, atol=1e-14)


def test_kernel_goes_where_the_paper_points(name, kernel):
    """A vanishing step against the retyped right-hand side, all states, at random ones."""
    dt = 1e-9
    rhs, order = retyped(name)
    rows = [kernel.state_names.index(each) for each in order]
    voltage, states = spread_states(kernel, 500, seed=4, widest=0.3)
    expected = rhs(voltage, states[rows])
    before = np.vstack([voltage, states[rows]])
    kernel.advance(voltage, states, dt)
    moved = (np.vstack([voltage, states[rows]]) - before) / dt
    rounding = 5e-16 * np.abs(before) / dt
    # at -120 mV with the gates half open calcium doubles even within this step
    short = np.abs(expected) * dt < 1e-4 * np.abs(before)
    assert short.mean() > 0.9
    wrong = np.abs(moved - expected) > 5e-3 * np.abs(expected) + rounding + 1e-6
    assert not (wrong & short).any(), [(order[k - 1], n) for k, n in np.argwhere(wrong & short)]


def test_states_linear_in_themselves_take_exact_steps(name, kernel):
    """Such a derivative has its limit and its rate in its values at two places."""
    rhs, order = retyped(name)
    rows = [kernel.state_names.index(each) for each in order]
    voltage, states = spread_states(kernel, 500, seed=4)
    y = states[rows]
    after = states.copy()
    kernel.advance(voltage.copy(), after, DT)
    exact = set(order) - set(LATE) - set(CURVED[PAPERS[name]])
    assert exact
    for each in exact:
        k = order.index(each)
        lower, upper = y.copy(), y.copy()
        lower[k], upper[k] = 0.25, 0.75
        rising = rhs(voltage, lower)[1 + k]
        rate = (rising - rhs(voltage, upper)[1 + k]) / 0.5
        limit = 0.25 + rising / rate
        expected = limit + (y[k] - limit) * np.exp(-DT * rate)
        np.testing.assert_allclose(after[rows[k]], expected, rtol=1e-8, atol=1e-13, err_msg=each)


def test_units_are_strict(name):
    assert load_model(name).equations.check_units(myokit.UNIT_STRICT) is None
