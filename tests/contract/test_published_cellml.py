"""CellML files that others published, as Myokit brings them with its own tests.

Beeler and Reuter 1977, Corrias, Giles and Rodriguez 2011 (rabbit Purkinje), Decker et al. 2009
(dog): 8 to 46 states, 13 to 46 components, piecewise, each with a stimulus of its own.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import myokit
import numpy as np
import pytest
from myokit.formats.cellml import CellMLImporter
from myokit.formats.python import PythonExpressionWriter
from scipy.integrate import solve_ivp

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import STANDARD_STIMULUS, ActionPotential, action_potential

FILES = Path(myokit.__file__).parent / "tests" / "data" / "formats" / "cellml"
PUBLISHED = {
    "br-1977": ("membrane.V", "stimulus_protocol.Istim"),
    "corrias": ("membrane.Vm", "membrane.i_stim"),
    "decker-2009": ("membrane.Vm", "membrane.i_Stim"),
}
"""Voltage and stimulus, read in the files by hand; time is in ms, voltage in mV."""

DT, TRACE = 0.02, 400.0  # [ms]

pytestmark = pytest.mark.skipif(not FILES.exists(), reason="Myokit without its tests' data")


def python_name(expression: Any) -> str:
    prefix = "d_" if isinstance(expression, myokit.Derivative) else ""
    return prefix + str(expression.var().qname()).replace(".", "__")


def right_hand_side(name: str) -> tuple[Callable[..., list[float]], Any]:
    """Myokit's own reading of a file as a Python function of time, states and current."""
    voltage, stimulus = PUBLISHED[name]
    model = CellMLImporter().model(str(FILES / f"{name}.cellml"))
    model.get(stimulus).set_rhs(0)
    writer = PythonExpressionWriter()
    writer.set_lhs_function(python_name)
    states = [state.qname() for state in model.states()]
    lines = ["def rhs(t, y, current):", f"    {python_name(myokit.Name(model.time()))} = t"]
    lines += [f"    {each.replace('.', '__')} = y[{k}]" for k, each in enumerate(states)]
    for group in model.solvable_order().values():
        lines += [
            f"    {python_name(each.lhs)} = {writer.ex(each.rhs)}"
            for each in group
            if each.lhs.var() is not model.time()
        ]
    slopes = [f"d_{each.replace('.', '__')}" for each in states]
    slopes[states.index(voltage)] += " + current"
    space: dict[str, Any] = {"math": math, "numpy": np}
    exec("\n".join([*lines, f"    return [{', '.join(slopes)}]"]), space)
    return space["rhs"], model


@pytest.mark.parametrize("name", PUBLISHED)
def test_action_potential_is_that_of_another_reader_and_integrator(name, pytestconfig):
    model = load_model(FILES / f"{name}.cellml")
    assert model.voltage.qname() == PUBLISHED[name][0]
    assert f"stimulus {PUBLISHED[name][1]} set to zero" in model.found
    kernel = build(model, cache=pytestconfig.cache.mkdir("kernels"))
    voltage, states = kernel.resting(1)
    ours = action_potential(kernel, voltage[0], states[:, 0], duration=TRACE, dt=DT, sampling=DT)
    rhs, read = right_hand_side(name)
    row = [state.qname() for state in read.states()].index(PUBLISHED[name][0])
    start, trace, pulse = read.initial_values(as_floats=True), [], STANDARD_STIMULUS.duration
    for times, current in (
        (ours.times[ours.times < pulse + 1e-9], STANDARD_STIMULUS.amplitude),
        (ours.times[ours.times > pulse - 1e-9], 0.0),
    ):
        solved = solve_ivp(
            rhs, (times[0], times[-1]), start, "BDF", times, args=(current,), rtol=1e-8, atol=1e-10
        )
        assert solved.success
        start = solved.y[:, -1]
        trace.append(solved.y[row])
    theirs = ActionPotential(ours.times, np.concatenate([trace[0], trace[1][1:]]))
    print(f"{name}: {ours.apd():.2f} ({theirs.apd():.2f}) ms, {ours.peak:.2f} ({theirs.peak:.2f})")
    assert ours.peak == pytest.approx(theirs.peak, abs=0.5)
    assert ours.apd() == pytest.approx(theirs.apd(), abs=0.5)
    assert ours.voltages[-1] == pytest.approx(theirs.voltages[-1], abs=0.05)
