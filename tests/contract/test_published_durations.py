"""ToR-ORd against the durations that its authors print, and the beats that they distribute.

[ToR] Tomek et al., eLife 8:e48890 (2019), doi 10.7554/eLife.48890, prints durations of its
endocardial cell with fixed chloride; docs/cell-models.md says why no other model is here.
[program] https://github.com/jtmff/torord, which [ToR] names as its own.
"""

from typing import Any

import myokit
import numpy as np
import pytest
from numpy.typing import NDArray

from polycardia.ionic.carrier import find_carrier
from polycardia.ionic.kernel import Kernel, build
from polycardia.ionic.model import CellModel, load_model
from polycardia.ionic.pacing import Stimulus
from polycardia.ionic.scaling import with_factors
from polycardia.ionic.tracing import Sampling, trace

Floats = NDArray[np.float64]
Block = tuple[float, float]
"""What is left of I_K1 and of I_Kr."""

BEATS = 1000
"""[ToR] appendix 1, 15.1.1: all results are at the end of so many."""

AMPLITUDE, PULSE = 53.0, 1.0
"""[ToR] appendix 1, 15.1: [A/F], [ms], carried by potassium."""

PRINTED: dict[float, dict[Block, float]] = {
    500.0: {(0.1, 1.0): 250, (0.1, 0.85): 271, (0.1, 0.7): 297},
    1000.0: {(0.1, 1.0): 281, (0.1, 0.85): 307, (0.1, 0.7): 341, (1.0, 0.55): 351.5},
}
"""APD90 [ms] by cycle length [ms]: [ToR] appendix 1, table 2, and section 8 for I_Kr alone."""

TRANSIENTS: dict[Block, float] = {(1.0, 1.0): 312, (1.0, 0.55): 360}
"""Amplitude of the calcium transient at 1000 ms [nM]: [ToR] appendix 1, section 8."""

STARTING = {
    "membrane.V": -88.8691566357934,
    "sodium.na_i": 12.0996647655188,
    "sodium.na_ss": 12.1000028563765,
    "potassium.k_i": 142.412524737626,
    "potassium.k_ss": 142.412481425842,
    "chloride.cl_i": 24.0,
    "chloride.cl_ss": 24.0,
}
"""[program] getStartingState.m, Torord_endo: what a thousand beats do not forget."""

TAU_J = 75.0  # [ms], [program] model_Torord.m; 72.5 with dynamic chloride

DT = 0.05  # [ms]

ROUNDING = 1.0
"""[ms], [nM]: half of it the print's, the rest the time steps', theirs and ours."""

RETURN = 5e-4
"""Of a state's largest magnitude; 4.2e-4 is the most that a beat changes.  A fifth more or less
of the conductance of I_Kr, I_K1, I_CaL, I_NaL, the exchanger or the pump makes that 0.01 to 0.06,
of I_to and I_Na 7e-4 to 4e-3, of I_Ks 6e-4 to 1e-3."""


def with_fixed_chloride() -> CellModel:
    """The endocardial cell as [ToR] has it."""
    equations: Any = load_model("torord_endo").equations
    for name, value in STARTING.items():
        equations.get(name).set_initial_value(value)
    for name in ("chloride.cl_i", "chloride.cl_ss"):
        chloride = equations.get(name)
        chloride.set_rhs(myokit.Number(0, chloride.unit() / myokit.units.ms))
    equations.get("i_cal.tau_j").set_rhs(myokit.Number(TAU_J, myokit.units.ms))
    equations.check_units(myokit.UNIT_STRICT)
    return CellModel("ToR-ORd of 2019", equations)


def last_beat(model: CellModel, blocks: list[Block], cycle_length: float, **cache: Any) -> Any:
    """Times ``(m,)``, voltages and calcium ``(m, n_blocks)`` of the last of `BEATS` beats."""
    carrier = find_carrier(model, "potassium")
    assert carrier
    model, factors = with_factors(model, ["g_k1", "g_kr"])
    kernel = build(model, node_parameters=factors, **cache)
    left = dict(zip(factors, np.array(blocks).T.copy(), strict=True))
    calcium = kernel.state_names.index("calcium.ca_i")
    voltage, states = kernel.resting(len(blocks))
    pulse, cycle = round(PULSE / DT), round(cycle_length / DT)
    samples: list[tuple[Floats, Floats]] = []
    for last in (*[False] * (BEATS - 1), True):
        for step in range(cycle if last else pulse):
            kernel.advance(voltage, states, DT, parameters=left)
            if step < pulse:
                voltage += AMPLITUDE * DT
                states[carrier.row] += carrier.gain * AMPLITUDE * DT
            if last:
                samples.append((voltage.copy(), states[calcium].copy()))
        if not last:
            kernel.advance(voltage, states, DT, cycle - pulse, parameters=left)
    voltages, transients = np.array(samples).transpose(1, 0, 2)
    return DT * np.arange(1, cycle + 1), voltages, transients


def duration(times: Floats, voltages: Floats) -> float:
    """APD90 as [program] measures it: above a tenth of the peak over the end of the beat [ms]."""
    level = voltages[-1] + 0.1 * (voltages.max() - voltages[-1])
    up = int(np.argmax(voltages > level))
    down = up + int(np.argmin(voltages[up:] > level))
    v0, v1 = voltages[down - 1 : down + 1]
    end = times[down - 1] + DT * (v0 - level) / (v0 - v1)
    return float(end - times[up])


@pytest.mark.slow
@pytest.mark.parametrize("cycle_length", PRINTED)
def test_torord_has_the_printed_durations(cycle_length, pytestconfig):
    blocks = [*PRINTED[cycle_length], (1.0, 1.0)]
    cache = pytestconfig.cache.mkdir("kernels")
    times, voltages, calcium = last_beat(with_fixed_chloride(), blocks, cycle_length, cache=cache)
    ours = {each: duration(times, voltages[:, k]) for k, each in enumerate(blocks)}
    print(f"{cycle_length:g} ms:", {each: f"{apd:.2f}" for each, apd in ours.items()})
    for block, printed in PRINTED[cycle_length].items():
        assert ours[block] == pytest.approx(printed, abs=ROUNDING), block
    if cycle_length == 1000.0:
        amplitudes = 1e6 * np.ptp(calcium, axis=0)
        for block, printed in TRANSIENTS.items():
            found = amplitudes[blocks.index(block)]
            assert found == pytest.approx(printed, abs=ROUNDING), block


def change_of_a_beat(kernel: Kernel, stimulus: Stimulus) -> dict[str, float]:
    """By how much a beat of 1000 ms changes each state, relative to its largest magnitude."""
    voltage, states = kernel.resting(1)
    traced = trace(
        kernel, voltage, states, duration=1000.0, dt=0.02, sampling=Sampling(), stimulus=stimulus
    )
    before = np.array([kernel.initial_voltage, *kernel.initial_states])
    moved = np.abs(np.array([voltage[0], *states[:, 0]]) - before) / traced.magnitudes[:, 0]
    return dict(zip(("V", *kernel.state_names), moved.tolist(), strict=True))


@pytest.mark.parametrize("name", ["torord_endo", "torord_mid", "torord_epi"])
def test_torord_repeats_the_beat_that_its_authors_distribute(name, pytestconfig):
    """The text starts from the state that they give as steady at 1 Hz, dynamic chloride."""
    model = load_model(name)
    kernel = build(model, cache=pytestconfig.cache.mkdir("kernels"))
    stimulus = Stimulus(AMPLITUDE, PULSE, find_carrier(model, "potassium"))
    changes = change_of_a_beat(kernel, stimulus)
    worst = max(changes, key=changes.__getitem__)
    print(f"{name}: {worst} by {changes[worst]:.1e}")
    assert changes[worst] < RETURN, worst
