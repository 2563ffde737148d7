"""One rank's rows of the diffusion operator, from the elements that touch its nodes.

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
from polycardia.physics import velocity
from polycardia.physics.elements import conductivity_tensor, element_stiffness
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.physics.topology import tet_volumes
from polycardia.solver.agreement import agree
from polycardia.solver.elements import Elements
from polycardia.solver.halo import Halo
from polycardia.solver.partition import Ownership
from polycardia.solver.softening import Allowance, Softening, excess_of, rates_of, softening
from polycardia.solver.spectrum import largest_eigenvalue
from polycardia.solver.stencil import unevenness

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
    """Return the monodomain conductivity, half the harmonic mean of the two domains'.

    Raises:
        ValueError: the tissue has velocities; `study.tissue.resolved` finds their conductivities.
    """
    inside, outside = tissue.intracellular, tissue.extracellular
    if inside is None:
        raise ValueError("found velocities, need the conductivities that follow from them")
    return Conductivity(
        fibre=velocity.effective(inside.fibre, outside.fibre),
        cross=velocity.effective(inside.cross, outside.cross),
    )


def diffusivity(tissue: Tissue) -> Conductivity:
    """Return the monodomain conductivity over ``chi C_m`` [mm^2/ms]."""
    sigma, scale = effective(tissue), tissue.surface_to_volume * tissue.capacitance
    return Conductivity(fibre=sigma.fibre / scale, cross=sigma.cross / scale)


@dataclass(frozen=True)
class Operators:
    """The tissue as one rank sees it.

    Attributes:
        halo: which nodes it owns, and those of others that its elements touch.
        mass: ``(n_owned,)`` lumped mass [mm^3].
        decay: ``(n_owned, n_local)``, the stiffness divided by the lumped mass and by
            ``chi C_m`` [1/ms]: diffusion is ``dV/dt = -decay V``.
        stiffest: the largest of the decay's eigenvalues, of all ranks [1/ms].
        elements: what the quadrature near the front needs.
        uneven: ``(n_local, 6)`` float32, as `solver.stencil.unevenness` has it.
        softened: share of the wall's volume whose elements conduct less than they should [1].
    """

    halo: Halo
    mass: Floats
    decay: PETSc.Mat
    stiffest: float
    elements: Elements
    uneven: NDArray[np.float32]
    softened: float = 0.0


def assemble(
    tissue_slice: TissueSlice, tissue: Tissue, *, comm: MPI.Comm, allowed: Allowance | None = None
) -> Operators:
    """Assemble the diffusion operator.  Collective.

    The mass matrix is lumped: the membrane's current gets its consistent share where it matters,
    near the front (`polycardia.solver.front`).

    Args:
        tissue_slice: elements and nodes of this rank.
        tissue: membrane constants and conductivities.
        comm: of all ranks.
        allowed: how much may be softened; nothing by default.

    Raises:
        BadMesh: on all ranks; an element of one of them is flat or inverted.
    """
    owned = tissue_slice.owned
    halo = Halo(owned, tissue_slice.touched, comm)
    elements = _elements(tissue_slice, tissue, halo)
    mass = _lumped(elements, owned.count)
    problem, stiffness = None, _Sum()
    rates = np.zeros(len(elements.corners), np.float32)
    try:
        _add_elements(stiffness, rates, elements, owned.count)
    except BadMesh as failure:
        problem = failure
    agree(comm, problem)
    softened = 0.0
    if allowed is not None:
        found = softening(rates, elements, owned.count, allowed, comm)
        _soften(stiffness, elements, owned.count, found)
        softened = found.volume
    rows = stiffness.total()
    rows.data /= np.repeat(mass, np.diff(rows.indptr))
    uneven = unevenness(rows, mass, elements, halo)
    stiffest = largest_eigenvalue(rows, mass, halo, comm)
    return Operators(halo, mass, _petsc(rows), stiffest, elements, uneven, softened)


def _elements(tissue_slice: TissueSlice, tissue: Tissue, halo: Halo) -> Elements:
    points = np.empty((halo.n_local, 3))
    points[halo.local(tissue_slice.touched)] = tissue_slice.points
    corners = np.empty(tissue_slice.tetrahedra.shape, np.int32)
    volume = np.empty(len(corners))
    for start in range(0, len(corners), CELLS_AT_ONCE):
        chunk = slice(start, start + CELLS_AT_ONCE)
        corners[chunk] = halo.local(tissue_slice.tetrahedra[chunk])
        volume[chunk] = tet_volumes(points, corners[chunk])
    return Elements(
        corners=corners,
        points=points,
        volume=volume,
        fibre=tissue_slice.fibre,
        factor=tissue_slice.factor,
        diffusivity=diffusivity(tissue),
    )


def _add_elements(
    stiffness: "_Sum", rates: NDArray[np.float32], elements: Elements, n_owned: int
) -> None:
    """Add every element's share of the rank's own rows, and write down its rate."""
    for start in range(0, len(elements.corners), CELLS_AT_ONCE):
        chunk = slice(start, start + CELLS_AT_ONCE)
        corners, matrices = _matrices(elements, chunk)
        rates[chunk] = rates_of(matrices, elements.volume[chunk])
        stiffness.add(_own_rows(corners, matrices, elements, n_owned))


def _soften(stiffness: "_Sum", elements: Elements, n_owned: int, found: Softening) -> None:
    """Take away what is too fast in the elements that were found."""
    for start in range(0, len(found.cells), CELLS_AT_ONCE):
        cells = found.cells[start : start + CELLS_AT_ONCE]
        corners, matrices = _matrices(elements, cells)
        excess = excess_of(matrices, elements.volume[cells], found.limit)
        stiffness.add(_own_rows(corners, -excess, elements, n_owned))


def _matrices(elements: Elements, cells: slice | Integers) -> tuple[Integers, Floats]:
    """Return corners ``(n, 4)`` and matrices ``(n, 4, 4)`` of elements."""
    sigma = elements.diffusivity
    corners = elements.corners[cells].astype(np.int64)
    fibre = elements.fibre[cells].astype(np.float64)
    tensor = conductivity_tensor(fibre, None, sigma.fibre, sigma.cross)
    tensor *= elements.factor[cells, None, None]
    return corners, element_stiffness(elements.points, corners, tensor)


def _own_rows(
    corners: Integers, matrices: Floats, elements: Elements, n_owned: int
) -> sparse.csr_matrix:
    """Return ``(n_owned, n_local)`` what elements add to the rank's own rows."""
    row = np.repeat(corners, 4, axis=1).ravel()
    column = np.tile(corners, (1, 4)).ravel()
    mine = row < n_owned
    entries = (matrices.ravel()[mine], (row[mine], column[mine]))
    return sparse.csr_matrix(entries, shape=(n_owned, len(elements.points)))


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


def _lumped(elements: Elements, n_owned: int) -> Floats:
    """Return ``(n_owned,)`` a quarter of every element's volume at each of its corners."""
    mass = np.zeros(len(elements.points))
    for corner in elements.corners.T:
        mass += np.bincount(corner, 0.25 * elements.volume, minlength=len(mass))
    return mass[:n_owned]


def _petsc(rows: sparse.csr_matrix) -> PETSc.Mat:
    """Hand a rank's rows to PETSc."""
    rows.sort_indices()
    csr = (
        rows.indptr.astype(PETSc.IntType, copy=False),
        rows.indices.astype(PETSc.IntType, copy=False),
        rows.data,
    )
    return PETSc.Mat().createAIJ(size=rows.shape, csr=csr, comm=PETSc.COMM_SELF)
