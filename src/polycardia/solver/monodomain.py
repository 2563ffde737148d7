"""The monodomain equation in time: ``chi C_m (dV/dt + I_ion) = div(sigma grad V) + I_stim``.

The ionic current ``I_ion`` is per capacitance, as cell models have it [uA/uF = mV/ms], and so is
the amplitude of a stimulus, ``I_stim / (chi C_m)``.

A step is split symmetrically (Strang, SIAM J Numer Anal 5:506, 1968): half a step of diffusion, the
membrane's currents, another half.  The gates take their own step in turn with all of that, by the
voltage at its start, which is symmetric again seen half a step later; so activation times are of
second order in the time step.  Collective throughout.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from mpi4py import MPI

from polycardia.config import Simulation, whole_steps
from polycardia.errors import NoCapture
from polycardia.physics.mesh import Floats
from polycardia.solver.checkpoint import (
    START,
    Checkpoints,
    Mark,
    Unfinished,
    end_if_signalled,
)
from polycardia.solver.clock import Clock, Cost
from polycardia.solver.control import Control
from polycardia.solver.diffusion import Diffusion
from polycardia.solver.ending import Ending
from polycardia.solver.front import Front
from polycardia.solver.membrane import Membrane
from polycardia.solver.operators import Operators
from polycardia.solver.recorders import Recorded, Recorders
from polycardia.solver.snapshots import Snapshots
from polycardia.solver.stepping import stepping
from polycardia.solver.stimulus import Stimuli, Stimulus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beat:
    """What is known after a simulation.

    Attributes:
        recorded: maps, electrode potentials and what else was asked for.
        cost: where the time went.
    """

    recorded: Recorded
    cost: Cost


class Tissue:
    """Voltage and states of one rank's nodes, and how a step changes them.  Collective.

    Args:
        operators: their matrix is destroyed at the end.
        membrane: this rank's cells, at rest.
        stimuli: with positions among this rank's own nodes.
        clock: charged with what each part of a step takes.

    Attributes:
        voltage: ``(n_local,)`` [mV], own nodes, then ghosts.
        before: the same, before the last step.
    """

    def __init__(
        self,
        operators: Operators,
        membrane: Membrane,
        stimuli: Sequence[Stimulus],
        clock: Clock,
    ) -> None:
        self.voltage = membrane.resting_voltage()
        self.before = self.voltage.copy()
        self._middle = self.voltage.copy()
        self._membrane = membrane
        self._stimuli = Stimuli(stimuli)
        self._clock = clock
        self._halo = operators.halo
        self._diffusion = Diffusion(operators, self.voltage)
        self._front = Front(operators, membrane)

    def find_front(self, moving: bool, looked: Floats) -> None:
        """Find where the front is; nowhere, if nothing moves.

        Args:
            moving: whether anything does.
            looked: ``(n_owned,)`` voltage at the last look [mV].
        """
        self._diffusion.exchange()
        if moving:
            rise = self._halo.extended(self.voltage[: len(looked)] - looked)
            self._front.find(self.voltage, rise > 0.0)
        else:
            self._front.forget()
        self._clock.charge("front")

    def step(self, tick: int, ticks: int, dt: float) -> None:
        """Advance by ``ticks`` ticks of ``dt`` [ms]."""
        whole = ticks * dt
        voltage, start, middle = self.voltage, self.before, self._middle
        self._diffusion.exchange()
        np.copyto(start, voltage)
        self._diffuse(0.5 * whole)
        self._stimulate(tick, ticks, 0.5 * whole)
        self._diffusion.exchange()
        np.copyto(middle, voltage)
        self._clock.charge("diffusion")
        self._membrane.advance(voltage, whole, gating=start)
        self._clock.charge("reaction")
        self._front.correct(middle, voltage, whole)
        self._clock.charge("front")
        self._stimulate(tick, ticks, 0.5 * whole)
        self._diffusion.exchange()
        self._diffuse(0.5 * whole)
        self._clock.charge("diffusion")

    def _stimulate(self, tick: int, ticks: int, dt: float) -> None:
        for stimulus in self._stimuli.acting(tick, tick + ticks):
            self.voltage[stimulus.nodes] += dt * stimulus.amplitude

    def _diffuse(self, dt: float) -> None:
        self._clock.count_stages(self._diffusion.advance(dt))

    def close(self) -> None:
        self._diffusion.close()


def simulate_beat(
    comm: MPI.Comm,
    operators: Operators,
    membrane: Membrane,
    stimuli: Sequence[Stimulus],
    recorders: Recorders,
    settings: Simulation,
    snapshots: Snapshots | None = None,
    checkpoints: Checkpoints | None = None,
) -> Beat:
    """Step a heart through its protocol and return what was recorded of it.  Collective.

    Args:
        comm: of all ranks that share the heart.
        operators: of the tissue; their matrix is destroyed at the end.
        membrane: this rank's cells, at rest.
        stimuli: with positions among this rank's nodes.
        recorders: of this rank, at rest.
        settings: numerics, sampling.
        snapshots: of the whole voltage, or None.
        checkpoints: where to go on from, and where to; None is neither.

    Raises:
        SolveFailed: on all ranks; the voltage is not finite.
        MachineTrouble: on all ranks; a signal asked for the end.  Whether a checkpoint is written
            is in its sentence.
    """
    numerics = settings.numerics
    steps = stepping(numerics)
    report_every = whole_steps(numerics.report_interval, steps.dt, "report_interval")
    sample_every = whole_steps(settings.sampling_interval, steps.dt, "sampling_interval")
    clock = Clock(operators.halo)
    tissue = Tissue(operators, membrane, stimuli, clock)
    control = Control(comm, steps, Ending(settings, steps, stimuli), stimuli)
    voltage, before = (
        both[: operators.halo.owned.count] for both in (tissue.voltage, tissue.before)
    )
    looked = voltage.copy()
    beat = Unfinished(operators.halo, tissue.voltage, looked, membrane, recorders)
    checkpoints = checkpoints or Checkpoints()
    start = checkpoints.take_up(comm, beat)

    def sample(tick: int) -> None:
        if tick % sample_every == 0:
            number, now = tick // sample_every, steps.time(tick)
            recorders.sample(number, now, voltage)
            if snapshots is not None:
                snapshots.sample(comm, number, now, voltage)

    tick, moving = start.tick, True
    if start == START:
        sample(tick)
    clock.start()
    with checkpoints.listening():
        while tick < steps.n_ticks:
            if tick % steps.look_ticks == 0:
                look = control.look(tick, looked, voltage, recorders.crossings, checkpoints.asked())
                clock.charge("control")
                if look.done:
                    break
                if look.asked:
                    cost = asdict(start.total(clock.cost(comm)))
                    mark = Mark(tick, comm.Get_size(), cost)
                    fault = checkpoints.put_away(comm, mark, beat)
                    end_if_signalled(look.asked, steps.time(tick), fault)
                    clock.charge("output")
                moving = look.moving
                tissue.find_front(moving, looked)
                np.copyto(looked, voltage)
            ticks = steps.ticks(moving)
            tissue.step(tick, ticks, steps.dt)
            recorders.observe(steps.time(tick), ticks * steps.dt, before, voltage)
            tick += ticks
            clock.count_step(ticks)
            sample(tick)
            clock.charge("output")
            if tick % report_every == 0:
                _report(comm, steps.time(tick), numerics.duration, voltage)
                clock.charge("control")
    control.require_finite(tick, voltage)
    tissue.close()
    return Beat(
        recorded=recorders.recorded(comm, tick // sample_every + 1),
        cost=start.total(clock.cost(comm)),
    )


def require_capture(comm: MPI.Comm, activation: Floats | None, duration: float) -> None:
    """Raise on all ranks if a node of rank 0's map never activated.  Collective.

    Raises:
        NoCapture: with the number of such nodes.
    """
    silent = None if activation is None else int(np.count_nonzero(np.isnan(activation)))
    silent = comm.bcast(silent)
    if silent:
        raise NoCapture(f"{silent} nodes never activate within {duration:g} ms, need 0")


def _report(comm: MPI.Comm, now: float, duration: float, voltage: Floats) -> None:
    """Write one line of progress from rank 0.  Collective."""
    lowest = comm.reduce(float(voltage.min(initial=math.inf)), MPI.MIN)
    highest = comm.reduce(float(voltage.max(initial=-math.inf)), MPI.MAX)
    if comm.Get_rank() == 0:
        log.info("t %8.1f of %.1f ms  voltage %7.2f to %7.2f mV", now, duration, lowest, highest)
