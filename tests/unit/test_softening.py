"""Worst elements lose what would cost stages, and nothing else changes."""

import math
from dataclasses import replace

import numpy as np
import pytest
from known_meshes import box
from mpi4py import MPI
from scipy import sparse
from scipy.sparse.linalg import expm_multiply

from polycardia.config import Tissue
from polycardia.physics.elements import element_stiffness
from polycardia.physics.mesh import TetMesh
from polycardia.solver.diffusion import free_rate, stages_needed
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership
from polycardia.solver.softening import Allowance, excess_of, rates_of, softening

N, EDGE = 10, 0.5  # boxes a side, and their edge [mm]
FLAT = 0.97  # of the way to the opposite face
ALLOWED = Allowance(0.05, 20.0)


def squeezed_mesh():
    """A jittered block in which one inner node nearly lies in a face of its element."""
    mesh = box(N, size=(N * EDGE,) * 3, jitter=0.1)
    points = mesh.points.copy()
    node = int(np.argmin(np.linalg.norm(points - 0.5 * N * EDGE, axis=1)))
    cell = mesh.tetrahedra[(mesh.tetrahedra == node).any(axis=1)][0]
    points[node] += FLAT * (points[cell[cell != node]].mean(axis=0) - points[node])
    return TetMesh(points, mesh.tetrahedra, mesh.region, None), node


def assembled(mesh, allowed=None, factor=None):
    comm = MPI.COMM_SELF
    fibre = np.tile((0.6, 0.8, 0.0), (len(mesh.tetrahedra), 1))
    mesh = TetMesh(mesh.points, mesh.tetrahedra, mesh.region, fibre)
    part = slice_of(mesh, ownership(len(mesh.points), comm))
    part = part if factor is None else replace(part, factor=factor)
    return assemble(part, Tissue(), comm=comm, allowed=allowed)


def decay_of(operators):
    indptr, columns, values = operators.decay.getValuesCSR()
    return sparse.csr_matrix((values, columns, indptr))


@pytest.fixture(scope="module")
def pair():
    mesh, node = squeezed_mesh()
    return mesh, node, assembled(mesh), assembled(mesh, ALLOWED)


def test_the_worst_element_no_more_sets_the_pace(pair):
    _, _, before, after = pair
    assert before.stiffest > 5.0 * ALLOWED.rate
    assert after.stiffest < 1.5 * ALLOWED.rate
    assert 0.0 < after.softened <= ALLOWED.volume


def test_rows_far_from_it_are_untouched(pair):
    mesh, node, before, after = pair
    far = np.linalg.norm(mesh.points - mesh.points[node], axis=1) > 3.0 * EDGE
    assert far.sum() > 0.8 * len(mesh.points)
    np.testing.assert_array_equal(decay_of(after)[far].data, decay_of(before)[far].data)


def test_it_stays_a_diffusion(pair):
    """Symmetric in the mass, positive, and a constant voltage stays."""
    _, _, _, after = pair
    stiffness = (sparse.diags(after.mass) @ decay_of(after)).toarray()
    np.testing.assert_allclose(stiffness, stiffness.T, atol=1e-12)
    np.testing.assert_allclose(stiffness.sum(axis=1), 0.0, atol=1e-12)
    assert np.linalg.eigvalsh(stiffness)[0] > -1e-12


def test_what_spreads_through_it_spreads_as_before(pair):
    """Exact exponentials of both: a bump of some edges, after a step and after a while."""
    mesh, node, before, after = pair
    away = np.linalg.norm(mesh.points - mesh.points[node] - [EDGE, 0.0, 0.0], axis=1)
    bump = 100.0 * np.exp(-((away / (4.0 * EDGE)) ** 2))
    for time in (0.1, 2.0):
        expected = expm_multiply(-time * decay_of(before), bump)
        found = expm_multiply(-time * decay_of(after), bump)
        error = np.abs(found - expected)
        assert error.max() < 0.03 * 100.0  # at the node itself
        assert math.sqrt(np.average(error**2, weights=before.mass)) < 2e-3 * 100.0


def test_elements_that_are_alike_stay_as_they_are():
    mesh = box(N, size=(N * EDGE,) * 3)
    plain = assembled(mesh)
    allowed = assembled(mesh, Allowance(0.001, 2.0 * plain.stiffest))
    assert allowed.softened == 0.0
    np.testing.assert_array_equal(decay_of(allowed).data, decay_of(plain).data)


def test_no_more_is_softened_than_is_allowed(pair):
    mesh = box(N, size=(N * EDGE,) * 3, jitter=0.3)
    for most in (0.01, 0.1):
        found = assembled(mesh, Allowance(most, 0.0))
        assert 0.0 < found.softened <= most
    none = assembled(mesh, Allowance(0.0, 0.0))
    assert none.softened == 0.0


def test_volumes_and_limit_by_hand(pair):
    """One side of the block is fast: where more than its volume is allowed it is chosen."""
    _, _, before, _ = pair
    elements = before.elements
    fast = (elements.points[elements.corners, 0] < 0.4 * EDGE).any(axis=1)
    rates = np.where(fast, 64.0, 1.0).astype(np.float32)
    share = elements.volume[fast].sum() / elements.volume.sum()
    comm = MPI.COMM_SELF
    nodes = len(elements.points)
    found = softening(rates, elements, nodes, Allowance(1.01 * share, 0.0), comm)
    np.testing.assert_array_equal(found.cells, np.flatnonzero(fast))
    assert found.volume == pytest.approx(share)
    assert 1.0 <= found.limit < 1.1
    less = softening(rates, elements, nodes, Allowance(0.99 * share, 0.0), comm)
    assert len(less.cells) == 0
    useless = softening(rates, elements, nodes, Allowance(1.01 * share, 256.0), comm)
    assert len(useless.cells) == 0


def test_slow_modes_of_a_flat_element_stay():
    """A linear field in the plane of a sliver has the same energy; across, it has less."""
    points = np.array([[0.0, 0, 0], [1.0, 0, 0.01], [1.0, 1.0, 0], [0.0, 1.0, 0.01]])
    corners = np.array([[0, 1, 2, 3]])
    matrices = element_stiffness(points, corners, np.eye(3))
    volume = np.linalg.det(points[1:] - points[:1])[None] / 6.0
    rates = 4.0 * np.linalg.eigvalsh(matrices[0]) / volume
    left = (matrices - excess_of(matrices, volume, 100.0))[0]
    assert rates[-1] > 1000.0
    np.testing.assert_allclose(
        4.0 * np.linalg.eigvalsh(left) / volume, np.minimum(rates, 100.0), atol=1e-9
    )
    assert rates_of(matrices, volume) == pytest.approx(rates.sum())
    along, across = points[:, 0], points[:, 2]
    assert along @ left @ along > 0.99 * (along @ matrices[0] @ along)
    assert across @ left @ across < 0.1 * (across @ matrices[0] @ across)
    np.testing.assert_allclose(left @ np.ones(4), 0.0, atol=1e-9)


def test_the_free_rate_costs_no_stage():
    for dt in (0.01, 0.025, 0.2):
        assert stages_needed(0.5 * dt * free_rate(dt)) == 2
        assert stages_needed(0.5 * dt * 1.01 * free_rate(dt)) == 3
