r"""How the nodes' stencils conduct, beside the tissue.

Row i of the diffusion operator A has a second moment, :math:`-\sum_j A_{ij} x x^T / 2` with x from
node i to node j: the diffusivity that this node sees.  Its mean over the nodes is the tissue's; at
one node it may be another, for the volume that is lumped there is not the one that its stencil
conducts for.  Bricks of tetrahedra are the extreme: with fibres at 45 degrees to their edges some
nodes see twice the diffusivity across the fibres, and others a quarter of it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from polycardia.physics.mesh import Floats
from polycardia.solver.elements import Elements
from polycardia.solver.halo import Halo

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Axes of a symmetric tensor's six components, in their order."""
AT_ONCE = 10_000  # nodes; stay in the cache
LEAST = 1e-30  # [mm^3] conducting, or [1/ms]: less is none


def unevenness(
    decay: sparse.csr_matrix, mass: Floats, elements: Elements, halo: Halo
) -> NDArray[np.float32]:
    """Return how the diffusivity that each node sees differs from the tissue's.  Collective.

    Args:
        decay: ``(n_owned, n_local)`` the diffusion operator [1/ms].
        mass: ``(n_owned,)`` lumped [mm^3].
        elements: all that touch the rank's own nodes.
        halo: of the rank.

    Returns:
        ``(n_local, 6)`` by `PAIRS`, for a factor of the conductivity of 1 and over the root of the
        node's rate in ``decay`` [mm^2 / sqrt(ms)].
    """
    conducting, mean = _tissue(elements, len(mass))
    seen = _second_moments(decay, elements.points) * mass[:, None]
    rate = np.maximum(decay.diagonal(), LEAST)
    uneven = (seen - mean) / (np.maximum(conducting, LEAST) * np.sqrt(rate))[:, None]
    # Three at a time, as other values of the nodes are exchanged: no further memory is kept.
    halves = [halo.extended(half).astype(np.float32) for half in np.split(uneven, 2, axis=1)]
    return np.hstack(halves)


def _second_moments(decay: sparse.csr_matrix, points: Floats) -> Floats:
    """Return ``(n_owned, 6)`` [mm^2/ms]."""
    moments = np.empty((decay.shape[0], len(PAIRS)))
    for start in range(0, len(moments), AT_ONCE):
        ends = decay.indptr[start : start + AT_ONCE + 1]
        n = len(ends) - 1
        row = np.repeat(np.arange(n), np.diff(ends))
        columns = decay.indices[ends[0] : ends[-1]]
        half = -0.5 * decay.data[ends[0] : ends[-1]]
        x = (points[columns] - points[start + row]).T
        for component, (a, b) in enumerate(PAIRS):
            moments[start : start + n, component] = np.bincount(
                row, half * x[a] * x[b], minlength=n
            )
    return moments


def _tissue(elements: Elements, n: int) -> tuple[Floats, Floats]:
    """Return for own nodes the volume times its factor ``(n,)``, and times D ``(n, 6)``."""
    volume = 0.25 * elements.volume * elements.factor
    conducting = _gathered(volume, elements, n)
    sigma = elements.diffusivity
    mean = np.empty((n, len(PAIRS)))
    fibre = elements.fibre.T
    for component, (a, b) in enumerate(PAIRS):
        along = _gathered(volume * fibre[a] * fibre[b], elements, n)
        mean[:, component] = (sigma.fibre - sigma.cross) * along + (
            a == b
        ) * sigma.cross * conducting
    return conducting, mean


def _gathered(value: Floats, elements: Elements, n: int) -> Floats:
    """Return ``(n,)`` sums over the elements around each own node."""
    total = np.zeros(len(elements.points))
    for corner in elements.corners.T:
        total += np.bincount(corner, value, minlength=len(total))
    return total[:n]
