"""The current that starts a wave."""

from dataclasses import dataclass

from polycardia.physics.mesh import Floats, Integers


@dataclass(frozen=True)
class Stimulus:
    """Current at a set of this rank's nodes.

    Attributes:
        nodes: positions among the rank's own nodes.
        first_step: the step of ``dt`` that it starts with.
        n_steps: how many of these it lasts.
        amplitude: of all, or ``(n,)`` of each [uA/uF = mV/ms].
    """

    nodes: Integers
    first_step: int
    n_steps: int
    amplitude: float | Floats

    def acts_in(self, first: int, last: int) -> bool:
        """Whether it acts in one of the steps ``first <= step < last``."""
        return self.first_step < last and first < self.first_step + self.n_steps
