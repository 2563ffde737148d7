"""Action potentials of every cell against adaptive integrators on the retyped equations.

The bounds are the physics': half a millisecond of duration and half a millivolt of peak are what
the archive promises at the step that tissue takes.
"""

from functools import partial

import numpy as np
import pytest
from papers import minimal, mitchell_schaeffer, torord, tp06
from papers.functions import FLOATS
from scipy.integrate import odeint, solve_ivp

from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import MODELS
from polycardia.ionic.pacing import (
    STANDARD_STIMULUS,
    ActionPotential,
    action_potential,
    paced_state,
)

DT = 0.02  # [ms]
CYCLE = 1000.0  # [ms]
TRACE = 600.0  # [ms]
PAPERS = {
    name: paper for paper in (tp06, torord, minimal, mitchell_schaeffer) for name in paper.CELLS
}
QUICK = ("minimal", "mitchell_schaeffer")
"""Models of which a hundred beats take the reference seconds; the others ten to thirty."""

LONG = [
    pytest.param(name, 100, marks=() if name.startswith(QUICK) else pytest.mark.slow)
    for name in MODELS
]


@pytest.fixture(scope="module")
def kernels(pytestconfig):
    cache = pytestconfig.cache.mkdir("kernels")
    return {each: build(load_model(each), cache=cache) for each in MODELS}


def solution(name, start, times, current):
    """States ``(n_times, 1 + n_states)``, from ``start`` under a constant current.

    LSODA loses its way at the minimal models' thresholds, where its history is of another
    equation. They are not stiff: Runge-Kutta steps of order 8 reject until they are past.
    """
    paper = PAPERS[name]

    def rhs(t, y):
        voltage, *states = y.tolist()
        slope, *others = paper.rhs(voltage, states, paper.CELLS[name], FLOATS)
        return [slope + current, *others]

    if paper in (minimal, mitchell_schaeffer):
        span = times[0], times[-1]
        solved = solve_ivp(rhs, span, start, "DOP853", times, rtol=1e-8, atol=1e-10, max_step=10.0)
        assert solved.success
        return solved.y.T
    return odeint(rhs, start, times, rtol=1e-8, atol=1e-12, mxstep=100_000, tfirst=True)


def beat(name, start, times):
    """One beat at ``times``, of which one is the stimulus' end."""
    pulse = STANDARD_STIMULUS.duration
    during, after = times[times <= pulse + 1e-9], times[times >= pulse - 1e-9]
    solve = partial(solution, name)
    first = solve(start, np.minimum(during, pulse), STANDARD_STIMULUS.amplitude)
    return np.vstack([first, solve(first[-1], np.maximum(after, pulse), 0.0)[1:]])


@pytest.mark.parametrize(("name", "beats"), [*((name, 0) for name in MODELS), *LONG])
def test_action_potential(name, beats, kernels):
    """Each paces the cell by itself before the beat that is compared."""
    kernel = kernels[name]
    voltage, states = paced_state(kernel, cycle_length=CYCLE, beats=beats, dt=DT)
    ours = action_potential(kernel, voltage, states, duration=TRACE, dt=DT, sampling=DT)
    rows = [kernel.state_names.index(each) for each in PAPERS[name].STATES]
    start = np.array([kernel.initial_voltage, *np.array(kernel.initial_states)[rows]])
    for _ in range(beats):
        start = beat(name, start, np.array([0.0, STANDARD_STIMULUS.duration, CYCLE]))[-1]
    theirs = ActionPotential(ours.times, beat(name, start, ours.times)[:, 0])
    assert ours.peak == pytest.approx(theirs.peak, abs=0.5)
    assert ours.apd(0.9) == pytest.approx(theirs.apd(0.9), abs=0.5)
    assert ours.apd(0.5) == pytest.approx(theirs.apd(0.5), abs=0.5)
    assert ours.voltages[0] == pytest.approx(theirs.voltages[0], abs=0.05)
    assert ours.voltages[-1] == pytest.approx(theirs.voltages[-1], abs=0.05)
    print(
        f"{name} after {beats} beats: APD90 {ours.apd(0.9):.3f} ({theirs.apd(0.9):.3f}) ms, "
        f"peak {ours.peak:.3f} ({theirs.peak:.3f}) mV"
    )
