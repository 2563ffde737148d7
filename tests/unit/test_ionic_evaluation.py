"""Currents from voltage and states, against Myokit's own evaluation of the same equations."""

import myokit
import numpy as np
import pytest

from polycardia.errors import BadModel
from polycardia.ionic.evaluation import evaluate
from polycardia.ionic.model import load_model
from polycardia.ionic.models import MODELS
from polycardia.ionic.scaling import with_factors

N = 7

ODD = """[[model]]
cell.V = -80
cell.x = 0.5

[engine]
time = 0 [ms] in [ms] bind time

[cell]
dot(V) = -i_ion
    in [mV]
    label membrane_potential
dot(x) = (0.3 - x) / 5 [ms]
i_ion = 0.1 [mV/ms] * x * choice * rest
    in [mV/ms]
choice = piecewise(V > 0 [mV], 1, V > -50 [mV] and not (x < 0.2), 2, x == 0.5, 3, 4)
rest = if(x > 0.4, log(x + 1), sqrt(abs(x) + 2)) + 7.5 % 2 + (-7 // 2) * 0 + x // 0.3 + floor(x)
root = log(x - 1)
functions = log10(x + 2) + log(x + 2, 3) + 2^x + cos(x) - atan(x) + tan(x) - asin(x) + acos(-x)
here = nested + 1
    nested = 2 * x
"""


def states_of(model, seed=1):
    """Around the model's own initial state, with voltages over the whole range."""
    random = np.random.default_rng(seed)
    initial = [state.initial_value(as_float=True) for state in model.gates_and_concentrations]
    states = np.array(initial)[:, None] * random.uniform(0.8, 1.2, (len(initial), N))
    return np.linspace(-95.0, 45.0, N), states


def by_myokit(model, voltage, states):
    """All variables, one sample at a time: each expression with the states substituted."""
    found = []
    for k in range(N):
        values = {myokit.Name(model.voltage): voltage[k]}
        for state, own in zip(model.gates_and_concentrations, states, strict=True):
            values[myokit.Name(state)] = own[k]
        for component in model.equations.solvable_order().values():
            for equation in component:
                if isinstance(equation.lhs, myokit.Name) and equation.lhs not in values:
                    with np.errstate(all="ignore"):
                        values[equation.lhs] = equation.rhs.eval(values)
        found.append({name.var().qname(): value for name, value in values.items()})
    return {name: np.array([sample[name] for sample in found]) for name in found[0]}


@pytest.mark.parametrize("source", sorted(MODELS))
def test_every_variable_of_every_model_is_what_myokit_says(source):
    model = load_model(source)
    voltage, states = states_of(model)
    expected = by_myokit(model, voltage, states)
    for variable in model.equations.variables(inter=True, deep=True):
        name = variable.qname()
        trace = evaluate(model, name, voltage, states)
        np.testing.assert_allclose(trace.values, expected[name], rtol=1e-10, err_msg=name)
        assert trace.variable == name


@pytest.fixture
def odd(written):
    model = load_model(written(ODD))
    return model, np.linspace(-95.0, 45.0, N), np.linspace(0.1, 0.9, N)[None] ** 1.0


@pytest.mark.parametrize("name", ["choice", "rest", "functions", "i_ion", "here", "cell.x"])
def test_choices_and_functions(odd, name):
    model, voltage, states = odd
    qname = name if "." in name else f"cell.{name}"
    expected = by_myokit(model, voltage, states)[qname]
    np.testing.assert_allclose(evaluate(model, name, voltage, states).values, expected)
    assert np.ptp(expected) > 0.0


def test_out_of_range_is_nan_without_a_warning(odd):
    model, voltage, states = odd
    assert np.isnan(evaluate(model, "root", voltage, states).values).all()


def test_voltage_states_constants_and_units():
    model = load_model("tp06_endo")
    voltage, states = states_of(model)
    own = evaluate(model, model.voltage.qname(), voltage, states)
    np.testing.assert_array_equal(own.values, voltage)
    assert own.unit == "mV"
    for row, state in enumerate(model.gates_and_concentrations):
        np.testing.assert_array_equal(
            evaluate(model, state.qname(), voltage, states).values, states[row]
        )
    assert evaluate(model, "i_na.m", voltage, states).unit == "1"
    assert evaluate(model, "i_na", voltage, states).unit == "A/F"
    constant = next(iter(model.equations.variables(const=True, inter=False)))
    values = evaluate(model, constant.qname(), voltage, states).values
    np.testing.assert_array_equal(values, np.full(N, constant.eval()))


def test_a_nodes_factor_scales_its_current():
    model, (factor,) = with_factors(load_model("tp06_endo"), ["g_na"])
    voltage, states = states_of(model)
    whole = evaluate(model, "i_na", voltage, states)
    half = evaluate(model, "i_na", voltage, states, {factor: 0.5})
    np.testing.assert_allclose(half.values, 0.5 * whole.values, rtol=1e-14)
    assert np.abs(whole.values).max() > 0.0


def test_unknown_variable_is_told_with_those_there_are():
    model = load_model("tp06_endo")
    with pytest.raises(BadModel, match="i_nope is not one of its variables"):
        evaluate(model, "i_nope", *states_of(model))
