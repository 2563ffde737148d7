"""How coarse an element is for the front that crosses it, and what is done about it.

A front thinner than an element is carried on by the few points of the quadrature that it meets,
too fast or too slowly.  A factor of the current there, measured once for a cell model and a time
step (`polycardia.study.calibration`), gives the wave the velocity that fine elements would give it.
"""

import math
from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.resolution import lengths_along
from polycardia.solver.operators import Elements


@dataclass(frozen=True)
class CurrentFactor:
    """What the current near the front is multiplied by, for an element's resolution.

    Attributes:
        resolution: ``(n,)`` ascending, the element's length along the front's way over the root
            of the diffusivity there [sqrt(ms)].
        factor: ``(n,)`` [1].
    """

    resolution: Floats
    factor: Floats

    def at(self, resolution: Floats) -> Floats:
        """Return ``(n,)`` factors: 1 for elements without length, a power law beyond the table."""
        factor = np.interp(resolution, np.append(0.0, self.resolution), np.append(1.0, self.factor))
        if len(self.resolution) > 1:
            last, end = self.resolution[-2:], np.log(self.factor[-2:])
            power = min(0.0, (end[1] - end[0]) / math.log(last[1] / last[0]))
            factor *= np.maximum(1.0, resolution / last[1]) ** power
        return factor


UNCHANGED = CurrentFactor(np.zeros(0), np.zeros(0))


def resolution(elements: Elements, cells: Integers, voltage: Floats) -> Floats:
    """Return how coarse elements are for the front that crosses them: ``h / sqrt(D)``.

    Both are along the gradient of the voltage: h of `physics.resolution.lengths_along`, and D the
    diffusivity, sigma / (chi C_m).

    Args:
        elements: of this rank.
        cells: ``(n,)`` which of them.
        voltage: ``(n_local,)`` [mV].

    Returns:
        ``(n,)`` [sqrt(ms)].
    """
    # One component at a time: NumPy is several times slower along axes of three and four.
    corners = elements.corners[cells].T
    potential = voltage[corners]
    gradient = _gradient(elements.points.T[:, corners], potential)
    squared = (gradient**2).sum(axis=0)
    # A corner's place along the gradient is its voltage over the gradient's magnitude.
    length = lengths_along(potential) / np.sqrt(squared)
    diffusivity = elements.diffusivity
    fibre = (elements.fibre[cells].T * gradient).sum(axis=0) ** 2 / squared
    there = diffusivity.cross + (diffusivity.fibre - diffusivity.cross) * fibre
    ratio: Floats = length / np.sqrt(elements.factor[cells] * there)
    return ratio


def _gradient(place: Floats, value: Floats) -> Floats:
    """Return ``(3, n)`` of linear elements with ``(3, 4, n)`` corners and ``(4, n)`` values."""
    a, b, c = (place[:, corner] - place[:, 0] for corner in (1, 2, 3))
    rise = value[1:] - value[0]
    facing = _cross(b, c)
    gradient: Floats = rise[0] * facing + rise[1] * _cross(c, a) + rise[2] * _cross(a, b)
    gradient /= (a * facing).sum(axis=0)
    return gradient


def _cross(x: Floats, y: Floats) -> Floats:
    """Return ``(3, n)``."""
    return np.stack(
        (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    )
