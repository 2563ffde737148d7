"""A voltage that is lost ends the beat, whenever that happens and whatever else goes on."""

import numpy as np
import pytest
from known_meshes import box

from polycardia.config import (
    Extracellular,
    Intracellular,
    Numerics,
    Simulation,
    Stimulation,
    Tissue,
)
from polycardia.errors import SolveFailed
from polycardia.physics.mesh import TetMesh
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import alone, ownership
from polycardia.solver.recorders import Recorders
from polycardia.solver.stimulus import Stimulus

DT, DURATION = 0.1, 10.0  # [ms]; a look every two steps
STEPS = 100
REST = -80.0  # [mV]


class Breaks:
    """A membrane without current that loses one node's voltage in one step."""

    state_names = ("nothing",)

    def __init__(self, step, value):
        self._left, self._value = step, value

    def advance(self, voltage, states, dt, *, parameters=None, gating=None):
        self._left -= 1
        if self._left == 0:
            voltage[3] = self._value


def simulate(kernel, stimulated=()):
    tissue = Tissue(
        intracellular=Intracellular(fibre=0.1, cross=0.1),
        extracellular=Extracellular(fibre=0.1, cross=0.1),
    )
    settings = Simulation(
        tissue=tissue,
        numerics=Numerics(dt=DT, dt_quiet=DT, duration=DURATION, report_interval=DURATION),
        stimulation=Stimulation(),
        sampling_interval=0.2,
    )
    mesh = box(3)
    fibre = np.tile([1.0, 0.0, 0.0], (len(mesh.tetrahedra), 1))
    mesh = TetMesh(mesh.points, mesh.tetrahedra, mesh.region, fibre)
    owned = ownership(len(mesh.points), alone())
    operators = assemble(slice_of(mesh, owned), tissue, comm=alone())
    kind = CellType(kernel, REST, np.zeros(1))
    membrane = Membrane([kind], np.zeros(owned.count, np.int64))
    recorders = Recorders(membrane.resting_voltage(), np.ones((1, owned.count)), settings)
    return simulate_beat(alone(), operators, membrane, stimulated, recorders, settings)


def test_without_a_loss_the_beat_is_whole():
    beat = simulate(Breaks(0, np.nan))
    assert beat.cost.n_steps == STEPS
    assert np.isfinite(beat.recorded.potentials).all()


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("step", [STEPS, STEPS - 1])
def test_it_is_seen_in_the_last_steps_behind_the_last_look(step, value):
    with pytest.raises(SolveFailed, match="not finite before 10 ms"):
        simulate(Breaks(step, value))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_it_is_seen_at_the_next_look_though_a_stimulus_is_due(value):
    pulse = Stimulus(np.array([0]), first_step=0, n_steps=STEPS, amplitude=1.0)
    with pytest.raises(SolveFailed, match=r"not finite before 0\.4 ms"):
        simulate(Breaks(3, value), [pulse])
