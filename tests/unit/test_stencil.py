"""What the nodes' stencils see of the tissue's diffusivity."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from petsc4py import PETSc

from polycardia.config import Extracellular, Intracellular, Tissue
from polycardia.physics.bricks import along_the_diagonal, bricks
from polycardia.physics.mesh import TetMesh
from polycardia.physics.topology import tet_volumes
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership
from polycardia.solver.stencil import PAIRS

ALONG, ACROSS = 5.0, 1.0  # D [mm^2/ms]


def tissue(along, across):
    return Tissue(
        surface_to_volume=1.0,
        capacitance=1.0,
        intracellular=Intracellular(fibre=along, cross=across),
        extracellular=Extracellular(fibre=1e12, cross=1e12),
    )


def box(degrees, jitter=0.0):
    """Bricks whose fibres lie at an angle to their edges; and which nodes are well inside."""
    points, cells = bricks([np.arange(7.0)] * 3)
    inside = ((points > 0.0) & (points < 6.0)).all(axis=1)
    moved = np.random.default_rng(7).uniform(-jitter, jitter, points.shape)
    points = points + np.where(inside[:, None], moved, 0.0)
    angle = np.radians(degrees)
    fibre = np.tile([np.cos(angle), np.sin(angle), 0.0], (len(cells), 1))
    deep = ((points > 1.5) & (points < 4.5)).all(axis=1)
    return TetMesh(points, cells, np.zeros(len(cells), np.int64), fibre), deep


def operators_of(mesh, along=ALONG, across=ACROSS, factor=1.0):
    part = slice_of(mesh, ownership(len(mesh.points), MPI.COMM_SELF))
    part = replace(part, factor=np.full(len(mesh.tetrahedra), factor, np.float32))
    return assemble(part, tissue(along, across), comm=MPI.COMM_SELF)


def diffused(operators, values):
    """The change of a voltage by diffusion alone [1/ms]."""
    change = operators.decay.createVecLeft()
    operators.decay.mult(PETSc.Vec().createWithArray(values, comm=PETSc.COMM_SELF), change)
    return -change.array


def rate_of(operators):
    return operators.decay.getDiagonal().array


@pytest.mark.parametrize("factor", [1.0, 0.25])
@pytest.mark.parametrize("degrees", [0.0, 30.0, 45.0])
def test_it_is_what_diffusion_makes_of_a_parabola_beyond_the_tissues_own(degrees, factor):
    """Of s^2/2 the equations make n . D n everywhere."""
    mesh, deep = box(degrees, jitter=0.2)
    operators = operators_of(mesh, factor=factor)
    way = np.array([0.5, -0.7, 0.3])
    seen = diffused(operators, 0.5 * (mesh.points @ way) ** 2)[deep] / factor
    along = mesh.fibre[0] @ way
    true = ACROSS * way @ way + (ALONG - ACROSS) * along**2
    found = sum(
        operators.uneven[:, k] * way[a] * way[b] * (1.0 if a == b else 2.0)
        for k, (a, b) in enumerate(PAIRS)
    )
    expected = (seen - true) / np.sqrt(rate_of(operators)[deep])
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found[deep], expected, rtol=1e-5, atol=1e-6)


def test_where_conductivity_jumps_an_even_stencil_stays_even():
    """On a chain of layers the mean of both sides is what the node between them sees."""
    mesh, _ = box(0.0)
    middle = mesh.points[mesh.tetrahedra].mean(axis=1)
    part = slice_of(mesh, ownership(len(mesh.points), MPI.COMM_SELF))
    factor = np.where(middle[:, 0] < 3.0, 1.0, 4.0).astype(np.float32)
    jump = assemble(replace(part, factor=factor), tissue(1.0, 1.0), comm=MPI.COMM_SELF)
    even = operators_of(mesh, 1.0, 1.0)
    between = (mesh.points[:, 0] == 3.0) & ((mesh.points > 1.0) & (mesh.points < 5.0)).all(axis=1)
    assert between.any()
    by_rate = np.sqrt(rate_of(jump) / rate_of(even))
    np.testing.assert_allclose(
        (jump.uneven[:, 0] * by_rate)[between], even.uneven[between, 0], atol=1e-6
    )


def test_tissue_that_does_not_conduct_has_finite_ones():
    mesh, _ = box(45.0)
    assert np.isfinite(operators_of(mesh, factor=0.0).uneven).all()


def test_a_bar_along_the_diagonal_is_whole():
    points, cells = along_the_diagonal((5, 4, 3))
    root = np.sqrt(2.0)
    np.testing.assert_allclose(points.max(axis=0), [5.0 * root, 4.0 * root, 3.0])
    np.testing.assert_allclose(points.min(axis=0), 0.0, atol=1e-12)
    volumes = tet_volumes(points, cells)
    assert volumes.min() > 0.0
    assert volumes.sum() == pytest.approx(120.0)
    assert (np.diff(points[:, 0]) >= 0.0).all()
    assert len(np.unique(cells)) == len(points)
