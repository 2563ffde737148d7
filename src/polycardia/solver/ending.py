"""When there is nothing left to simulate."""

import math
from collections.abc import Sequence

import numpy as np

from polycardia.config import Simulation
from polycardia.physics.mesh import Floats
from polycardia.solver.recording import Crossings
from polycardia.solver.stepping import Stepping
from polycardia.solver.stimulus import Stimulus

ROUNDING = 1e-6  # [steps]


class Ending:
    """The study's condition for an early end.

    Args:
        settings: of the simulation.
        steps: its steps.
        stimuli: at this rank's nodes.
    """

    def __init__(self, settings: Simulation, steps: Stepping, stimuli: Sequence[Stimulus]) -> None:
        self._stop = settings.numerics.stop
        self._recovered = settings.numerics.repolarisation_threshold
        settled = settings.stimulation.settled_from
        self._earliest = max(
            math.ceil(settled / steps.dt - ROUNDING),
            *(stimulus.first_step + stimulus.n_steps for stimulus in stimuli),
            0,
        )

    def pending(self, tick: int, crossings: Crossings, voltage: Floats) -> bool:
        """Whether something is left to simulate on this rank; the end is when it is on none.

        Args:
            tick: now.
            crossings: of this rank.
            voltage: ``(n_owned,)`` [mV].
        """
        if self._stop == "at_duration" or tick < self._earliest:
            return True
        if self._stop == "when_activated":
            return bool(np.isnan(crossings.activation).any())
        waiting = np.isnan(crossings.repolarisation) | (voltage > self._recovered)
        pending = bool((waiting & ~np.isnan(crossings.activation)).any())
        return pending or bool((voltage > self._recovered).any())
