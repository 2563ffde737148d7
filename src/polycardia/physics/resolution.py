"""How well elements resolve the fronts that cross them, and what that does to their velocity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats

BIN = 1e-3  # of the magnitude of an error, finer than velocities are measured
BINS = 1001  # the last one has all that is larger


DIRECTIONS = 5  # across a fibre, over which lengths are averaged; no divisor of a symmetry


def lengths_along(place: Floats) -> Floats:
    """Return the length of every element along a direction.

    It is the geometric mean of the range of the corners' places and twice their standard deviation;
    for a cable's element both are its length.  A front that is thinner than its elements is as
    fast through bricks as through disordered tetrahedra of the same length by this measure, to 2 %
    whatever its direction; by either part alone to 5 % (docs/numerics.md).

    Args:
        place: ``(4, n)`` of the corners along the direction [mm].

    Returns:
        ``(n,)`` [mm].
    """
    deviation = np.sqrt(((place - place.mean(axis=0)) ** 2).mean(axis=0))
    length: Floats = np.sqrt(2.0 * deviation * (place.max(axis=0) - place.min(axis=0)))
    return length


def element_lengths(
    points: Floats, corners: NDArray[np.integer[Any]], fibre: NDArray[np.floating[Any]]
) -> tuple[Floats, Floats]:
    """Return the length of every element along and across its fibre.

    Across the fibre it is the root mean square over directions.

    Args:
        points: ``(n_points, 3)`` [mm].
        corners: ``(n, 4)`` rows of ``points``.
        fibre: ``(n, 3)`` unit vectors.

    Returns:
        ``(n,)`` and ``(n,)`` [mm].
    """
    place = points[corners].transpose(1, 0, 2)
    along = lengths_along((place * fibre).sum(axis=2))
    # Any vector that is far from parallel to the fibre gives a direction across it.
    other = np.eye(3)[np.abs(fibre).argmin(axis=1)]
    first = np.cross(fibre, other)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    x, y = ((place * axis).sum(axis=2) for axis in (first, np.cross(fibre, first)))
    turns = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    squares = [lengths_along(np.cos(turn) * x + np.sin(turn) * y) ** 2 for turn in turns]
    return along, np.sqrt(np.mean(squares, axis=0))


def velocity_error(resolution: Floats, known: Floats, ratio: Floats) -> Floats:
    """Return the relative error of the velocity at any resolution.

    Between those that were measured it is linear, and elements without length have none.

    Args:
        resolution: ``(n,)`` element length over sqrt(D) [sqrt(ms)].
        known: ``(m,)`` ascending, those that were measured [sqrt(ms)].
        ratio: ``(m,)`` numerical velocity over the right one that was found at them, NaN where no
            wave arrived [1].

    Returns:
        ``(n,)`` [1], negative where fronts are too slow, -1 where there are none; NaN for elements
        that are coarser than any that were measured.
    """
    places, errors = np.append(0.0, known), np.append(0.0, np.nan_to_num(ratio) - 1.0)
    return np.interp(resolution, places, errors, right=np.nan)


def tally(errors: Floats, weights: Floats, limit: float) -> Floats:
    """Count errors by their weight, so that counts of several parts can be added up.

    Args:
        errors: ``(n,)`` [1], NaN where not known.
        weights: ``(n,)`` not negative.
        limit: of an error's magnitude [1].

    Returns:
        ``(3 + BINS,)``: weight of the unknown errors, weight of those and of the ones beyond the
        limit, sum of weight times error over the others, weight by magnitude in bins of `BIN`.
    """
    known = ~np.isnan(errors)
    magnitude, weight = np.abs(errors[known]), weights[known]
    unknown = weights[~known].sum()
    column = np.minimum((magnitude / BIN).astype(np.int64), BINS - 1)
    return np.concatenate(
        [
            [unknown, unknown + weight[magnitude > limit].sum(), weight @ errors[known]],
            np.bincount(column, weight, minlength=BINS),
        ]
    )


def summary(counted: Floats, share: float) -> tuple[float, float, float, float]:
    """Return what a `tally` of the whole says.

    Args:
        counted: ``(3 + BINS,)``.
        share: of the known errors' weight.

    Returns:
        The mean error, the magnitude that ``share`` of them does not exceed, both NaN where no
        error is known; the share of weight that is unknown, and the share that is unknown or
        beyond the limit.
    """
    (unknown, outside, total), bins = counted[:3], counted[3:]
    known = float(bins.sum())
    whole = known + float(unknown)
    if known == 0.0:
        return np.nan, np.nan, float(unknown) / whole, float(outside) / whole
    # Rounding of the sums must not lead into a bin that holds nothing.
    reached = np.searchsorted(np.cumsum(bins), share * known * (1.0 - 1e-12))
    most = round(BIN * (int(reached) + 1), 6)
    return float(total) / known, most, float(unknown) / whole, float(outside) / whole
