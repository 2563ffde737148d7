"""How an element lies in the front that crosses it, and what is done about it.

A front thinner than an element is carried on by the few points of the quadrature that it meets,
too fast or too slowly; and an element whose edges are askew to the front carries it faster.  A
factor of the current there, measured once for a cell model and a time step
(`polycardia.study.calibration`), gives the wave the velocity that fine elements would give it.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.resolution import LinearGradient, dispersion, lengths_along
from polycardia.solver.halo import Halo
from polycardia.solver.operators import Elements

ASKEW = 0.2
"""Dispersion that the second row of factors is for, about that of the bars that they are measured
on."""
DISPERSIONS = (-0.2, 0.7)  # that are told apart: flat elements know no bound
LEAST_FACTOR = 1e-30  # of the conductivity: coarse beyond all tables, and still a number
TURNED = 0.1  # of an element's own slope; where fronts meet the mean around it is none


class Crossing(NamedTuple):
    """How elements lie in the front that crosses them.

    Attributes:
        resolution: ``(n,)`` length along the front's way over the root of the diffusivity there
            [sqrt(ms)].
        dispersion: ``(n,)`` as `physics.resolution.dispersion` has it [1].
    """

    resolution: Floats
    dispersion: Floats


@dataclass(frozen=True)
class CurrentFactor:
    """What the current near the front is multiplied by, for the way an element lies in it.

    Attributes:
        resolution: ``(n,)`` ascending, of a `Crossing` [sqrt(ms)].
        factor: ``(2, n)`` for dispersion 0 and `ASKEW` [1].
    """

    resolution: Floats
    factor: Floats

    def at(self, crossing: Crossing) -> Floats:
        """Return ``(n,)`` factors.

        They are 1 for elements without length, linear between those of the table, and a power law
        beyond it.  Their logarithm goes as d + d |d|, d being the dispersion: so plane waves in any
        direction have the right velocity (docs/numerics.md).
        """
        aligned, askew = (np.log(self._at(crossing.resolution, row)) for row in self.factor)
        share = _weight(np.clip(crossing.dispersion, *DISPERSIONS)) / _weight(ASKEW)
        factor: Floats = np.exp(aligned + share * (askew - aligned))
        return factor

    def _at(self, resolution: Floats, row: Floats) -> Floats:
        factor = np.interp(resolution, np.append(0.0, self.resolution), np.append(1.0, row))
        if len(self.resolution) > 1:
            last, end = self.resolution[-2:], np.log(row[-2:])
            power = min(0.0, (end[1] - end[0]) / math.log(last[1] / last[0]))
            factor *= np.maximum(1.0, resolution / last[1]) ** power
        return factor


def _weight(dispersion: Floats | float) -> Any:
    return dispersion + dispersion * np.abs(dispersion)


UNCHANGED = CurrentFactor(np.zeros(0), np.zeros((2, 0)))


def crossing(elements: Elements, cells: Integers, voltage: Floats, halo: Halo) -> Crossing:
    """Return how elements lie in the front that crosses them.  Collective.

    The front's way is the slope of the voltage, averaged over those of the elements around: that of
    an element by itself is askew just where the element is.

    Args:
        elements: of this rank.
        cells: ``(n,)`` which of them; on every rank all that the front is in.
        voltage: ``(n_local,)`` [mV].
        halo: of the rank.
    """
    corners = elements.corners[cells].T
    place = elements.points.T[:, corners]
    gradient = LinearGradient(place)
    own = gradient(voltage[corners])
    around = _averaged(own, corners, elements.volume[cells], halo)
    stretch = _Stretch(elements, cells)
    own, around = stretch.slope(own), stretch.slope(around)
    steepness = np.sqrt((around**2).sum(axis=0))
    lost = steepness < TURNED * np.sqrt((own**2).sum(axis=0))
    way = np.where(lost, own, around)
    way /= np.sqrt((way**2).sum(axis=0))
    depth = (place * stretch.covector(way)[:, None]).sum(axis=0)
    return Crossing(lengths_along(depth), dispersion(depth, way, gradient.seen(stretch.slope)))


class _Stretch:
    """To coordinates in which each element conducts alike in all directions, with D = 1."""

    def __init__(self, elements: Elements, cells: Integers) -> None:
        # Stored in half the precision, in which a tiny factor may be none.
        factor = np.maximum(elements.factor[cells].astype(np.float64), LEAST_FACTOR)
        root = np.sqrt(factor)
        self._fibre = elements.fibre[cells].T.astype(np.float64)
        self._along = root * math.sqrt(elements.diffusivity.fibre)
        self._across = root * math.sqrt(elements.diffusivity.cross)

    def slope(self, slope: Floats) -> Floats:
        """Return ``(3, n)`` slopes there: times the root of the diffusivity [1/sqrt(ms)]."""
        return self._scaled(slope, self._along, self._across)

    def covector(self, way: Floats) -> Floats:
        """Return ``(3, n)`` whose product with a place is that of the way with it there."""
        return self._scaled(way, 1.0 / self._along, 1.0 / self._across)

    def _scaled(self, vector: Floats, along: Floats, across: Floats) -> Floats:
        part = (vector * self._fibre).sum(axis=0)
        scaled: Floats = across * vector
        scaled += (along - across) * part * self._fibre
        return scaled


def _averaged(slope: Floats, corners: NDArray[np.int32], volume: Floats, halo: Halo) -> Floats:
    """Return ``(3, n)`` means over the elements around each one's corners, by volume.

    Only a node's owner has all the elements around it.
    """
    n_own = halo.owned.count
    weight = np.repeat(volume[None], 4, axis=0).ravel()
    nodes = corners.ravel()
    total = np.bincount(nodes, weight, minlength=halo.n_local)[:n_own]
    total[total == 0.0] = 1.0
    mean = np.empty((n_own, 3))
    for axis, component in enumerate(slope):
        moment = np.bincount(nodes, weight * np.tile(component, 4), minlength=halo.n_local)
        mean[:, axis] = moment[:n_own] / total
    of_node = halo.extended(mean)
    averaged: Floats = of_node[corners].mean(axis=0).T
    return averaged
