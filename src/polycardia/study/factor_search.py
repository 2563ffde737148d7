"""Factors that make errors of measurements small, each measurement dear."""

import math
from collections.abc import Callable

import numpy as np

from polycardia.physics.mesh import Floats, Integers

TRIES = 7
IN_VAIN = 2  # as many tries in a row that make nothing better are the last
USUAL_SLOPE = 0.6  # of the logarithm of the velocity over that of the factor
FARTHEST = 0.5  # step of the logarithm
TINY = 1e-12


def search(
    error: Callable[[Floats, Integers], Floats], start: Floats, close: float
) -> tuple[Floats, float]:
    """Return the best of a few tries to make errors small, and the largest that it leaves.

    Columns hardly depend on each other, and in a column mostly each error on its own factor: a
    column whose errors are small is not looked at again.  Broyden's method on the logarithms of the
    factors (Math Comp 19:577, 1965).

    Args:
        error: of all factors ``(m, n)``, those in ``(k,)`` columns: ``(m, k)``; NaN where no wave
            arrives.
        start: ``(m, n)``, the first factors.
        close: where the search ends [1].
    """
    m, n = start.shape
    logarithm = np.log(start)
    best, least = logarithm.copy(), np.full(n, math.inf)
    slope = np.tile(USUAL_SLOPE * np.eye(m), (n, 1, 1))
    moved, before = np.zeros((n, m)), np.zeros((n, m))
    vain = np.zeros(n, int)
    far = np.arange(n)
    for attempt in range(TRIES):
        left = error(np.exp(logarithm), far).T
        largest = np.abs(left).max(axis=1)
        better = largest < least[far]
        best[:, far[better]], least[far[better]] = logarithm[:, far[better]], largest[better]
        vain[far] = np.where(better, 0, vain[far] + 1)
        going = (largest >= close) & (vain[far] < IN_VAIN)  # no wave, NaN, is not to be mended
        logarithm[:, far[~going]] = best[:, far[~going]]
        far, left = far[going], left[going]
        if not len(far):
            break
        if attempt:
            length = np.maximum((moved[far] ** 2).sum(axis=1), TINY)[:, None, None]
            missed = left - before[far] - np.einsum("nij,nj->ni", slope[far], moved[far])
            slope[far] += missed[:, :, None] * moved[far][:, None, :] / length
        step = np.linalg.solve(slope[far], left[..., None])[..., 0]
        before[far], moved[far] = left, np.clip(-step, -FARTHEST, FARTHEST)
        logarithm[:, far] += moved[far].T
    return np.exp(best), float(least.max(initial=0.0))
