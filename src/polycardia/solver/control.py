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
from polycardia.solver.stimulus import Stimuli, Stimulus


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
        self._stimuli = Stimuli(stimuli)

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
        with np.errstate(invalid="ignore"):  # infinite then and now
            change = float(np.abs(voltage - looked).max(initial=0.0))
        # A maximum with NaN in it is not the same on all ranks.
        lost = not math.isfinite(change)
        rate = 0.0 if lost else self._rate(tick, change)
        pending = self._ends.pending(tick, crossings, voltage)
        own = np.array([rate, lost, pending, asked], np.float64)
        most = np.empty_like(own)
        self._comm.Allreduce(own, most, MPI.MAX)
        self._require_none(bool(most[1]), tick)
        return Look(
            done=not most[2], moving=bool(most[0] > self._steps.quiet_rate), asked=int(most[3])
        )

    def require_finite(self, tick: int, voltage: Floats) -> None:
        """Look at the end, for what went wrong after the last look.  Collective.

        Raises:
            SolveFailed: on all ranks; the voltage of one of them is not finite.
        """
        lost = not np.isfinite(voltage).all()
        self._require_none(self._comm.allreduce(lost, MPI.LOR), tick)

    def _require_none(self, lost: bool, tick: int) -> None:
        if lost:
            raise SolveFailed(f"the voltage is not finite before {self._steps.time(tick):g} ms")

    def _rate(self, tick: int, change: float) -> float:
        """Return how fast the voltage changes [mV/ms]; without end where a stimulus is due."""
        last = tick + self._steps.look_ticks
        if self._stimuli.acting(tick, last):
            return math.inf
        return change / (self._steps.look_ticks * self._steps.dt)
