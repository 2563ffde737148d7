"""One beat of the monodomain equation: ``chi (C_m dV/dt + I_ion) = div(sigma grad V) + I_stim``.

Godunov splitting: the membrane of every node by its compiled kernel, then one implicit
diffusion step.  Collective throughout.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from petsc4py import PETSc

from polycardia.config import Simulation, whole_steps
from polycardia.errors import NoCapture
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.diffusion import DiffusionStep
from polycardia.solver.membrane import Membrane
from polycardia.solver.operators import Operators
from polycardia.solver.partition import gathered
from polycardia.solver.recording import Crossings, Electrogram

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stimulus:
    """Current at a set of this rank's nodes.

    Attributes:
        nodes: positions among the rank's own nodes.
        first_step: the step that it starts with.
        n_steps: how many steps it lasts.
        amplitude: [uA/uF = mV/ms].
    """

    nodes: Integers
    first_step: int
    n_steps: int
    amplitude: float

    def acts_in(self, step: int) -> bool:
        return self.first_step <= step < self.first_step + self.n_steps


@dataclass(frozen=True)
class Cost:
    """Where the time of a beat's steps went, on the slowest rank [s], and what it took."""

    membrane: float
    diffusion: float
    recording: float
    iterations: int
    n_steps: int

    @property
    def stepping(self) -> float:
        return self.membrane + self.diffusion + self.recording


@dataclass(frozen=True)
class Beat:
    """What is known after a beat.

    Attributes:
        activation: ``(n_nodes,)`` [ms] on rank 0, None elsewhere.
        repolarisation: ``(n_nodes,)`` [ms], NaN where not reached; on rank 0, None elsewhere.
        potentials: ``(n_electrodes, n_samples)`` [mV] on every rank.
        cost: time and iterations.
    """

    activation: Floats | None
    repolarisation: Floats | None
    potentials: Floats
    cost: Cost


class _Clock:
    """Adds up wall time by part of a step."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(("membrane", "diffusion", "recording"), 0.0)
        self._last = 0.0

    def start(self) -> None:
        self._last = time.perf_counter()

    def charge(self, part: str) -> None:
        now = time.perf_counter()
        self.spent[part] += now - self._last
        self._last = now

    def slowest(self, comm: MPI.Comm) -> dict[str, float]:
        """Return each part's time on the rank where all of them took longest.  Collective."""
        everyone = comm.allgather(self.spent)
        return max(everyone, key=lambda spent: sum(spent.values()))


def simulate_beat(
    comm: MPI.Comm,
    operators: Operators,
    membrane: Membrane,
    stimuli: Sequence[Stimulus],
    leads: Floats,
    settings: Simulation,
) -> Beat:
    """Step one beat and return what was streamed from it.  Collective.

    Args:
        comm: of all ranks that share the heart.
        operators: mass and stiffness; they are destroyed at the end.
        membrane: this rank's cells, at rest.
        stimuli: with positions among this rank's nodes.
        leads: ``(n_electrodes, n_owned)`` lead vectors [1].
        settings: numerics, sampling.

    Raises:
        SolveFailed: the diffusion solve did not converge, or the voltage is not finite.
    """
    numerics = settings.numerics
    dt, n_steps = numerics.dt, numerics.n_steps
    report_every = whole_steps(numerics.report_interval, dt, "report_interval")
    sample_every = whole_steps(settings.sampling_interval, dt, "sampling_interval")
    clock = _Clock()
    voltage = membrane.resting_voltage()
    owned = operators.owned
    field = PETSc.Vec().createWithArray(voltage, size=(owned.count, owned.n_nodes), comm=comm)
    crossings = Crossings(
        voltage,
        activation=numerics.activation_threshold,
        repolarisation=numerics.repolarisation_threshold,
    )
    electrogram = Electrogram(leads, n_steps // sample_every + 1)
    electrogram.sample(0, voltage)
    iterations = 0
    with DiffusionStep(
        operators.mass,
        operators.stiffness,
        dt=dt,
        theta=numerics.theta,
        tolerance=numerics.tolerance,
    ) as diffusion:
        clock.start()
        for step in range(n_steps):
            for stimulus in stimuli:
                if stimulus.acts_in(step):
                    voltage[stimulus.nodes] += dt * stimulus.amplitude
            membrane.advance(voltage, dt)
            clock.charge("membrane")
            taken = diffusion.advance(field)
            iterations += taken
            clock.charge("diffusion")
            crossings.observe(step * dt, dt, voltage)
            if (step + 1) % sample_every == 0:
                electrogram.sample((step + 1) // sample_every, voltage)
            clock.charge("recording")
            if (step + 1) % report_every == 0:
                _report(comm, (step + 1) * dt, numerics.duration, taken, voltage)
                if numerics.stop == "when_activated" and _all_activated(comm, crossings):
                    break
    field.destroy()
    own_share = np.ascontiguousarray(electrogram.potentials[:, : (step + 1) // sample_every + 1])
    potentials = np.empty_like(own_share)
    comm.Allreduce(own_share, potentials)
    return Beat(
        activation=gathered(comm, crossings.activation),
        repolarisation=gathered(comm, crossings.repolarisation),
        potentials=potentials,
        cost=Cost(**clock.slowest(comm), iterations=iterations, n_steps=step + 1),
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


def _all_activated(comm: MPI.Comm, crossings: Crossings) -> bool:
    """Whether every node of every rank has activated.  Collective."""
    silent = int(np.count_nonzero(np.isnan(crossings.activation)))
    return bool(comm.allreduce(silent) == 0)


def _report(comm: MPI.Comm, now: float, duration: float, iterations: int, voltage: Floats) -> None:
    """Write one line of progress from rank 0.  Collective."""
    lowest = comm.reduce(float(voltage.min(initial=math.inf)), MPI.MIN)
    highest = comm.reduce(float(voltage.max(initial=-math.inf)), MPI.MAX)
    if comm.Get_rank() == 0:
        log.info(
            "t %8.1f of %.1f ms  iterations %3d  voltage %7.2f to %7.2f mV",
            now,
            duration,
            iterations,
            lowest,
            highest,
        )
