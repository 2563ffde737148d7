"""Orders of the diffusion step, against a cosine's exact decay."""

import numpy as np
import pytest
from petsc4py import PETSc

from polycardia.physics.mesh import TetMesh
from polycardia.physics.slab import KUHN, TISSUE
from polycardia.solver.diffusion import DiffusionStep
from polycardia.solver.operators import assemble, effective, slice_of
from polycardia.solver.partition import ownership, world

LENGTH = 2.0  # [mm]


ALONG, ACROSS = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def column(n, fibre=ALONG):
    """A beam of 1 x 1 bricks in cross section, n along x."""
    axes = [np.linspace(0.0, LENGTH, n + 1), np.array([0.0, 0.5]), np.array([0.0, 0.5])]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape(n + 1, 2, 2)
    corners = np.stack(
        [number[x : x + n, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], axis=1
    )
    cells = corners[:, KUHN].reshape(-1, 4)
    return TetMesh(points, cells, np.zeros(len(cells), np.int64), np.tile(fibre, (len(cells), 1)))


def decay(mesh, dt, *, theta=0.5, lumping=0.25, duration=4.0):
    """What is left of the amplitude of half a cosine along x."""
    comm = world()
    part = slice_of(mesh, ownership(len(mesh.points), comm))
    operators = assemble(part, TISSUE, mass_lumping=lumping, comm=comm)
    wave = np.cos(np.pi * mesh.points[:, 0] / LENGTH)
    voltage = PETSc.Vec().createWithArray(wave.copy(), comm=comm)
    with DiffusionStep(
        operators.mass, operators.stiffness, dt=dt, theta=theta, tolerance=1e-13
    ) as diffusion:
        for _ in range(round(duration / dt)):
            diffusion.advance(voltage)
    left = float(voltage.array @ wave / (wave @ wave))
    voltage.destroy()
    return left


def exact_decay(sigma, duration=4.0):
    """The same of the continuous wave, for a conductivity along x [mS/mm]."""
    diffusivity = sigma / (TISSUE.surface_to_volume * TISSUE.capacitance)
    return np.exp(-diffusivity * (np.pi / LENGTH) ** 2 * duration)


def error(n, dt, **scheme):
    """Relative error of a cosine's amplitude after it has diffused along the fibres."""
    return abs(decay(column(n), dt, **scheme) / exact_decay(effective(TISSUE).fibre) - 1.0)


def observed_order(steps, errors):
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


@pytest.mark.parametrize("lumping", [0.0, 0.25, 1.0])
def test_order_in_space_is_two(lumping):
    counts = np.array([8, 16, 32])
    errors = [error(n, 0.02, lumping=lumping) for n in counts]
    assert observed_order(LENGTH / counts, errors) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(("theta", "order"), [(0.5, 2.0), (1.0, 1.0)])
def test_order_in_time_is_declared(theta, order):
    steps = np.array([1.0, 0.5, 0.25])
    spatial = error(64, 1e-2, theta=0.5)
    errors = [abs(error(64, dt, theta=theta) - spatial) for dt in steps]
    assert observed_order(steps, errors) == pytest.approx(order, abs=0.15)


def test_effective_conductivity_is_the_benchmarks():
    # Niederer et al. 2011, table 1: 0.133418 and 0.0176062 S/m
    sigma = effective(TISSUE)
    assert sigma.fibre == pytest.approx(0.133418, rel=1e-5)
    assert sigma.cross == pytest.approx(0.0176062, rel=1e-5)


@pytest.mark.parametrize(
    ("fibre", "sigma"), [(ALONG, 0.133418), (ACROSS, 0.0176062)], ids=["along", "across"]
)
def test_a_wave_decays_by_the_conductivity_in_its_direction(fibre, sigma):
    # Niederer et al. 2011, table 1 [S/m]; the amplitude's logarithm is proportional to it
    found = np.log(decay(column(32, fibre), 0.02))
    assert found == pytest.approx(np.log(exact_decay(sigma)), rel=2e-3)
