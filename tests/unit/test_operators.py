"""One rank's rows of the diffusion operator, against matrices written out here."""

from dataclasses import replace

import numpy as np
import pytest
from known_meshes import box
from mpi4py import MPI

from polycardia.config import Tissue, Velocities
from polycardia.errors import BadMesh
from polycardia.physics.mesh import TetMesh
from polycardia.solver.halo import Halo
from polycardia.solver.operators import assemble, diffusivity, effective, slice_of
from polycardia.solver.partition import Ownership, ownership

TISSUE = Tissue()
UNIT = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])


def with_fibre(mesh, fibre=(0.6, 0.8, 0.0)):
    return TetMesh(
        mesh.points, mesh.tetrahedra, mesh.region, np.tile(fibre, (len(mesh.tetrahedra), 1))
    )


def whole(mesh):
    comm = MPI.COMM_SELF
    return assemble(slice_of(mesh, ownership(len(mesh.points), comm)), TISSUE, comm=comm)


def dense(operators):
    rows, columns = operators.decay.getSize()
    indptr, indices, data = operators.decay.getValuesCSR()
    matrix = np.zeros((rows, columns))
    np.add.at(matrix, (np.repeat(np.arange(rows), np.diff(indptr)), indices), data)
    return matrix


def test_the_unit_tetrahedron():
    """Gradients are the axes and minus their sum, the volume a sixth, each node's mass a 24th."""
    mesh = with_fibre(TetMesh(UNIT, np.array([[0, 1, 2, 3]]), np.zeros(1, np.int64)))
    operators = whole(mesh)
    fibre, d = mesh.fibre[0], diffusivity(TISSUE)
    tensor = d.cross * np.eye(3) + (d.fibre - d.cross) * np.outer(fibre, fibre)
    gradient = np.vstack([-np.ones(3), np.eye(3)])
    stiffness = gradient @ tensor @ gradient.T / 6.0
    np.testing.assert_allclose(operators.mass, np.full(4, 1.0 / 24.0))
    np.testing.assert_allclose(dense(operators), 24.0 * stiffness, rtol=1e-12, atol=1e-15)
    largest = 24.0 * np.linalg.eigvalsh(stiffness)[-1]
    assert largest < operators.stiffest < 1.03 * largest


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_ranks_rows_are_those_of_the_whole(ranks, monkeypatch):
    """Each rank's part is assembled here one after another; rows need no exchange."""

    def extended(halo, own):
        ghosts = np.ones((len(halo.ghosts), *own.shape[1:]))
        return np.concatenate([own, ghosts])

    monkeypatch.setattr(Halo, "extended", extended)
    mesh = with_fibre(box(4, size=(3.0, 2.0, 2.0), jitter=0.2))
    n = len(mesh.points)
    expected, mass = dense(whole(mesh)), whole(mesh).mass
    for rank in range(ranks):
        owned = Ownership(n, n * rank // ranks, n * (rank + 1) // ranks)
        part = assemble(slice_of(mesh, owned), TISSUE, comm=MPI.COMM_SELF)
        own = np.arange(owned.first, owned.last)
        numbers = np.concatenate([own, part.halo.ghosts])
        rows = np.zeros((owned.count, n))
        rows[:, numbers] = dense(part)
        np.testing.assert_allclose(rows, expected[own], rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(part.mass, mass[own], rtol=1e-12)
        np.testing.assert_allclose(
            part.elements.points[part.elements.corners].mean(axis=1),
            mesh.points[slice_of(mesh, owned).tetrahedra].mean(axis=1),
        )


def test_an_elements_factor_multiplies_its_conductivities():
    mesh = with_fibre(box(2))
    part = slice_of(mesh, ownership(len(mesh.points), MPI.COMM_SELF))
    factor = np.where(np.arange(len(mesh.tetrahedra)) < 5, 0.1, 3.0)
    scaled = assemble(replace(part, factor=factor), TISSUE, comm=MPI.COMM_SELF)
    plain, tripled = dense(whole(mesh)), dense(scaled)
    untouched = ~np.isin(np.arange(len(mesh.points)), mesh.tetrahedra[:5])
    np.testing.assert_allclose(tripled[untouched], 3.0 * plain[untouched], rtol=1e-12, atol=1e-12)
    first = mesh.tetrahedra[0, 0]
    assert not np.allclose(tripled[first], 3.0 * plain[first])


def test_effective_conductivity_is_that_of_two_in_series():
    sigma = effective(Tissue())
    assert sigma.fibre == pytest.approx(1.0 / (1.0 / 0.20 + 1.0 / 0.62))
    assert sigma.cross == pytest.approx(1.0 / (1.0 / 0.143 + 1.0 / 0.24))


def test_velocities_must_have_become_conductivities():
    moving = Tissue(velocities=Velocities(fibre=0.6, cross=0.3))
    with pytest.raises(ValueError, match="found velocities"):
        effective(moving)


def test_an_inverted_element_is_told():
    mesh = with_fibre(TetMesh(UNIT, np.array([[1, 0, 2, 3]]), np.zeros(1, np.int64)))
    with pytest.raises(BadMesh, match="flat or inverted"):
        whole(mesh)
