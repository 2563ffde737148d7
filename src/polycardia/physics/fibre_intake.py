"""Fibres that a mesh brings: one unit vector a cell, or a sentence why not."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from polycardia.errors import BadMesh
from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.source import SourceMesh
from polycardia.physics.topology import shared_faces

NEGLIGIBLE_GAPS = 0.01  # of the cells, without a usable direction
UNIT_LENGTH = 1e-3  # deviation that is rounding of the file, not worth a word
SHORTEST = 1e-6  # length below which a vector is no direction
_ROUNDS = 50  # cells deep that gaps are filled from their rims


def admit_fibres(
    source: SourceMesh, tetrahedra: Integers, cell_origin: Integers
) -> tuple[Floats | None, list[str]]:
    """Unit fibre directions ``(n_cells, 3)`` for the mended mesh, and what was mended.

    Args:
        source: as read.
        tetrahedra: ``(n_cells, 4)`` of the mended mesh.
        cell_origin: the source cell of each.

    Raises:
        BadMesh: the wrong number of fibres, or more than one in a hundred unusable.
    """
    if source.fibre is None:
        return None, []
    _check_count(source)
    fibre, said = source.fibre, []
    if source.fibre_on_nodes:
        fibre = _from_nodes(fibre, source.tetrahedra)
        said.append("fibres on nodes averaged to elements, signs aligned")
    fibre = fibre[cell_origin]
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.linalg.norm(fibre, axis=1)
    usable = np.isfinite(length) & (length > SHORTEST)
    gaps = int(np.count_nonzero(~usable))
    if gaps > NEGLIGIBLE_GAPS * len(fibre):
        raise BadMesh(
            f"{source.name}: {gaps} of {len(fibre)} fibres are zero or not finite, "
            f"expected at most {NEGLIGIBLE_GAPS:.0%}"
        )
    unit = np.where(usable[:, None], fibre, 0.0) / np.where(usable, length, 1.0)[:, None]
    uneven = int(np.count_nonzero(np.abs(length[usable] - 1.0) > UNIT_LENGTH))
    if uneven:
        low, high = length[usable].min(), length[usable].max()
        said.append(f"{uneven} fibres of length {low:.3g} to {high:.3g} made unit vectors")
    if gaps:
        unit = _fill(unit, usable, tetrahedra)
        said.append(f"{gaps} zero or non-finite fibres filled from neighbouring elements")
    return unit, said


def _check_count(source: SourceMesh) -> None:
    assert source.fibre is not None
    places = len(source.points) if source.fibre_on_nodes else len(source.tetrahedra)
    what = "node" if source.fibre_on_nodes else "element"
    if len(source.fibre) != places:
        raise BadMesh(
            f"{source.name}: found {len(source.fibre)} fibres, expected {places}, "
            f"one for each {what}"
        )


def _from_nodes(fibre: Floats, tetrahedra: Integers) -> Floats:
    """Mean over each cell's nodes; fibres have no sign, so each is turned to the first."""
    corners = fibre[tetrahedra]
    with np.errstate(over="ignore", invalid="ignore"):
        along = np.einsum("cki,ci->ck", corners, corners[:, 0])
        turned = corners * np.where(along < 0, -1.0, 1.0)[:, :, None]
        mean = turned.mean(axis=1)
        length = np.linalg.norm(mean, axis=1, keepdims=True)
    return np.asarray(np.divide(mean, length, out=np.zeros_like(mean), where=length > SHORTEST))


def _fill(unit: Floats, known: NDArray[np.bool_], tetrahedra: Integers) -> Floats:
    """Fill gaps from their rims inwards, each with the main axis of its known neighbours.

    The mean of f f^T over the neighbours has no sign to cancel; its first eigenvector is the
    direction closest to all of them.
    """
    pairs, _, _ = shared_faces(tetrahedra)
    n = len(unit)
    half = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n)).tocsr()
    neighbours = half + half.T
    unit, known = unit.copy(), known.copy()
    for _ in range(_ROUNDS):
        gaps = np.flatnonzero(~known)
        dyads = np.einsum("ni,nj->nij", unit, unit).reshape(n, 9)
        sums = (neighbours[gaps] @ dyads).reshape(-1, 3, 3)
        reached = np.trace(sums, axis1=1, axis2=2) > 0
        if not reached.any():
            break
        _, axes = np.linalg.eigh(sums[reached])
        unit[gaps[reached]] = axes[:, :, 2]
        known[gaps[reached]] = True
    unit[~known] = unit[known][0] if known.any() else np.array([1.0, 0.0, 0.0])
    return unit
