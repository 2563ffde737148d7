"""The end of each node's action potential, at a share of its own amplitude, streamed."""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.kept import Arrays, copy_into
from polycardia.physics.mesh import Floats
from polycardia.solver.recording import ROUNDING, WHOLE, Window, crossing_time

SHARE = 0.9
"""Of the amplitude; 0.9 gives the APD90."""

LOOK_BACK = 10.0
"""[ms].  Rest is the voltage this long, up to twice as long, before the upstroke: further back than
the foot of a front and the oscillations ahead of it on coarse meshes reach."""


class Recovery:
    """When each node has come back by `SHARE` of the amplitude of its first action potential.

    That level is known once the peak is past, and grows with the running maximum before: the
    voltage is above it by itself until it has fallen far enough, so nothing has to be stored.
    A node is in one of five conditions, which its two bounds tell apart: the next thing that
    happens to it is that its voltage goes above ``upper`` or below ``lower`` [mV].

    ========== ============================== =================================
    condition  upper                          lower
    ========== ============================== =================================
    unseen     NaN                            NaN
    waiting    infinity                       threshold, to come down to first
    armed      just below the threshold       minus infinity
    active     running maximum                level of the end
    over       infinity                       minus infinity
    ========== ============================== =================================

    Args:
        voltage: ``(n_owned,)`` at the start [mV].
        threshold: of activation [mV].
        window: action potentials that start in other steps do not count.

    Attributes:
        time: ``(n_owned,)`` [ms], NaN where not reached.
    """

    by_node: ClassVar[bool] = True

    def __init__(self, voltage: Floats, *, threshold: float, window: Window = WHOLE) -> None:
        self.time = np.full(voltage.size, np.nan)
        self._window = window
        self._threshold = threshold
        self._upper = np.full(voltage.size, np.nan)
        self._lower = np.full(voltage.size, np.nan)
        self._rest = np.full(voltage.size, np.nan)
        self._recent, self._older = voltage.copy(), voltage.copy()
        self._mask = np.empty(voltage.size, bool)

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step, as `Recorder` says."""
        if self._window.holds(time):
            if np.isnan(self._upper[:1]).any():
                self._arm(before)
            self._rise(after)
            self._fall(time, dt, before, after)
        elif self._window.over(time):
            self._give_up(before, after)
            self._fall(time, dt, before, after)
        if _looks_back(time + dt) > _looks_back(time):
            self._recent, self._older = self._older, self._recent
            np.copyto(self._recent, after)

    def _arm(self, before: Floats) -> None:
        below = before < self._threshold
        self._upper[:] = np.where(below, np.nextafter(self._threshold, -np.inf), np.inf)
        self._lower[:] = np.where(below, -np.inf, self._threshold)

    def _rise(self, after: Floats) -> None:
        higher = np.flatnonzero(np.greater(after, self._upper, out=self._mask))
        if higher.size == 0:
            return
        started = higher[np.isnan(self._rest[higher])]
        self._rest[started] = self._older[started]
        peak, rest = after[higher], self._rest[higher]
        self._upper[higher] = peak
        self._lower[higher] = peak - SHARE * (peak - rest)

    def _fall(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        lower = np.flatnonzero(np.less(after, self._lower, out=self._mask))
        if lower.size == 0:
            return
        waited = np.isnan(self._rest[lower])
        ended, rearmed = lower[~waited], lower[waited]
        level = self._lower[ended]
        self.time[ended] = crossing_time(time, dt, before, after, level, ended)
        self._upper[ended] = np.inf
        self._upper[rearmed] = np.nextafter(self._threshold, -np.inf)
        self._lower[lower] = -np.inf

    def _give_up(self, before: Floats, after: Floats) -> None:
        """Wait no longer where the next action potential begins before this one has ended."""
        again = np.flatnonzero(np.greater_equal(after, self._threshold, out=self._mask))
        again = again[before[again] < self._threshold]
        self._upper[again] = np.inf
        self._lower[again] = -np.inf

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Nothing: crossings are between samples."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {
            "time": self.time,
            "upper": self._upper,
            "lower": self._lower,
            "rest": self._rest,
            "recent": self._recent,
            "older": self._older,
        }

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)


def _looks_back(time: float) -> int:
    """Return how often `LOOK_BACK` has passed; a step's end is as late as the next one's start."""
    return math.floor((time + ROUNDING) / LOOK_BACK)
