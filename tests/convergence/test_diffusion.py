"""Orders, stability and conductivity of the diffusion step, against decays known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from scipy import sparse
from scipy.sparse.linalg import eigsh, expm_multiply

from polycardia.physics.bar import bar
from polycardia.physics.bricks import KUHN
from polycardia.physics.elements import conductivity_tensor, lumped_mass, stiffness
from polycardia.physics.mesh import TetMesh
from polycardia.physics.slab import TISSUE, slab_mesh
from polycardia.solver.diffusion import Diffusion, stages_needed
from polycardia.solver.operators import assemble, effective, slice_of
from polycardia.solver.partition import ownership

SIDES = np.array([2.0, 1.2, 0.8])  # [mm]
FIBRE, CROSS = 0.133418, 0.0176062  # [S/m], Niederer et al. 2011, table 1
CHARGE = TISSUE.surface_to_volume * TISSUE.capacitance
ALONG, ACROSS = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def box(n, fibre=ALONG):
    """Bricks of six tetrahedra, 2 n by n by n, nodes inside shaken."""
    axes = [np.linspace(0.0, side, k + 1) for side, k in zip(SIDES, (2 * n, n, n), strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = ((points > 0.0) & (points < SIDES)).all(axis=1, keepdims=True)
    shake = np.random.default_rng(n).uniform(-0.1, 0.1, points.shape)
    number = np.arange(len(points)).reshape(2 * n + 1, n + 1, n + 1)
    corners = np.stack(
        [
            number[x : x + 2 * n, y : y + n, z : z + n].ravel()
            for z in (0, 1)
            for y in (0, 1)
            for x in (0, 1)
        ],
        axis=1,
    )
    cells = corners[:, KUHN].reshape(-1, 4)
    points = points + shake * inside * SIDES / (2 * n, n, n)
    return TetMesh(points, cells, np.zeros(len(cells), np.int64), np.tile(fibre, (len(cells), 1)))


def assembled(mesh):
    comm = MPI.COMM_SELF
    return assemble(slice_of(mesh, ownership(len(mesh.points), comm)), TISSUE, comm=comm)


def diffused(operators, start, dt, n_steps):
    """The voltage after so many steps, and the stages of one."""
    voltage = start.copy()
    diffusion = Diffusion(operators, voltage)
    stages = {diffusion.advance(dt) for _ in range(n_steps)}
    diffusion.close()
    return voltage, stages.pop()


def symmetric_decay(mesh):
    """The decay as a symmetric matrix, put together without the solver, and the mass [mm^3]."""
    tensor = conductivity_tensor(np.asarray(mesh.fibre), None, FIBRE / CHARGE, CROSS / CHARGE)
    mass = lumped_mass(mesh)
    scale = sparse.diags_array(1.0 / np.sqrt(mass))
    return (scale @ stiffness(mesh, tensor) @ scale).tocsr(), mass


def observed_order(steps, errors):
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def left_of_mode(n, mode, fibre, duration=2.0, dt=0.01):
    """What is left of a cosine's amplitude, which flows through no face of the box."""
    mesh = box(n, fibre)
    wave = np.cos(np.pi * np.array(mode) * mesh.points / SIDES).prod(axis=1)
    left, _ = diffused(assembled(mesh), wave, dt, round(duration / dt))
    weight = lumped_mass(mesh)
    return float((weight * wave) @ left / ((weight * wave) @ wave))


def exact_left(mode, sigma, duration=2.0):
    rate = np.array(sigma) / CHARGE @ (np.pi * np.array(mode) / SIDES) ** 2
    return np.exp(-rate * duration)


@pytest.mark.parametrize(
    ("mode", "fibre", "sigma"),
    [
        ((1, 0, 0), ALONG, (FIBRE, CROSS, CROSS)),
        ((2, 1, 0), ALONG, (FIBRE, CROSS, CROSS)),
        ((1, 1, 1), ACROSS, (CROSS, FIBRE, CROSS)),
    ],
)
def test_order_in_space_is_two(mode, fibre, sigma):
    counts = np.array([6, 12, 24])
    exact = exact_left(mode, sigma)
    errors = [abs(left_of_mode(n, mode, fibre) / exact - 1.0) for n in counts]
    print(mode, errors)
    assert errors[-1] < 0.01
    assert observed_order(1.0 / counts, errors) == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("stages", [2, 3, 6, 11])
def test_order_in_time_is_two_for_any_number_of_stages(stages):
    """Against the exponential of the same matrix, so that nothing but time is left."""
    mesh = box(4)
    matrix, mass = symmetric_decay(mesh)
    operators = assembled(mesh)
    wave = np.cos(np.pi * mesh.points[:, 0] / SIDES[0])
    duration = 2.0
    exact = expm_multiply(-duration * matrix, np.sqrt(mass) * wave) / np.sqrt(mass)
    counts = np.array([16, 32, 64])
    errors = []
    for count in counts:
        dt = duration / count
        forced = replace(operators, stiffest=0.999 * stable_up_to(stages) / dt)
        found, took = diffused(replace_matrix(forced), wave, dt, count)
        assert took == stages
        errors.append(np.abs(found - exact).max())
    print(stages, errors)
    assert observed_order(duration / counts, errors) == pytest.approx(2.0, abs=0.25)


def replace_matrix(operators):
    """The same with a matrix of its own, which the step destroys."""
    return replace(operators, decay=operators.decay.copy())


def stable_up_to(stages):
    """Largest lambda dt: Meyer, Balsara & Aslam 2014, equation 20."""
    return 0.5 * (stages**2 + stages - 2.0)


def test_no_more_stages_than_needed():
    for stages in range(3, 30):
        assert stages_needed(stable_up_to(stages)) == stages
        assert stages_needed(stable_up_to(stages - 1) * 1.0001) == stages
    assert stages_needed(0.0) == stages_needed(2.0) == 2


def top_mode(mesh):
    matrix, mass = symmetric_decay(mesh)
    value, vector = eigsh(matrix, k=1, which="LA")
    return float(value[0]), vector[:, 0] / np.sqrt(mass), mass


@pytest.mark.parametrize("stages", range(2, 13))
def test_a_step_at_the_bound_does_not_grow_and_one_beyond_it_does(stages):
    mesh = box(3)
    stiffest, mode, mass = top_mode(mesh)
    noise = mode / np.abs(mode).max() + np.random.default_rng(1).uniform(-1.0, 1.0, len(mode))
    start = np.sqrt(mass @ noise**2)
    dt = stable_up_to(stages) / stiffest
    for beyond, grows in ((1.0, False), (1.5, True)):
        told = replace(assembled(mesh), stiffest=stiffest * (1.0 - 1e-9) / beyond)
        found, took = diffused(told, noise, dt * beyond, 20)
        assert took == stages
        assert (np.sqrt(mass @ found**2) > start) == grows


def disordered():
    points, cells = bar((12, 5, 5))
    return TetMesh(
        0.5 * points, cells, np.zeros(len(cells), np.int64), np.tile(ALONG, (len(cells), 1))
    )


@pytest.mark.parametrize(
    "mesh",
    [box(6), slab_mesh(0.5), slab_mesh(0.5, "unstructured"), disordered()],
    ids=["shaken", "bricks", "unstructured", "disordered"],
)
def test_the_bound_holds_and_is_not_far_off(mesh):
    bound, true = assembled(mesh).stiffest, top_mode(mesh)[0]
    print(bound / true)
    assert true <= bound < 3.0 * true


def test_effective_conductivity_is_the_benchmarks():
    sigma = effective(TISSUE)
    assert sigma.fibre == pytest.approx(FIBRE, rel=1e-5)
    assert sigma.cross == pytest.approx(CROSS, rel=1e-5)


def test_what_flows_out_of_one_node_flows_into_others():
    mesh = box(3)
    start = np.random.default_rng(1).normal(size=len(mesh.points))
    found, _ = diffused(assembled(mesh), start, 0.5, 20)
    mass = lumped_mass(mesh)
    assert mass @ found == pytest.approx(mass @ start, rel=1e-12)
    assert np.ptp(found) < 0.7 * np.ptp(start)
