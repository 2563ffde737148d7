"""Which steep waves are taken for a front: those that rise, and not the wave back."""

import numpy as np
import pytest
from known_meshes import box
from mpi4py import MPI

from polycardia.config import Extracellular, Intracellular
from polycardia.config import Tissue as Properties
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.physics.mesh import TetMesh
from polycardia.solver.clock import Clock
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import Tissue
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership

DT = 0.02  # [ms]
REST, PEAK = -80.0, 20.0  # [mV], of Mitchell and Schaeffer's model as shipped
WIDTH = 12.0  # [mm]
N = 12  # elements across it
PROPERTIES = Properties(
    intracellular=Intracellular(fibre=0.2, cross=0.2),
    extracellular=Extracellular(fibre=0.2, cross=0.2),
)


@pytest.fixture
def stepped(kernels):
    """Step a bar once: the place of its nodes and their voltages, with a front where it is found.

    From functions of the place: the voltage [mV], and its change since the last look.
    """
    plain = box(N, size=(WIDTH, 2.0, 2.0))
    fibre = np.tile([1.0, 0.0, 0.0], (len(plain.tetrahedra), 1))
    mesh = TetMesh(plain.points, plain.tetrahedra, plain.region, fibre)
    kernel = build(load_model("mitchell_schaeffer"), cache=kernels)
    comm = MPI.COMM_SELF

    def step(voltage_at, change_at, moving=True):
        operators = assemble(
            slice_of(mesh, ownership(len(mesh.points), comm)), PROPERTIES, comm=comm
        )
        membrane = Membrane(
            [CellType(kernel, REST, np.array([0.5]))], np.zeros(len(mesh.points), np.int64)
        )
        tissue = Tissue(operators, membrane, [], Clock(operators.halo))
        x = mesh.points[:, 0]
        tissue.voltage[:] = voltage_at(x)
        tissue.find_front(moving, tissue.voltage - change_at(x))
        tissue.step(0, 1, DT)
        tissue.close()
        return x, tissue.voltage

    return step


def wave(x, middle):
    """From rest to peak within about two elements."""
    return REST + (PEAK - REST) / (1.0 + np.exp((x - middle) / 0.7))


def test_a_steep_wave_that_falls_is_no_front(stepped):
    def voltage(x):
        return wave(x, 6.0)

    _, without = stepped(voltage, np.ones_like, moving=False)
    _, falling = stepped(voltage, lambda x: -np.ones_like(x))
    np.testing.assert_array_equal(falling, without)
    _, rising = stepped(voltage, np.ones_like)
    assert np.abs(rising - without).max() > 0.01


def test_a_front_and_the_wave_back_behind_it_are_told_apart(stepped):
    """A pulse from 3 to 9 mm that travels along x."""

    def pulse(x):
        return wave(x, 9.0) - wave(x, 3.0) + REST

    x, without = stepped(pulse, np.ones_like, moving=False)
    _, found = stepped(pulse, lambda x: np.where(x > 6.0, 1.0, -1.0))
    corrected = np.abs(found - without)
    front, back = np.abs(x - 9.0) < 2.0, np.abs(x - 3.0) < 2.0
    assert corrected[front].max() > 0.01
    assert corrected[back].max() < 1e-6  # what half a step of diffusion brings over
