"""One rank's rows of the mass and stiffness matrices, from the elements that touch its nodes.

Elements between two ranks are computed by both, so that assembly needs no communication.
"""

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from petsc4py import PETSc
from scipy import sparse

from polycardia.config import Conductivity, Tissue
from polycardia.physics.elements import conductivity_tensor, element_mass, element_stiffness
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.solver.partition import Ownership

# Element matrices take 400 bytes a cell while they are summed.
CELLS_AT_ONCE = 200_000


@dataclass(frozen=True)
class TissueSlice:
    """The elements that touch one rank's nodes.

    Attributes:
        owned: which nodes the rank owns.
        tetrahedra: ``(n_cells, 4)`` node numbers of the whole heart; every element with at least
            one owned node.
        points: ``(n_touched, 3)`` [mm], coordinates of the nodes of these elements.
        touched: ``(n_touched,)`` their numbers in the whole heart, ascending.
        fibre: ``(n_cells, 3)`` unit vectors.
        factor: ``(n_cells,)`` by which the conductivities of each element are multiplied.
    """

    owned: Ownership
    tetrahedra: Integers
    points: Floats
    touched: Integers
    fibre: Floats
    factor: Floats


def slice_of(mesh: TetMesh, owned: Ownership) -> TissueSlice:
    """Return a rank's part of a mesh that every rank holds whole."""
    tetrahedra = mesh.tetrahedra
    mine = ((tetrahedra >= owned.first) & (tetrahedra < owned.last)).any(axis=1)
    touched = np.unique(tetrahedra[mine])
    return TissueSlice(
        owned=owned,
        tetrahedra=tetrahedra[mine],
        points=mesh.points[touched],
        touched=touched,
        fibre=np.asarray(mesh.fibre)[mine],
        factor=np.ones(np.count_nonzero(mine)),
    )


def effective(tissue: Tissue) -> Conductivity:
    """Return the monodomain conductivity, half the harmonic mean of the two domains'."""
    inside, outside = tissue.intracellular, tissue.extracellular
    return Conductivity(
        fibre=inside.fibre * outside.fibre / (inside.fibre + outside.fibre),
        cross=inside.cross * outside.cross / (inside.cross + outside.cross),
    )


def assemble(
    tissue_slice: TissueSlice, tissue: Tissue, *, mass_lumping: float, comm: MPI.Comm
) -> tuple[PETSc.Mat, PETSc.Mat]:
    """Return the mass matrix [mm^3] and the stiffness over ``chi C_m`` [mm^3/ms].  Collective.

    Args:
        tissue_slice: elements and nodes of this rank.
        tissue: membrane constants and conductivities.
        mass_lumping: share of the lumped mass matrix.
        comm: of all ranks.
    """
    sigma = effective(tissue)
    rows = tissue_slice.owned.count
    shape = (rows, tissue_slice.owned.n_nodes)
    mass = sparse.csr_matrix(shape)
    stiffness = sparse.csr_matrix(shape)
    for start in range(0, len(tissue_slice.tetrahedra), CELLS_AT_ONCE):
        chunk = slice(start, start + CELLS_AT_ONCE)
        cells = tissue_slice.tetrahedra[chunk]
        corners = np.searchsorted(tissue_slice.touched, cells)
        tensor = conductivity_tensor(tissue_slice.fibre[chunk], None, sigma.fibre, sigma.cross)
        tensor *= tissue_slice.factor[chunk, None, None]
        local_stiffness = element_stiffness(tissue_slice.points, corners, tensor)
        local_mass = element_mass(tissue_slice.points, corners)
        stiffness = stiffness + _owned_rows(cells, local_stiffness, tissue_slice.owned)
        mass = mass + _owned_rows(cells, local_mass, tissue_slice.owned)
    mass = _partly_lumped(mass, mass_lumping, tissue_slice.owned)
    stiffness.data /= tissue.surface_to_volume * tissue.capacitance
    return _petsc(mass, comm), _petsc(stiffness, comm)


def _owned_rows(cells: Integers, matrices: Floats, owned: Ownership) -> sparse.csr_matrix:
    """Sum element matrices ``(n, 4, 4)`` into the rows that this rank owns."""
    row = np.repeat(cells, 4, axis=1).ravel() - owned.first
    column = np.tile(cells, (1, 4)).ravel()
    mine = (row >= 0) & (row < owned.count)
    entries = (matrices.ravel()[mine], (row[mine], column[mine]))
    return sparse.csr_matrix(entries, shape=(owned.count, owned.n_nodes))


def _partly_lumped(mass: sparse.csr_matrix, share: float, owned: Ownership) -> sparse.csr_matrix:
    """Move a share of every row's entries onto its diagonal."""
    row = np.arange(owned.count)
    lumped = share * np.asarray(mass.sum(axis=1)).ravel()
    diagonal = sparse.csr_matrix((lumped, (row, row + owned.first)), shape=mass.shape)
    return sparse.csr_matrix((1.0 - share) * mass + diagonal)


def _petsc(rows: sparse.csr_matrix, comm: MPI.Comm) -> PETSc.Mat:
    """Hand a rank's rows to PETSc.  Collective."""
    rows.sort_indices()
    count, total = rows.shape
    csr = (
        rows.indptr.astype(PETSc.IntType, copy=False),
        rows.indices.astype(PETSc.IntType, copy=False),
        rows.data,
    )
    return PETSc.Mat().createAIJ(size=((count, total), (count, total)), csr=csr, comm=comm)
