"""A user's CellML file is the cell that the same equations are in ``.mmt``."""

from pathlib import Path

import myokit
import numpy as np
import pytest
from myokit.formats.cellml import CellMLExporter

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import Stimulus, action_potential
from polycardia.ionic.scaling import with_factors

CELLS = Path(__file__).parent / "cells"
DT = 0.02  # [ms]


@pytest.fixture
def kernels(pytestconfig):
    return pytestconfig.cache.mkdir("kernels")


@pytest.fixture
def pair(kernels):
    """The made-up cell in volts and seconds as CellML, in mV and ms as text."""
    models = [load_model(CELLS / f"excitable{suffix}") for suffix in (".cellml", ".mmt")]
    return [build(model, cache=kernels) for model in models]


def test_what_is_found_in_the_cellml_file():
    assert load_model(CELLS / "excitable.cellml").found == (
        "voltage membrane.V, by its name",
        "stimulus stimulus.i_Stim set to zero",
        "membrane.V converted from [V] to [mV]",
        "environment.time converted from [s] to [ms]",
    )


def test_cellml_and_text_have_the_same_derivatives(pair):
    ours, theirs = (
        load_model(CELLS / f"excitable{suffix}").equations for suffix in (".cellml", ".mmt")
    )
    names = [state.qname() for state in theirs.states()]
    order = [state.qname() for state in ours.states()]
    rng = np.random.default_rng(5)
    for values in rng.uniform((-100.0, 0.0, 0.0, 0.05), (40.0, 1.0, 1.0, 20.0), (50, 4)):
        state = dict(zip(names, values, strict=True))
        slopes = ours.evaluate_derivatives([state[name] for name in order])
        of_name = dict(zip(order, slopes, strict=True))
        expected = theirs.evaluate_derivatives(list(values))
        found = [of_name[name] for name in names]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)


def test_cellml_and_text_have_the_same_action_potential(pair):
    traces = []
    for kernel in pair:
        voltage, states = kernel.resting(1)
        traces.append(
            action_potential(
                kernel, voltage[0], states[:, 0], duration=400.0, dt=DT, stimulus=Stimulus(50.0, 2)
            )
        )
    ours, theirs = traces
    assert theirs.peak > 10.0
    assert 200.0 < theirs.apd() < 300.0
    np.testing.assert_allclose(ours.voltages, theirs.voltages, atol=1e-9)


def test_constants_keep_their_units_in_a_converted_file(kernels):
    """Seconds in the CellML file, ms in the text: 0.3 s there is 300 ms here."""
    in_seconds = build(
        load_model(CELLS / "excitable.cellml"), cache=kernels, overrides={"tau_close": 0.3}
    )
    in_ms = build(load_model(CELLS / "excitable.mmt"), cache=kernels, overrides={"tau_close": 300})
    ends = []
    for kernel in (in_seconds, in_ms):
        voltage, states = kernel.resting(1)
        voltage += 60.0
        kernel.advance(voltage, states, DT, 5000)
        ends.append(voltage[0])
    assert ends[0] > -40.0
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_factors_act_on_a_converted_gate(kernels):
    model, (name,) = with_factors(load_model(CELLS / "excitable.cellml"), ["tau_close"])
    kernel = build(model, cache=kernels, node_parameters=(name,))
    voltage, states = kernel.resting(2)
    voltage += 60.0
    kernel.advance(voltage, states, DT, 5000, parameters={name: np.array([1.0, 2.0])})
    assert states[kernel.state_names.index("inward_gate.h")] == pytest.approx(
        [np.exp(-100 / 150), np.exp(-100 / 300)], rel=1e-3
    )


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
def test_tp06_as_cellml_is_tp06(version, kernels, tmp_path):
    """Written by Myokit's exporter and read back: the same steps to rounding."""
    original = load_model("tp06_epi")
    path = tmp_path / "tp06.cellml"
    CellMLExporter().model(str(path), original.equations, version=version)
    read = load_model(path)
    assert read.equations.check_units(myokit.UNIT_STRICT) is None
    theirs, ours = build(original, cache=kernels), build(read, cache=kernels)
    rows = [ours.state_names.index(name) for name in theirs.state_names]
    voltage, states = theirs.resting(40)
    voltage[:] = np.linspace(-90.0, 50.0, 40)
    other, other_states = voltage.copy(), states[np.argsort(rows)].copy()
    theirs.advance(voltage, states, DT, 100)
    ours.advance(other, other_states, DT, 100)
    np.testing.assert_allclose(other, voltage, rtol=1e-9)
    np.testing.assert_allclose(other_states[rows], states, rtol=1e-9)
