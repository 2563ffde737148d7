"""The look at the whole tissue, every few steps, that decides how the beat goes on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from polycardia.errors import SolveFailed
from polycardia.physics.mesh import Floats
from polycardia.solver.ending import Ending
from polycardia.solver.recording import Crossings
from polycardia.solver.stepping import Stepping
from polycardia.solver.stimulus import Stimulus


@dataclass(frozen=True)
class Look:
    """What all ranks agreed on.

    Attributes:
        done: there is nothing left to simulate.
        moving: small steps are needed until the next look.
        asked: for a checkpoint, as in `polycardia.solver.checkpoint`.
    """

    done: bool
    moving: bool
    asked: int


class Control:
    """Looks at the tissue with one reduction.

    Args:
        comm: of all ranks that share the heart.
        steps: of the beat.
        ends: when it is over.
        stimuli: at this rank's nodes.
    """

    def __init__(
        self, comm: MPI.Comm, steps: Stepping, ends: Ending, stimuli: Sequence[Stimulus]
    ) -> None:
        self._comm = comm
        self._steps = steps
        self._ends = ends
        self._stimuli = stimuli

    def look(
        self, tick: int, looked: Floats, voltage: Floats, crossings: Crossings, asked: int
    ) -> Look:
        """Decide how to go on.  Collective.

        Args:
            tick: a multiple of ``steps.look_ticks``.
            looked: ``(n_owned,)`` voltage at the last look [mV].
            voltage: ``(n_owned,)`` now [mV].
            crossings: of this rank.
            asked: what this rank was asked for.

        Raises:
            SolveFailed: on all ranks; the voltage of one of them is not finite.
        """
        rate = self._rate(tick, looked, voltage)
        # A maximum with NaN in it is not the same on all ranks.
        lost = math.isnan(rate)
        pending = self._ends.pending(tick, crossings, voltage)
        own = np.array([0.0 if lost else rate, lost, pending, asked], np.float64)
        most = np.empty_like(own)
        self._comm.Allreduce(own, most, MPI.MAX)
        if most[1]:
            raise SolveFailed(f"the voltage is not finite before {self._steps.time(tick):g} ms")
        return Look(
            done=not most[2], moving=bool(most[0] > self._steps.quiet_rate), asked=int(most[3])
        )

    def _rate(self, tick: int, looked: Floats, voltage: Floats) -> float:
        """Return how fast the voltage of this rank's nodes changes at most [mV/ms]."""
        last = tick + self._steps.look_ticks
        if any(stimulus.acts_in(tick, last) for stimulus in self._stimuli):
            return math.inf
        change = np.abs(voltage - looked).max(initial=0.0)
        return float(change) / (self._steps.look_ticks * self._steps.dt)
