"""The whole voltage, handed out while a beat is stepped."""

from collections.abc import Callable
from dataclasses import dataclass

from polycardia.physics.mesh import Floats
from polycardia.solver.partition import Comm, gathered

OnSnapshot = Callable[[int, float, Floats], None]
"""Takes the number of a snapshot, its time [ms] and ``(n_nodes,)`` the voltage [mV]."""


@dataclass(frozen=True)
class Snapshots:
    """When the voltage is handed out, in multiples of the sampling interval, and to whom.

    Attributes:
        first: sample that is the first snapshot.
        every: samples between snapshots.
        last: sample after which there are none.
        take: called on rank 0; the other ranks have none.
    """

    first: int
    every: int
    last: int
    take: OnSnapshot | None = None

    def count(self, number: int) -> int:
        """Return how many there are up to and with a sample."""
        return max(0, (min(number, self.last) - self.first) // self.every + 1)

    def sample(self, comm: Comm, number: int, time: float, voltage: Floats) -> None:
        """Hand out the voltage, if this sample is a snapshot.  Collective.

        Args:
            comm: of all ranks that share the heart.
            number: of the sample.
            time: [ms].
            voltage: ``(n_owned,)`` [mV].
        """
        if self.count(number) == self.count(number - 1):
            return
        whole = gathered(comm, voltage)
        if whole is not None and self.take is not None:
            self.take(self.count(number) - 1, time, whole)
