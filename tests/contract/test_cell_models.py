"""Every cell model that polycardia ships keeps the same promises."""

import myokit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_equations import LAYERS, TP06_STATES, mitchell_schaeffer, tp06
from scipy.integrate import solve_ivp

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import FOLDER, MODELS
from polycardia.ionic.pacing import (
    STANDARD_STIMULUS,
    ActionPotential,
    action_potential,
    paced_state,
)

pytestmark = pytest.mark.parametrize("name", MODELS)

DT = 0.02  # [ms]

GATES = ("gate.h", *TP06_STATES[:9], *TP06_STATES[10:12])
"""All that relax towards a limit at a rate, both functions of the voltage."""


@pytest.fixture(scope="session")
def kernels(pytestconfig):
    cache = pytestconfig.cache.mkdir("kernels")
    return {each: build(load_model(each), cache=cache) for each in MODELS}


@pytest.fixture
def kernel(name, kernels):
    return kernels[name]


def retyped(name):
    """The paper's right-hand side, and the order of its states."""
    if name == "mitchell_schaeffer":
        return mitchell_schaeffer, ("gate.h",)
    return (lambda V, y: tp06(V, y, LAYERS[name])), TP06_STATES


def spread_states(kernel, n, seed):
    """Voltages over the physiological range, gates over (0, 1), concentrations within 30 %."""
    rng = np.random.default_rng(seed)
    _, states = kernel.resting(n)
    within = np.array([initial <= 1.0 and "ca_" not in state for state, initial in zip(
        kernel.state_names, kernel.initial_states, strict=True)])  # fmt: skip
    factor = rng.uniform(0.7, 1.3, states.shape)
    gates = rng.uniform(0.01, 0.99, states.shape)
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
    kernel.advance(voltage, states, 1e-3)
    assert np.isfinite(voltage).all()
    assert np.isfinite(states).all()
    slope = (voltage - before).reshape(singular.size, -1) / 1e-3
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


def test_kernel_says_what_the_paper_says(name, kernel):
    """One step against the retyped right-hand side: gates exactly, the rest by Euler.

    A gate's derivative is linear in it, so its values at 0 and 1 give its limit and its rate.
    """
    rhs, order = retyped(name)
    rows = [kernel.state_names.index(each) for each in order]
    gates = [k for k, each in enumerate(order) if each in GATES]
    voltage, states = spread_states(kernel, 500, seed=4)
    y = states[rows]
    derivative = rhs(voltage, y)
    expected = y + DT * derivative[1:]
    for k in gates:
        closed, open_ = y.copy(), y.copy()
        closed[k], open_[k] = 0.0, 1.0
        opening = rhs(voltage, closed)[1 + k]
        rate = opening - rhs(voltage, open_)[1 + k]
        limit = opening / rate
        expected[k] = limit + (y[k] - limit) * np.exp(-DT * rate)
    after = voltage.copy()
    kernel.advance(after, states, DT)
    np.testing.assert_allclose(after, voltage + DT * derivative[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(states[rows], expected, rtol=1e-9, atol=1e-14)


def test_paced_action_potential_agrees_with_a_stiff_integrator(name, kernel):
    """From the same state: LSODA on the paper's equations, rtol 1e-8; the kernel at 0.002 ms."""
    rhs, order = retyped(name)
    rows = [kernel.state_names.index(each) for each in order]
    voltage, states = paced_state(kernel, cycle_length=1000.0, beats=2, dt=DT)
    ours = action_potential(kernel, voltage, states, duration=600.0, dt=0.002, sampling=0.1)
    traces, y = [], np.array([voltage, *states[rows]])
    pulse = STANDARD_STIMULUS.duration
    for start, end, current in ((0.0, pulse, STANDARD_STIMULUS.amplitude), (pulse, 600.0, 0.0)):
        times = ours.times[(ours.times >= start - 1e-9) & (ours.times <= end + 1e-9)]
        times = np.clip(times, start, end)
        push = np.zeros(y.size)
        push[0] = current
        solved = solve_ivp(
            lambda t, y, push=push: rhs(y[0], y[1:]) + push,
            (start, end), y, "LSODA", times, rtol=1e-8, atol=1e-10, max_step=1.0,
        )  # fmt: skip
        assert solved.success
        y = solved.y[:, -1]
        traces.append(solved.y[0] if start == 0.0 else solved.y[0, 1:])
    theirs = ActionPotential(ours.times, np.concatenate(traces))
    assert ours.peak == pytest.approx(theirs.peak, abs=0.5)
    assert ours.apd() == pytest.approx(theirs.apd(), abs=0.5)
    assert ours.apd(0.5) == pytest.approx(theirs.apd(0.5), abs=0.5)
    np.testing.assert_allclose(ours.voltages[-1], theirs.voltages[-1], atol=0.05)


def test_units_are_strict(name):
    assert load_model(name).equations.check_units(myokit.UNIT_STRICT) is None
