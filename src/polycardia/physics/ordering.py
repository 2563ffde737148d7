"""Nodes along a Hilbert curve, so that contiguous slices of them are compact pieces of a heart."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh

BITS = 16  # of each coordinate: 65 536 intervals across the heart, 2 um


def hilbert_order(points: Floats) -> Integers:
    """Return the permutation that sorts points along a Hilbert curve through their box.

    Skilling, AIP Conf Proc 707:381 (2004), the transform of axes to the transposed index,
    on all points at once.

    Args:
        points: ``(n, 3)``.

    Returns:
        ``(n,)`` such that ``points[order]`` is sorted.
    """
    lowest = points.min(axis=0)
    extent = max(float(np.ptp(points, axis=0).max()), np.finfo(float).tiny)
    cells = ((points - lowest) / extent * (2**BITS - 1)).astype(np.uint32)
    axes = [cells[:, 0].copy(), cells[:, 1].copy(), cells[:, 2].copy()]
    _undo_excess_work(axes)
    _gray_encode(axes)
    key = np.zeros(len(points), np.uint64)
    for bit in range(BITS - 1, -1, -1):
        for axis in axes:
            key = (key << np.uint64(1)) | ((axis >> np.uint32(bit)) & np.uint32(1))
    return np.argsort(key, kind="stable").astype(np.int64)


def _undo_excess_work(axes: list[NDArray[np.uint32]]) -> None:
    for bit in range(BITS - 1, 0, -1):
        high = np.uint32(1 << bit)
        low = np.uint32((1 << bit) - 1)
        for axis in axes:
            inverts = (axis & high) != 0
            exchanged = np.where(inverts, np.uint32(0), (axes[0] ^ axis) & low)
            axes[0] ^= np.where(inverts, low, exchanged)
            if axis is not axes[0]:
                axis ^= exchanged


def _gray_encode(axes: list[NDArray[np.uint32]]) -> None:
    for before, axis in pairwise(axes):
        axis ^= before
    flips = np.zeros_like(axes[-1])
    for bit in range(BITS - 1, 0, -1):
        has_bit = (axes[-1] & np.uint32(1 << bit)) != 0
        flips ^= np.where(has_bit, np.uint32((1 << bit) - 1), np.uint32(0))
    for axis in axes:
        axis ^= flips


def reordered(mesh: TetMesh, boundary: Boundary) -> tuple[TetMesh, Boundary]:
    """Return the same heart with nodes along the Hilbert curve and cells by their lowest node."""
    order = hilbert_order(mesh.points)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    tetrahedra = number[mesh.tetrahedra]
    by_lowest_node = np.argsort(tetrahedra.min(axis=1), kind="stable")
    return (
        TetMesh(
            points=mesh.points[order],
            tetrahedra=tetrahedra[by_lowest_node],
            region=mesh.region[by_lowest_node],
            fibre=None if mesh.fibre is None else mesh.fibre[by_lowest_node],
        ),
        Boundary(number[boundary.triangles], boundary.label),
    )
