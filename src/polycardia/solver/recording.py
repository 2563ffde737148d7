"""What is kept of a beat while it is stepped: crossing times and electrode potentials.

Nothing here communicates; the voltage field is never stored.  Between them the recorders pass over
a rank's voltage on every step, so each pass is one vectorised comparison, and the rest of the work
is done at the few nodes that it finds.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.kept import Arrays, copy_into
from polycardia.physics.mesh import Floats, Integers

ROUNDING = 1e-6
"""[ms]; times are sums of steps."""

NODES_AT_ONCE = 25_000  # stay in the cache


class Recorder(Protocol):
    """Takes what it wants of every step, and can be put away and taken up again.

    Attributes:
        by_node: whether the arrays have a row for each of the rank's nodes, so that a checkpoint's
            arrays can be split over another number of ranks; those of the other recorders are
            sums, which are whole when those of all ranks are added up.
    """

    by_node: ClassVar[bool]

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step from ``time`` by ``dt`` [ms].

        Args:
            time: at the start of the step [ms].
            dt: may differ from step to step [ms].
            before: ``(n_owned,)`` this rank's voltage, which the last step ended with [mV].
            after: ``(n_owned,)`` the voltage that this step has led to [mV].
        """

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Take the voltage [mV] at the ``number``-th multiple of the sampling interval."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything recorded so far; recording goes on in the same arrays."""

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned: from here on nothing differs, to the last bit."""


@dataclass(frozen=True)
class Window:
    """The part of a simulation that activations are recorded in: steps that start in it [ms].

    What it finds unfinished at its end is recorded until the node's own next activation.
    """

    start: float = 0.0
    end: float = math.inf

    def holds(self, time: float) -> bool:
        return self.start - ROUNDING <= time < self.end - ROUNDING

    def over(self, time: float) -> bool:
        return time >= self.end - ROUNDING


WHOLE = Window()


class Crossings:
    """Activation and repolarisation times of one rank's nodes, interpolated within the step.

    Args:
        voltage: ``(n_owned,)`` at the start [mV].
        activation: threshold of activation [mV].
        repolarisation: threshold of repolarisation [mV].
        window: activations in other steps are counted, and not recorded.

    Attributes:
        activation: ``(n_owned,)`` first upward crossing of the activation threshold [ms], or NaN.
        repolarisation: ``(n_owned,)`` last downward crossing of the repolarisation threshold of
            a node that was activated [ms], or NaN; if there is none in the window, the first one
            after it and before the node's next activation.
        count: ``(n_owned,)`` upward crossings of the activation threshold from the start on.
        activated: nodes whose activation was recorded in the last step.
    """

    by_node: ClassVar[bool] = True

    def __init__(
        self, voltage: Floats, *, activation: float, repolarisation: float, window: Window = WHOLE
    ) -> None:
        self.activation = np.full(voltage.size, np.nan)
        self.repolarisation = np.full(voltage.size, np.nan)
        self.count = np.zeros(voltage.size, np.uint16)
        self.activated: Integers = np.empty(0, np.int64)
        self.window = window
        self.threshold = activation
        self._recovered = repolarisation
        self._up = voltage >= activation
        self._high = voltage > repolarisation
        self._again = np.zeros(voltage.size, bool)  # activated after the window
        self._spare = np.empty(voltage.size, bool)

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step, as `Recorder` says."""
        inside = self.window.holds(time)
        up = np.greater_equal(after, self.threshold, out=self._spare)
        changed = np.flatnonzero(np.not_equal(up, self._up, out=self._up))
        self._up, self._spare = up, self._up
        risen = changed[up[changed]]
        self.count[risen] += 1
        self.activated = risen[np.isnan(self.activation[risen])] if inside else risen[:0]
        self.activation[self.activated] = crossing_time(
            time, dt, before, after, self.threshold, self.activated
        )
        high = np.greater(after, self._recovered, out=self._spare)
        changed = np.flatnonzero(np.not_equal(high, self._high, out=self._high))
        self._high, self._spare = high, self._high
        fallen = changed[~high[changed]]
        fallen = fallen[~np.isnan(self.activation[fallen])]
        if self.window.over(time):
            self._again[risen] = True
            fallen = fallen[np.isnan(self.repolarisation[fallen]) & ~self._again[fallen]]
        self.repolarisation[fallen] = crossing_time(
            time, dt, before, after, self._recovered, fallen
        )

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Nothing: crossings are between samples."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {
            "activation": self.activation,
            "repolarisation": self.repolarisation,
            "count": self.count,
            "up": self._up,
            "high": self._high,
            "again": self._again,
        }

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)


class Electrogram:
    """Potentials of the electrodes, one dot product each per sample.

    Args:
        leads: ``(n_electrodes, n_owned)`` lead vectors of this rank's nodes [1].
        n_samples: how many there will be.

    Attributes:
        potentials: ``(n_electrodes, n_samples)`` this rank's share [mV]; ranks add up.
    """

    by_node: ClassVar[bool] = False

    def __init__(self, leads: NDArray[np.floating[Any]], n_samples: int) -> None:
        self._leads = leads
        self.potentials = np.zeros((len(leads), n_samples))

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Nothing: an ECG is sampled."""

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Record sample ``number`` from this rank's voltage [mV]."""
        # Of leads in single precision NumPy would make a copy of all in double.
        parts = (slice(at, at + NODES_AT_ONCE) for at in range(0, len(voltage), NODES_AT_ONCE))
        self.potentials[:, number] = sum(
            self._leads[:, part].astype(np.float64) @ voltage[part] for part in parts
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {"potentials": self.potentials}

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)


def crossing_time(
    time: float, dt: float, before: Floats, after: Floats, level: float | Floats, nodes: Integers
) -> Floats:
    """Return ``(n,)`` when the voltage of ``nodes`` crosses ``level``, on a straight line [ms]."""
    first, last = before[nodes], after[nodes]
    crossed: Floats = time + dt * (level - first) / (last - first)
    return crossed
