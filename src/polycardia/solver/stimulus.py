"""The current that starts a wave."""

from collections.abc import Sequence
from dataclasses import dataclass

from polycardia.physics.agenda import Agenda
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


class Stimuli:
    """All stimuli of a rank, of which few act in any step.

    Args:
        stimuli: of whole trains of pulses.
    """

    def __init__(self, stimuli: Sequence[Stimulus]) -> None:
        starts = [stimulus.first_step for stimulus in stimuli]
        ends = [stimulus.first_step + stimulus.n_steps for stimulus in stimuli]
        self._agenda = Agenda(stimuli, starts, ends)

    def acting(self, first: int, last: int) -> list[Stimulus]:
        """Return those that act in one of the steps ``first <= step < last``, in their order."""
        return [stimulus for _, stimulus in self._agenda.during(first, last - 1)]
