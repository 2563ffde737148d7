"""How elements lie in the front that crosses them.

A part of the elements at a time: what is computed on the way would be several times as large as
all that is kept of them, and stays in the cache.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.resolution import LinearGradient, dispersion, lengths_along
from polycardia.solver.elements import Elements
from polycardia.solver.halo import Halo
from polycardia.solver.operators import Operators
from polycardia.solver.resolution import DISPERSIONS, UNEVENNESSES, Crossing
from polycardia.solver.stencil import PAIRS

LEAST_FACTOR = 1e-30  # of the conductivity: coarse beyond all tables, and still a number
TURNED = 0.1  # of an element's own slope; where fronts meet the mean around it is none
CELLS_AT_ONCE = 10_000  # stay in the cache


def crossing(operators: Operators, cells: Integers, voltage: Floats) -> Crossing:
    """Return how elements lie in the front that crosses them.  Collective.

    The front's way is the slope of the voltage, averaged over those of the elements around: that of
    an element by itself is askew just where the element is.

    Args:
        operators: of this rank.
        cells: ``(n,)`` which of its elements; on every rank all that the front is in.
        voltage: ``(n_local,)`` [mV].
    """
    elements, halo = operators.elements, operators.halo
    corners, volume = elements.corners[cells], elements.volume[cells]

    def slopes(part: slice) -> Floats:
        return LinearGradient(_places(elements, corners[part]))(voltage[corners[part].T])

    own = _by_parts(len(cells), 3, slopes)
    around = _node_means(own, corners, volume, halo)

    def lying(part: slice) -> Floats:
        mean = _around(around, corners[part])
        return _lying(operators, cells[part], corners[part], own[:, part], mean)

    length, *told_apart = _by_parts(len(cells), 3, lying)
    # A wave passes by a single element with little current, so what counts is those around it.
    near = _node_means(told_apart, corners, volume, halo)
    mean = _by_parts(len(cells), 2, lambda part: _around(near, corners[part]))
    return Crossing(length, *mean)


def _by_parts(n: int, width: int, values: Callable[[slice], Floats]) -> Floats:
    """Return ``(width, n)`` from values of `CELLS_AT_ONCE` elements."""
    whole = np.empty((width, n))
    for start in range(0, n, CELLS_AT_ONCE):
        part = slice(start, start + CELLS_AT_ONCE)
        whole[:, part] = values(part)
    return whole


def _lying(
    operators: Operators, cells: Integers, corners: NDArray[np.int32], own: Floats, around: Floats
) -> Floats:
    """Return ``(3, n)`` length, dispersion and unevenness of elements by themselves.

    Args:
        operators: of this rank.
        cells: ``(n,)`` which of its elements.
        corners: ``(n, 4)`` of these.
        own: ``(3, n)`` slope of the voltage in each [mV/mm].
        around: ``(3, n)`` mean of those around it.
    """
    stretch = _Stretch(operators.elements, cells)
    own, around = stretch.slope(own), stretch.slope(around)
    steepness = np.sqrt((around**2).sum(axis=0))
    lost = steepness < TURNED * np.sqrt((own**2).sum(axis=0))
    way = np.where(lost, own, around)
    way /= np.sqrt((way**2).sum(axis=0))
    covector = stretch.covector(way)
    place = _places(operators.elements, corners)
    depth = (place * covector[:, None]).sum(axis=0)
    length = lengths_along(depth)
    dispersed = dispersion(depth, way, LinearGradient(place).seen(stretch.slope))
    uneven = _unevenness(operators.uneven[corners.T], stretch.unscaled(covector)) / length**2
    return np.stack([length, np.clip(dispersed, *DISPERSIONS), np.clip(uneven, *UNEVENNESSES)])


def _places(elements: Elements, corners: NDArray[np.int32]) -> Floats:
    """Return ``(3, 4, n)`` [mm]."""
    places: Floats = elements.points.T[:, corners.T]
    return places


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


def _node_means(
    values: Iterable[Floats], corners: NDArray[np.int32], volume: Floats, halo: Halo
) -> Floats:
    """Return ``(n_local, m)`` means of ``(n,)`` values over the elements around nodes, by volume.

    Only a node's owner has all the elements around it.  Collective.
    """
    n_own = halo.owned.count
    nodes = corners.ravel().astype(np.intp)

    def total(weight: Floats) -> Floats:
        # NumPy repeats values several times slower.
        of_corner = np.broadcast_to(weight[:, None], corners.shape).ravel()
        sums = np.bincount(nodes, of_corner, minlength=halo.n_local)
        return np.asarray(sums[:n_own], np.float64)

    volumes = total(volume)
    volumes[volumes == 0.0] = 1.0
    means = [total(volume * value) / volumes for value in values]
    return halo.extended(np.stack(means, axis=1))


def _around(of_node: Floats, corners: NDArray[np.int32]) -> Floats:
    """Return ``(m, n)`` means of the values of nodes over elements' corners."""
    mean: Floats = of_node[corners.T].mean(axis=0).T
    return mean
