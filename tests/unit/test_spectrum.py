"""The bound of the eigenvalues, against dense ones."""

import numpy as np
import pytest
from known_meshes import box
from mpi4py import MPI
from scipy import sparse

from polycardia.config import Tissue
from polycardia.physics.mesh import TetMesh
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership
from polycardia.solver.spectrum import largest_eigenvalue


def operators(mesh):
    comm = MPI.COMM_SELF
    fibre = np.tile((0.6, 0.8, 0.0), (len(mesh.tetrahedra), 1))
    mesh = TetMesh(mesh.points, mesh.tetrahedra, mesh.region, fibre)
    return assemble(slice_of(mesh, ownership(len(mesh.points), comm)), Tissue(), comm=comm)


def decay_of(of):
    indptr, columns, values = of.decay.getValuesCSR()
    return sparse.csr_matrix((values, columns, indptr))


def dense_eigenvalue(of):
    root = np.sqrt(of.mass)
    symmetric = root[:, None] * decay_of(of).toarray() / root
    return np.linalg.eigvalsh(0.5 * (symmetric + symmetric.T))[-1]


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("jitter", [0.0, 0.25])
def test_it_is_just_above_the_largest(n, jitter):
    of = operators(box(n, size=(3.0, 2.0, 2.0), jitter=jitter))
    largest = dense_eigenvalue(of)
    assert largest < of.stiffest < 1.05 * largest


def test_one_bad_node_among_many_is_found():
    mesh = box(8, size=(8.0, 8.0, 8.0))
    points = mesh.points.copy()
    node = int(np.argmin(np.linalg.norm(points - 4.0, axis=1)))
    cell = mesh.tetrahedra[(mesh.tetrahedra == node).any(axis=1)][0]
    points[node] += 0.99 * (points[cell[cell != node]].mean(axis=0) - points[node])
    of = operators(TetMesh(points, mesh.tetrahedra, mesh.region, None))
    largest = dense_eigenvalue(of)
    assert largest > 3.0 * dense_eigenvalue(operators(mesh))
    assert largest < of.stiffest < 1.05 * largest


def test_tissue_that_does_not_conduct_has_none():
    of = operators(box(2))
    nothing = 0.0 * decay_of(of)
    assert largest_eigenvalue(nothing, of.mass, of.halo, MPI.COMM_SELF) == 0.0
