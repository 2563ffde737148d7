"""The largest eigenvalue of the diffusion operator, which the number of stages follows from."""

import numpy as np
from mpi4py import MPI
from scipy import sparse
from scipy.linalg import eigh_tridiagonal

from polycardia.physics.mesh import Floats
from polycardia.solver.halo import Halo

ITERATIONS = 40
MARGIN = 1.02
EXHAUSTED = 1e-10  # of the estimate: no direction is left to look in


def largest_eigenvalue(decay: sparse.csr_matrix, mass: Floats, halo: Halo, comm: MPI.Comm) -> float:
    """Return a bound of the eigenvalues, a few per cent above the largest [1/ms].  Collective.

    Lanczos iteration in the inner product of the mass, in which the operator is symmetric; the
    largest Ritz value and its residual together are a safe bound (Zhou & Li, Comput Phys Commun
    182:1551, 2011).  Gershgorin's circles are a strict one, on hearts half as large again.

    Args:
        decay: ``(n_owned, n_local)`` rows of the rank; they add up to zero [1/ms].
        mass: ``(n_owned,)`` lumped [mm^3].
        halo: of the rank.
        comm: of all ranks.
    """
    circle = np.add.reduceat(np.abs(decay.data), decay.indptr[:-1]).max(initial=0.0)
    widest = float(comm.allreduce(float(circle), MPI.MAX))
    estimate = MARGIN * _ritz(decay, mass, halo, comm, EXHAUSTED * widest)
    return min(widest, estimate)


def _ritz(
    decay: sparse.csr_matrix, mass: Floats, halo: Halo, comm: MPI.Comm, exhausted: float
) -> float:
    """Return the largest Ritz value with its residual."""

    def product(one: Floats, other: Floats) -> float:
        return float(comm.allreduce(float(np.dot(mass * one, other))))

    # Of the numbers of the nodes, to be the same on however many ranks.
    latest = np.sin(1.0 + np.arange(halo.owned.first, halo.owned.last, dtype=np.float64) ** 1.5)
    latest /= np.sqrt(product(latest, latest))
    before, beta = np.zeros_like(latest), 0.0
    alphas: list[float] = []
    betas: list[float] = []
    while len(alphas) < ITERATIONS:
        following = decay @ halo.extended(latest) - beta * before
        alphas.append(product(following, latest))
        following -= alphas[-1] * latest
        beta = np.sqrt(product(following, following))
        betas.append(beta)
        if beta <= exhausted:
            break
        before, latest = latest, following / beta
    last = len(alphas) - 1
    values, vectors = eigh_tridiagonal(alphas, betas[:-1], select="i", select_range=(last, last))
    return float(values[0] + betas[-1] * abs(vectors[-1, 0]))
