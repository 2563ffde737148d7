"""Whether a pulse captures: the tissue around the stimulated nodes activates soon after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.agenda import Agenda
from polycardia.physics.kept import copy_into
from polycardia.physics.mesh import Floats, Integers

CAPTURED = 0.5  # of the nodes around, at least: the others may lie beyond a scar
RECOVERED = 0.75
"""[1] of the way down from the threshold of activation to that of repolarisation, from where on a
node can activate again: at -52.5 mV by default, where hardly any sodium channel is available yet.
Above it, the current of a stimulus can lift a node over the threshold that does not answer."""


@dataclass(frozen=True)
class Watch:
    """Nodes around a place, and when their activation answers a pulse there.

    Attributes:
        nodes: positions among the nodes at hand.
        since: onset of the pulse [ms].
        until: end of the time in which they have to activate [ms].
    """

    nodes: Integers
    since: float
    until: float


class Readiness:
    """Which of the watched nodes can activate again.

    Args:
        watches: any number.
        voltage: ``(n_nodes,)`` at the start [mV].
        activation: threshold [mV].
        repolarisation: threshold [mV].

    Attributes:
        ready: ``(n_nodes,)``; False at nodes that nobody watches.
    """

    by_node: ClassVar[bool] = True

    def __init__(
        self, watches: Sequence[Watch], voltage: Floats, *, activation: float, repolarisation: float
    ) -> None:
        self.threshold = activation
        self.level = activation + RECOVERED * (repolarisation - activation)
        # Watches of one place share their nodes: a train has thousands of them.
        watched = list({id(watch.nodes): watch.nodes for watch in watches}.values())
        self._nodes = np.unique(np.concatenate(watched)) if watched else np.empty(0, np.int64)
        self.ready = np.zeros(voltage.size, bool)
        self.ready[self._nodes] = voltage[self._nodes] < self.level

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step; see `CaptureCounter.observe`, which comes first."""
        now = after[self._nodes]
        still = self.ready[self._nodes]
        self.ready[self._nodes] = (still & (now < self.threshold)) | (now < self.level)

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Nothing: nodes recover between samples."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {"ready": self.ready}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)


class CaptureCounter:
    """Counts, while a simulation is stepped, how many of each watch's nodes activate in its time.

    Args:
        watches: any number.
        readiness: of the same watches; it takes each step after this.

    Attributes:
        counts: ``(n_watches,)`` activations; those of several ranks add up.
    """

    by_node: ClassVar[bool] = False

    def __init__(self, watches: Sequence[Watch], readiness: Readiness) -> None:
        self._watches = Agenda(
            watches, [watch.since for watch in watches], [watch.until for watch in watches]
        )
        self._readiness = readiness
        self.counts = np.zeros(len(watches), np.int64)

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step.

        Args:
            time: at the start of the step [ms].
            dt: [ms].
            before: ``(n_nodes,)`` voltage at its start [mV].
            after: ``(n_nodes,)`` voltage at its end [mV].
        """
        middle = time + 0.5 * dt
        for number, watch in self._watches.during(middle, middle):
            risen = after[watch.nodes] >= self._readiness.threshold
            self.counts[number] += np.count_nonzero(risen & self._readiness.ready[watch.nodes])

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Nothing: crossings are between samples."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {"counts": self.counts}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what `arrays` returned."""
        copy_into(self.arrays(), arrays)
