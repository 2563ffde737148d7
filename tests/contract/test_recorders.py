"""Every recorder can be put away at any step and taken up again, and changes nothing it is shown.

The voltage is that of nodes at random phases of two action potentials, in uneven steps.
"""

import numpy as np
import pytest

from polycardia.solver.partition import Ownership
from polycardia.solver.probes import Probes
from polycardia.solver.recording import Crossings, Electrogram, Window
from polycardia.solver.recovery import Recovery
from polycardia.solver.upstroke import SteepestUpstroke

N, N_STEPS = 40, 900
LEVELS = {"activation": 0.0, "repolarisation": -70.0, "window": Window(5.0, 1e6)}
PHASE = np.random.default_rng(7).uniform(0.0, 60.0, N)
TIMES = np.cumsum(np.r_[0.0, np.random.default_rng(8).choice([0.1, 0.4, 1.0], N_STEPS)])


class Cells:
    """Two states a node, in columns of another order, which follow the time."""

    def __init__(self):
        self.states = np.zeros((2, N))
        self.column = np.random.default_rng(9).permutation(N).astype(np.int32)


CELLS = Cells()
MAKERS = {
    "crossings": lambda: Crossings(voltage_at(0.0), **LEVELS),
    "upstroke": lambda: SteepestUpstroke(Crossings(voltage_at(0.0), **LEVELS)),
    "recovery": lambda: Recovery(voltage_at(0.0), threshold=0.0, window=LEVELS["window"]),
    "electrogram": lambda: Electrogram(np.random.default_rng(2).normal(size=(3, N)), N_STEPS + 1),
    "probes": lambda: Probes(
        [3, 17, 60], Ownership(100, 0, N), every=3, n_samples=N_STEPS + 1, states=CELLS
    ),
}


def voltage_at(time):
    """Two action potentials, 180 ms apart."""
    voltage = np.full(N, -85.0)
    for start in (10.0, 190.0):
        since = time - start - PHASE
        rise = 1.0 / (1.0 + np.exp(-np.clip(since, -50, 50) / 0.6))
        fall = 1.0 / (1.0 + np.exp(np.clip((since - 100.0) / 8.0, -50, 50)))
        voltage += 120.0 * rise * fall
    return voltage


def played(recorder, first, last):
    for step in range(first, last):
        before, after = voltage_at(TIMES[step]), voltage_at(TIMES[step + 1])
        kept = before.copy(), after.copy()
        recorder.observe(TIMES[step], TIMES[step + 1] - TIMES[step], before, after)
        CELLS.states[:, CELLS.column] = np.arange(2)[:, None] + step + np.arange(N) / 100.0
        recorder.sample(step + 1, TIMES[step + 1], after)
        np.testing.assert_array_equal((before, after), kept)
    return recorder


def copies(recorder):
    return {name: array.copy() for name, array in recorder.arrays().items()}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("stop", [1, *range(58, 72), 230, 500])
def test_restored_midway_it_records_the_same_bits(name, stop):
    whole = copies(played(MAKERS[name](), 0, N_STEPS))
    midway = copies(played(MAKERS[name](), 0, stop))
    continued = MAKERS[name]()
    continued.restore(midway)
    for array, kept in copies(played(continued, stop, N_STEPS)).items():
        np.testing.assert_array_equal(kept, whole[array], err_msg=f"{name}: {array}")
    assert any((midway[array] != whole[array]).any() for array in whole)


@pytest.mark.parametrize("name", MAKERS)
def test_arrays_have_a_row_a_node_or_add_up(name):
    recorder = played(MAKERS[name](), 0, 300)
    if recorder.by_node:
        assert {len(array) for array in recorder.arrays().values()} == {N}


@pytest.mark.parametrize("name", ["crossings", "upstroke", "recovery"])
def test_nodes_do_not_influence_each_other(name):
    """What a checkpoint on another number of ranks relies on."""
    whole = played(MAKERS[name](), 0, 400).arrays()
    one = {
        "crossings": lambda v: Crossings(v, **LEVELS),
        "upstroke": lambda v: SteepestUpstroke(Crossings(v, **LEVELS)),
        "recovery": lambda v: Recovery(v, threshold=0.0, window=LEVELS["window"]),
    }[name](voltage_at(0.0)[11:13])
    for step in range(400):
        before, after = voltage_at(TIMES[step])[11:13], voltage_at(TIMES[step + 1])[11:13]
        one.observe(TIMES[step], TIMES[step + 1] - TIMES[step], before, after)
    for array, values in one.arrays().items():
        np.testing.assert_array_equal(values, whole[array][11:13], err_msg=array)


def test_probes_hold_the_voltage_and_states_of_their_nodes():
    values = played(MAKERS["probes"](), 0, 90).values
    assert values.shape == (3, 3, N_STEPS // 3 + 1)
    for sample in (1, 2, 30):
        step = 3 * sample - 1
        for probe, node in enumerate((3, 17)):
            expected = step + node / 100.0
            assert values[probe, 0, sample] == voltage_at(TIMES[step + 1])[node]
            np.testing.assert_array_equal(values[probe, 1:, sample], [expected, expected + 1.0])
    # Another rank's node.
    assert (values[2] == 0.0).all()
