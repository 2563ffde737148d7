"""Activation by the steepest upstroke, streamed."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.kept import Arrays, copy_into
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.recording import Crossings

SLOWEST = 0.1
"""[mV/ms]; a rise that is slower everywhere counts by its threshold crossing.

Cells at rest drift by less, so that only the neighbourhood of a front is looked at.
"""


class SteepestUpstroke:
    """When the voltage of each node rises most steeply, finer than a step.

    A step's slope belongs to its middle.  The steepest one and its two neighbours lie on a
    parabola; its vertex is the activation.  An upstroke is what leads to a node's recorded
    threshold crossing: from where the voltage last fell before it, so that a stimulus which failed
    is none, up to where the voltage falls again for the first time after it.

    Args:
        crossings: observed from here on by this recorder, which has to be called in its place.
    """

    by_node: ClassVar[bool] = True

    def __init__(self, crossings: Crossings) -> None:
        n = crossings.activation.size
        self.crossings = crossings
        self._steepest = np.full(n, SLOWEST)  # [mV/ms]; infinite where the upstroke is over
        self._time = np.full(n, np.nan)
        # Slopes of this step and of the two before it [mV/ms].
        self._slope, self._last, self._second_last = np.zeros((3, n))
        self._dt = np.zeros((2, 1))  # of the two steps before this one [ms]
        self._fresh = np.zeros(n, bool)  # steepest in the last step
        self._rising = np.zeros(n, bool)  # crossed, and not over
        self._followed = np.zeros(n, bool)  # have a steepest slope, and are not over
        self._mask = np.empty(n, bool)

    @property
    def activation(self) -> Floats:
        """``(n_owned,)`` [ms]; NaN where the threshold was not crossed."""
        crossed = self.crossings.activation
        steepest: Floats = np.where(np.isnan(self._time) | np.isnan(crossed), crossed, self._time)
        return steepest

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step, as `Recorder` says."""
        self.crossings.observe(time, dt, before, after)
        if not self.crossings.window.holds(time):
            return
        slope = np.subtract(after, before, out=self._slope)
        slope /= dt
        self._refine(np.flatnonzero(self._fresh), time, dt)
        steeper = np.flatnonzero(np.greater(slope, self._steepest, out=self._fresh))
        self._steepest[steeper] = slope[steeper]
        self._time[steeper] = time + dt / 2.0
        self._followed[steeper] = True
        self._rising[self.crossings.activated] = True
        rising = np.flatnonzero(self._rising)
        over = rising[slope[rising] <= 0.0]
        self._steepest[over] = np.inf
        self._rising[over] = False
        self._followed[over] = False
        self._forget(slope)
        self._slope, self._last, self._second_last = self._second_last, slope, self._last
        self._dt[0], self._dt[1] = self._dt[1], dt

    def _forget(self, slope: Floats) -> None:
        """Begin again where the voltage falls and has not crossed: no upstroke has led there."""
        fallen = np.less(slope, 0.0, out=self._mask)
        fallen &= self._followed
        nodes = np.flatnonzero(fallen)
        self._steepest[nodes] = SLOWEST
        self._time[nodes] = np.nan
        self._followed[nodes] = False

    def _refine(self, nodes: Integers, time: float, dt: float) -> None:
        """Move the times of nodes that were steepest in the last step to the parabola's vertex."""
        second_last_dt, last_dt = float(self._dt[0, 0]), float(self._dt[1, 0])
        if nodes.size == 0 or second_last_dt == 0.0:
            return
        left, right = (second_last_dt + last_dt) / 2.0, (last_dt + dt) / 2.0
        rise = (self._last[nodes] - self._second_last[nodes]) / left
        fall = (self._slope[nodes] - self._last[nodes]) / right
        bend = (fall - rise) / (left + right)
        # Where the slope still grows the vertex is not here; the next step takes the node over.
        peaked = (fall <= 0.0) & (bend < 0.0)
        nodes, rise, bend = nodes[peaked], rise[peaked], bend[peaked]
        self._time[nodes] = time - last_dt / 2.0 - (rise + bend * left) / (2.0 * bend)

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Nothing: upstrokes are between samples."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        n = self._time.size
        return {
            **self.crossings.arrays(),
            "steepest": self._steepest,
            "steepest_time": self._time,
            "last_slope": self._last,
            "second_last_slope": self._second_last,
            "fresh": self._fresh,
            "rising": self._rising,
            # A row a node, as everything here.
            "last_steps": np.repeat(self._dt.T, n, axis=0),
        }

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)
        self._dt[:] = arrays["last_steps"][:1].T
        self._followed[:] = (self._steepest > SLOWEST) & (self._steepest < np.inf)
