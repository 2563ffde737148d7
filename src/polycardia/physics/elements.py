"""Linear tetrahedra: gradients, volumes, and the two matrices made of them.

Assembly runs over slices of `CHUNK` cells, because the sixteen entries of every cell at once
would be the largest array of a whole run (1.5 GB for six million tetrahedra).
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import coo_array, csr_array

from polycardia.errors import BadMesh
from polycardia.physics.mesh import Floats, Integers, TetMesh

CHUNK = 250_000  # cells; about 100 MB of triplets

# int_T N_a N_b dV = V (1 + delta_ab) / 20
MASS_PATTERN: Floats = (np.ones((4, 4)) + np.eye(4)) / 20.0


def element_gradients(points: Floats, tetrahedra: Integers) -> tuple[Floats, Floats]:
    """Gradients of the four shape functions, and volumes.

    Args:
        points: ``(n_points, 3)`` [mm].
        tetrahedra: ``(n, 4)``, any slice of a mesh's cells.

    Returns:
        ``(n, 4, 3)`` [1/mm] and ``(n,)`` [mm^3].

    Raises:
        BadMesh: a cell is flat or inverted.
    """
    corner = points[tetrahedra]
    edge = corner[:, 1:] - corner[:, :1]
    # Row a of the inverse transpose of the edge matrix is the gradient of N_a, a = 1, 2, 3.
    after, last = edge[:, [1, 2, 0]], edge[:, [2, 0, 1]]
    area = np.cross(after, last)
    six_volumes = np.einsum("ni,ni->n", edge[:, 0], area[:, 0])
    if not np.all(six_volumes > 0.0):
        bad = np.flatnonzero(~(six_volumes > 0.0))
        raise BadMesh(
            f"{bad.size} tetrahedra are flat or inverted "
            f"(one of them has {six_volumes[bad[0]] / 6.0:.3g} mm^3), need positive volumes"
        )
    gradient = np.empty((len(tetrahedra), 4, 3))
    np.divide(area, six_volumes[:, None, None], out=gradient[:, 1:])
    np.negative(gradient[:, 1:].sum(axis=1), out=gradient[:, 0])
    return gradient, six_volumes / 6.0


def element_stiffness(points: Floats, tetrahedra: Integers, sigma: Floats) -> Floats:
    """Matrices ``int grad N_a . sigma grad N_b`` of a slice of cells.

    Args:
        points: ``(n_points, 3)`` [mm].
        tetrahedra: ``(n, 4)``.
        sigma: ``(n, 3, 3)``, or anything that broadcasts to it [mS/mm].

    Returns:
        ``(n, 4, 4)`` [mS].
    """
    gradient, volume = element_gradients(points, tetrahedra)
    flux = np.matmul(gradient, sigma)
    flux *= volume[:, None, None]
    matrices: Floats = np.matmul(flux, gradient.transpose(0, 2, 1))
    return matrices


def element_mass(points: Floats, tetrahedra: Integers) -> Floats:
    """Consistent mass matrices ``int N_a N_b`` of a slice of cells, ``(n, 4, 4)`` [mm^3]."""
    return element_gradients(points, tetrahedra)[1][:, None, None] * MASS_PATTERN


def gradients(mesh: TetMesh) -> tuple[Floats, Floats]:
    """`element_gradients` of the whole mesh: ``(n_cells, 4, 3)`` [1/mm], ``(n_cells,)`` [mm^3]."""
    return element_gradients(mesh.points, mesh.tetrahedra)


def volumes(mesh: TetMesh) -> Floats:
    """Volumes of the cells, ``(n_cells,)`` [mm^3]."""
    parts = [element_gradients(mesh.points, mesh.tetrahedra[k])[1] for k in _slices(mesh)]
    return np.concatenate(parts)


def cell_gradients(mesh: TetMesh, values: Floats) -> Floats:
    """Gradient of a nodal field in every cell.

    Args:
        mesh: the mesh.
        values: ``(n_points,)``, or ``(n_points, m)`` for several fields at once.

    Returns:
        ``(n_cells, 3)``, or ``(n_cells, m, 3)``, in the field's unit per mm.
    """
    out = np.empty((len(mesh.tetrahedra), *values.shape[1:], 3))
    for k in _slices(mesh):
        cells = mesh.tetrahedra[k]
        gradient, _ = element_gradients(mesh.points, cells)
        out[k] = np.einsum("na...,nai->n...i", values[cells], gradient)
    return out


def stiffness(mesh: TetMesh, conductivity: Floats) -> csr_array:
    """Stiffness matrix of ``-div(sigma grad u)`` with no flux through the boundary.

    Args:
        mesh: the mesh.
        conductivity: ``(n_cells, 3, 3)``, or one ``(3, 3)`` for all cells [mS/mm].

    Returns:
        ``(n_points, n_points)`` [mS]; symmetric, rows sum to zero.
    """
    sigma = np.broadcast_to(conductivity, (len(mesh.tetrahedra), 3, 3))
    return _assemble(mesh, lambda k: element_stiffness(mesh.points, mesh.tetrahedra[k], sigma[k]))


def consistent_mass(mesh: TetMesh) -> csr_array:
    """Consistent mass matrix, ``(n_points, n_points)`` [mm^3]."""
    return _assemble(mesh, lambda k: element_mass(mesh.points, mesh.tetrahedra[k]))


def lumped_mass(mesh: TetMesh) -> Floats:
    """Row sums of the mass matrix: the volume that belongs to each node, ``(n_points,)`` [mm^3]."""
    share = np.repeat(volumes(mesh) / 4.0, 4)
    mass: Floats = np.bincount(
        mesh.tetrahedra.ravel(), weights=share, minlength=len(mesh.points)
    ).astype(np.float64)
    return mass


def conductivity_tensor(
    fibre: Floats,
    sheet: Floats | None,
    sigma_l: float,
    sigma_t: float,
    sigma_n: float | None = None,
) -> Floats:
    """Conductivity of every cell from its fibre and, where orthotropic, its sheet.

    Args:
        fibre: ``(n_cells, 3)`` unit vectors.
        sheet: ``(n_cells, 3)`` unit vectors normal to the fibres; needed only with ``sigma_n``.
        sigma_l: along the fibre [mS/mm].
        sigma_t: across the fibre, and within the sheet where there is one [mS/mm].
        sigma_n: normal to the sheet [mS/mm]; None: as ``sigma_t``, transversely isotropic.

    Returns:
        ``(n_cells, 3, 3)`` [mS/mm], symmetric positive definite.
    """
    along = fibre[:, :, None] * fibre[:, None, :]
    if sigma_n is None:
        transverse: Floats = sigma_t * np.eye(3) + (sigma_l - sigma_t) * along
        return transverse
    if sheet is None:
        raise ValueError("a conductivity normal to the sheets needs the sheets")
    within = sheet[:, :, None] * sheet[:, None, :]
    tensor: Floats = (
        sigma_n * np.eye(3) + (sigma_l - sigma_n) * along + (sigma_t - sigma_n) * within
    )
    return tensor


def _slices(mesh: TetMesh) -> Iterator[slice]:
    n_cells = len(mesh.tetrahedra)
    for first in range(0, n_cells, CHUNK):
        yield slice(first, min(first + CHUNK, n_cells))


def _assemble(mesh: TetMesh, element_matrices: Callable[[slice], Floats]) -> csr_array:
    n_points = len(mesh.points)
    total = csr_array((n_points, n_points), dtype=np.float64)
    for k in _slices(mesh):
        cells = mesh.tetrahedra[k].astype(np.int32)
        rows = np.repeat(cells, 4, axis=1).ravel()
        columns = np.tile(cells, (1, 4)).ravel()
        entries = element_matrices(k).ravel()
        part = coo_array((entries, (rows, columns)), shape=(n_points, n_points))
        total = total + part.tocsr()
    total.sort_indices()
    return total
