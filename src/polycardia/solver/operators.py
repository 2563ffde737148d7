"""One rank's rows of the mass and stiffness matrices, from the elements that touch its nodes.

Elements between two ranks are computed by both, so that assembly needs no communication.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc
from scipy import sparse

from polycardia.config import Conductivity, Tissue
from polycardia.errors import BadMesh
from polycardia.physics.elements import conductivity_tensor, element_mass, element_stiffness
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.solver.agreement import agree
from polycardia.solver.partition import Ownership

# Small enough that what is summed stays in the cache and the peak of memory is the matrices' own.
CELLS_AT_ONCE = 25_000


@dataclass(frozen=True)
class TissueSlice:
    """The elements that touch one rank's nodes, in whatever precision they were stored.

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
    tetrahedra: NDArray[np.integer[Any]]
    points: Floats
    touched: NDArray[np.integer[Any]]
    fibre: NDArray[np.floating[Any]]
    factor: NDArray[np.floating[Any]]


def slice_of(mesh: TetMesh, owned: Ownership) -> TissueSlice:
    """Return a rank's part of a mesh that every rank holds whole."""
    tetrahedra = mesh.tetrahedra
    mine = ((tetrahedra >= owned.first) & (tetrahedra < owned.last)).any(axis=1)
    if mine.all():
        everything = np.arange(len(mesh.points))
        factor = np.ones(len(tetrahedra), np.float32)
        return TissueSlice(
            owned, tetrahedra, mesh.points, everything, np.asarray(mesh.fibre), factor
        )
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


@dataclass(frozen=True)
class Operators:
    """The two matrices of the diffusion, spread over the ranks.

    Attributes:
        owned: which rows this rank holds.
        mass: [mm^3].
        stiffness: divided by ``chi C_m`` [mm^3/ms].
    """

    owned: Ownership
    mass: PETSc.Mat
    stiffness: PETSc.Mat


def assemble(
    tissue_slice: TissueSlice, tissue: Tissue, *, mass_lumping: float, comm: MPI.Comm
) -> Operators:
    """Assemble the matrices; the elements are not needed any more after that.  Collective.

    Args:
        tissue_slice: elements and nodes of this rank.
        tissue: membrane constants and conductivities.
        mass_lumping: share of the lumped mass matrix.
        comm: of all ranks.

    Raises:
        BadMesh: on all ranks; an element of one of them is flat or inverted.
    """
    problem, mass, stiffness = None, _Sum(), _Sum()
    try:
        _add_elements(mass, stiffness, tissue_slice, tissue)
    except BadMesh as failure:
        problem = failure
    agree(comm, problem)
    # One after the other, so that rows of only one are held twice.
    owned = tissue_slice.owned
    petsc_mass = _petsc(_partly_lumped(mass.total(), mass_lumping, owned), comm)
    return Operators(owned, petsc_mass, _petsc(stiffness.total(), comm))


def _add_elements(
    mass: "_Sum", stiffness: "_Sum", tissue_slice: TissueSlice, tissue: Tissue
) -> None:
    """Add every element's share of the rank's own rows."""
    sigma = effective(tissue)
    for start in range(0, len(tissue_slice.tetrahedra), CELLS_AT_ONCE):
        chunk = slice(start, start + CELLS_AT_ONCE)
        cells = tissue_slice.tetrahedra[chunk].astype(np.int64)
        corners = np.searchsorted(tissue_slice.touched, cells)
        tensor = conductivity_tensor(
            tissue_slice.fibre[chunk].astype(np.float64), None, sigma.fibre, sigma.cross
        )
        tensor *= tissue_slice.factor[chunk, None, None]
        local_stiffness = element_stiffness(tissue_slice.points, corners, tensor)
        local_mass = element_mass(tissue_slice.points, corners)
        local_stiffness /= tissue.surface_to_volume * tissue.capacitance
        stiffness.add(_owned_rows(cells, local_stiffness, tissue_slice.owned))
        mass.add(_owned_rows(cells, local_mass, tissue_slice.owned))


class _Sum:
    """Adds up many sparse matrices in pairs of like size, so that none is added often."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, sparse.csr_matrix]] = []

    def add(self, matrix: sparse.csr_matrix) -> None:
        count = 1
        while self._parts and self._parts[-1][0] == count:
            matrix = matrix + self._parts.pop()[1]
            count *= 2
        self._parts.append((count, matrix))

    def total(self) -> sparse.csr_matrix:
        """Return the sum, and forget it."""
        matrix = self._parts.pop()[1]
        while self._parts:
            matrix = matrix + self._parts.pop()[1]
        return matrix


def _owned_rows(cells: Integers, matrices: Floats, owned: Ownership) -> sparse.csr_matrix:
    """Sum element matrices ``(n, 4, 4)`` into the rows that this rank owns."""
    row = np.repeat(cells, 4, axis=1).ravel() - owned.first
    column = np.tile(cells, (1, 4)).ravel()
    mine = (row >= 0) & (row < owned.count)
    entries = (matrices.ravel()[mine], (row[mine], column[mine]))
    return sparse.csr_matrix(entries, shape=(owned.count, owned.n_nodes))


def _partly_lumped(mass: sparse.csr_matrix, share: float, owned: Ownership) -> sparse.csr_matrix:
    """Move a share of every row's entries onto its diagonal."""
    if share == 0.0:
        return mass
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
