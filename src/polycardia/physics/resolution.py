"""How well elements resolve the fronts that cross them, and what that does to their velocity."""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats

BIN = 1e-3  # of the magnitude of an error, finer than velocities are measured
BINS = 1001  # the last one has all that is larger


DIRECTIONS = 5  # across a fibre, over which lengths are averaged; no divisor of a symmetry


def lengths_along(place: Floats) -> Floats:
    """Return the length of every element along a direction.

    It is twice the standard deviation of the corners' places, which the membrane's current is
    smoothed over, with a quarter of a power of their range; for a cable's element both are its
    length.  By this measure a front that is thinner than its elements is as fast through bricks as
    through disordered tetrahedra to 3 %, whatever its upstroke; by the deviation alone slow
    upstrokes are and steep ones are not, by the range neither (docs/numerics.md).

    Args:
        place: ``(4, n)`` of the corners along the direction [mm].

    Returns:
        ``(n,)`` [mm].
    """
    deviation = np.sqrt(((place - place.mean(axis=0)) ** 2).mean(axis=0))
    extent = place.max(axis=0) - place.min(axis=0)
    length: Floats = np.sqrt(2.0 * deviation * np.sqrt(2.0 * deviation * extent))
    return length


def dispersion(depth: Floats, way: Floats, gradient: "LinearGradient") -> Floats:
    r"""Return how much more than a cable's an element's stiffness makes of short waves.

    Linear interpolation of a plane wave :math:`e^{i k s}` has the squared slope
    :math:`k^2 (1 + S k^2 + ...)`, with :math:`S = |g_2|^2 - 2 n \cdot g_3` where :math:`g_m` is the
    gradient of the interpolated :math:`s^m / m!` and n the wave's way.  A cable's elements have
    :math:`S = -h^2 / 12`, and so have those of a mesh whose edges are along and across the way.  In
    others :math:`s^2 / 2` has a slope across the way too, which conduction evens out and so carries
    the wave forward.

    Args:
        depth: ``(4, n)`` of the corners along the front's way, in coordinates in which tissue
            conducts alike in all directions: over the root of the diffusivity.
        way: ``(3, n)`` unit vectors in these coordinates.
        gradient: of the elements, in these coordinates.

    Returns:
        ``(n,)``, S over the square of the element's length, plus 1/12 [1].  Bricks have 0 along an
        axis, disordered tetrahedra 0.06, across fibres that conduct 7.6 times as well 0.3.
    """
    centred = depth - depth.mean(axis=0)
    square = centred * centred
    second, third = gradient(square / 2.0), gradient(square * centred / 6.0)
    slope = (second**2).sum(axis=0) - 2.0 * (third * way).sum(axis=0)
    more: Floats = slope / lengths_along(depth) ** 2 + 1.0 / 12.0
    return more


class LinearGradient:
    """The gradient of linear interpolation in elements, for any values at their corners.

    One component at a time: NumPy is several times slower along axes of three and four.

    Args:
        place: ``(3, 4, n)`` of the corners.
    """

    def __init__(self, place: Floats) -> None:
        a, b, c = (place[:, corner] - place[:, 0] for corner in (1, 2, 3))
        facing = _cross(b, c)
        over_volume = 1.0 / (a * facing).sum(axis=0)
        self._of_corner = [side * over_volume for side in (facing, _cross(c, a), _cross(a, b))]

    def __call__(self, value: Floats) -> Floats:
        """Return ``(3, n)`` for ``(4, n)`` values."""
        rises = (value[corner] - value[0] for corner in (1, 2, 3))
        gradient: Floats = sum(
            rise * slope for rise, slope in zip(rises, self._of_corner, strict=True)
        )
        return gradient

    def seen(self, change: Callable[[Floats], Floats]) -> "LinearGradient":
        """Return the gradient in other coordinates, from how ``(3, n)`` slopes change to them."""
        other = copy(self)
        other._of_corner = [change(slope) for slope in self._of_corner]
        return other


def _cross(x: Floats, y: Floats) -> Floats:
    """Return ``(3, n)``."""
    return np.stack(
        (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    )


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

    Between those that were measured it is linear, and elements without length have none.  What a
    conductivity has to make up for is another matter: `study.tissue`.

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
