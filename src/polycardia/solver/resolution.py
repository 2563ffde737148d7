"""How an element lies in the front that crosses it, and what is done about it.

A front thinner than an element is carried on by the few points of the quadrature that it meets,
too fast or too slowly; an element whose edges are askew to the front carries it faster, and less so
where the nodes' stencils are uneven (`polycardia.solver.stencil`).  A factor of the current there,
measured once for a cell model and a time step (`polycardia.study.calibration`), gives the wave the
velocity that fine elements would give it.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.resolution import LinearGradient, dispersion, lengths_along
from polycardia.solver.elements import Elements
from polycardia.solver.halo import Halo
from polycardia.solver.operators import Operators
from polycardia.solver.stencil import PAIRS

ASKEW, UNEVEN = 0.3, 0.6
"""Dispersion that the second row of factors is for, and unevenness of the third: about those of the
bars that they are measured on."""
DISPERSIONS, UNEVENNESSES = (-0.2, 0.7), (0.0, 1.0)  # told apart: flat elements know no bound
LEAST_FACTOR = 1e-30  # of the conductivity: coarse beyond all tables, and still a number
TURNED = 0.1  # of an element's own slope; where fronts meet the mean around it is none


class Crossing(NamedTuple):
    """How elements lie in the front that crosses them.

    Attributes:
        resolution: ``(n,)`` length along the front's way over the root of the diffusivity there
            [sqrt(ms)].
        dispersion: ``(n,)`` as `physics.resolution.dispersion` has it [1].
        unevenness: ``(n,)`` by how much the nodes' stencils differ, which takes back some of the
            dispersion: the square of the relative difference between the diffusivity that a node
            sees and the tissue's, over the node's rate of diffusion and the length's square [1].

    The last two are means over the elements around.
    """

    resolution: Floats
    dispersion: Floats
    unevenness: Floats


@dataclass(frozen=True)
class CurrentFactor:
    """What the current near the front is multiplied by, for the way an element lies in it.

    Attributes:
        resolution: ``(n,)`` ascending, of a `Crossing` [sqrt(ms)].
        factor: ``(3, n)`` for elements without dispersion, for `ASKEW` ones, and for those that are
            as much `UNEVEN` besides [1].
    """

    resolution: Floats
    factor: Floats

    def at(self, crossing: Crossing) -> Floats:
        """Return ``(n,)`` factors.

        They are 1 for elements without length, linear between those of the table, and a power law
        beyond it.  Their logarithm is linear in the dispersion and in the unevenness.
        """
        rows = np.log([self._at(crossing.resolution, row) for row in self.factor])
        factor: Floats = np.exp((rows * shares(crossing)).sum(axis=0))
        return factor

    def _at(self, resolution: Floats, row: Floats) -> Floats:
        factor = np.interp(resolution, np.append(0.0, self.resolution), np.append(1.0, row))
        if len(self.resolution) > 1:
            last, end = self.resolution[-2:], np.log(row[-2:])
            power = min(0.0, (end[1] - end[0]) / math.log(last[1] / last[0]))
            factor *= np.maximum(1.0, resolution / last[1]) ** power
        return factor


def shares(crossing: Crossing) -> Floats:
    """Return ``(3, n)`` what each row of a `CurrentFactor` counts for, 1 together."""
    dispersion = np.clip(crossing.dispersion, *DISPERSIONS) / ASKEW
    unevenness = np.clip(crossing.unevenness, *UNEVENNESSES) / UNEVEN
    return np.stack([1.0 - dispersion, dispersion - unevenness, unevenness])


UNCHANGED = CurrentFactor(np.zeros(0), np.zeros((3, 0)))


def crossing(operators: Operators, cells: Integers, voltage: Floats) -> Crossing:
    """Return how elements lie in the front that crosses them.  Collective.

    The front's way is the slope of the voltage, averaged over those of the elements around: that of
    an element by itself is askew just where the element is.

    Args:
        operators: of this rank.
        cells: ``(n,)`` which of its elements; on every rank all that the front is in.
        voltage: ``(n_local,)`` [mV].
    """
    elements = operators.elements
    corners = elements.corners[cells].T
    place = elements.points.T[:, corners]
    gradient = LinearGradient(place)
    own = gradient(voltage[corners])
    around = _averaged(own, corners, elements.volume[cells], operators.halo)
    stretch = _Stretch(elements, cells)
    own, around = stretch.slope(own), stretch.slope(around)
    steepness = np.sqrt((around**2).sum(axis=0))
    lost = steepness < TURNED * np.sqrt((own**2).sum(axis=0))
    way = np.where(lost, own, around)
    way /= np.sqrt((way**2).sum(axis=0))
    covector = stretch.covector(way)
    depth = (place * covector[:, None]).sum(axis=0)
    length = lengths_along(depth)
    lying = dispersion(depth, way, gradient.seen(stretch.slope))
    uneven = _unevenness(operators.uneven[corners], stretch.unscaled(covector)) / length**2
    # A wave passes by a single element with little current, so what counts is those around it.
    told_apart = np.stack([np.clip(lying, *DISPERSIONS), np.clip(uneven, *UNEVENNESSES)])
    mean = _averaged(told_apart, corners, elements.volume[cells], operators.halo)
    return Crossing(length, *mean)


def _unevenness(uneven: NDArray[np.float32], covector: Floats) -> Floats:
    """Return ``(n,)`` means over elements' nodes of what their stencils differ by [ms]."""
    square: Floats = np.zeros(uneven.shape[1])
    twice = [covector[a] * covector[b] * (1.0 if a == b else 2.0) for a, b in PAIRS]
    for of_node in uneven:
        difference = (of_node.T * twice).sum(axis=0)
        square += difference * difference
    mean: Floats = square / len(uneven)
    return mean


class _Stretch:
    """To coordinates in which each element conducts alike in all directions, with D = 1."""

    def __init__(self, elements: Elements, cells: Integers) -> None:
        # Stored in half the precision, in which a tiny factor may be none.
        factor = np.maximum(elements.factor[cells].astype(np.float64), LEAST_FACTOR)
        root = self._root = np.sqrt(factor)
        self._fibre = elements.fibre[cells].T.astype(np.float64)
        self._along = root * math.sqrt(elements.diffusivity.fibre)
        self._across = root * math.sqrt(elements.diffusivity.cross)

    def slope(self, slope: Floats) -> Floats:
        """Return ``(3, n)`` slopes there: times the root of the diffusivity [1/sqrt(ms)]."""
        return self._scaled(slope, self._along, self._across)

    def covector(self, way: Floats) -> Floats:
        """Return ``(3, n)`` whose product with a place is that of the way with it there."""
        return self._scaled(way, 1.0 / self._along, 1.0 / self._across)

    def unscaled(self, covector: Floats) -> Floats:
        """Return what the covector would be for a factor of the conductivity of 1."""
        unscaled: Floats = self._root * covector
        return unscaled

    def _scaled(self, vector: Floats, along: Floats, across: Floats) -> Floats:
        part = (vector * self._fibre).sum(axis=0)
        scaled: Floats = across * vector
        scaled += (along - across) * part * self._fibre
        return scaled


def _averaged(value: Floats, corners: NDArray[np.int32], volume: Floats, halo: Halo) -> Floats:
    """Return ``(m, n)`` means of values over the elements around each one's corners, by volume.

    Only a node's owner has all the elements around it.
    """
    n_own = halo.owned.count
    weight = np.repeat(volume[None], 4, axis=0).ravel()
    nodes = corners.ravel()
    total = np.bincount(nodes, weight, minlength=halo.n_local)[:n_own]
    total[total == 0.0] = 1.0
    mean = np.empty((n_own, len(value)))
    for number, component in enumerate(value):
        moment = np.bincount(nodes, weight * np.tile(component, 4), minlength=halo.n_local)
        mean[:, number] = moment[:n_own] / total
    of_node = halo.extended(mean)
    averaged: Floats = of_node[corners].mean(axis=0).T
    return averaged
