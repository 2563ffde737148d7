"""All that is recorded of one simulation, as the study asks for it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from polycardia.config import Simulation, whole_steps
from polycardia.physics.capture import CaptureCounter, Readiness, Watch
from polycardia.physics.kept import Arrays
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.partition import Comm, gathered
from polycardia.solver.probes import Probes
from polycardia.solver.recording import Crossings, Electrogram, Recorder, Window
from polycardia.solver.recovery import Recovery
from polycardia.solver.upstroke import SteepestUpstroke

APART = "/"  # between a recorder's name and its arrays'


@dataclass(frozen=True)
class Recorded:
    """What was recorded, on rank 0; on the others only the potentials, which all have.

    Attributes:
        activation: ``(n_nodes,)`` [ms], NaN where not reached.
        repolarisation: ``(n_nodes,)`` [ms], NaN where not reached.
        activation_count: ``(n_nodes,)`` activations from the start on.
        apd90: ``(n_nodes,)`` [ms], NaN where not reached; None where not asked for.
        probes: ``(n_probes, 1 + n_states, n)``, or None where not asked for.
        potentials: ``(n_electrodes, n_samples)`` [mV].
        captured: ``(n_watches,)`` nodes that answered; on every rank.
    """

    activation: Floats | None
    repolarisation: Floats | None
    activation_count: NDArray[np.uint16] | None
    apd90: Floats | None
    probes: Floats | None
    potentials: Floats
    captured: Integers


class Recorders:
    """What takes every step and every sample of one rank's voltage, as one `Recorder`.

    Args:
        voltage: ``(n_owned,)`` at the start [mV].
        leads: ``(n_electrodes, n_owned)`` lead vectors [1].
        settings: what is asked for.
        probes: at nodes, or None.
        watches: of the tissue around stimulated places, among the rank's own nodes.
    """

    def __init__(
        self,
        voltage: Floats,
        leads: NDArray[np.floating[Any]],
        settings: Simulation,
        probes: Probes | None = None,
        watches: Sequence[Watch] = (),
    ) -> None:
        numerics, protocol = settings.numerics, settings.stimulation
        until = math.inf if protocol.record_until is None else protocol.record_until
        window = Window(protocol.record_from, until)
        self.crossings = Crossings(
            voltage,
            activation=numerics.activation_threshold,
            repolarisation=numerics.repolarisation_threshold,
            window=window,
        )
        self._upstroke = None
        if settings.outputs.activation == "steepest_upstroke":
            self._upstroke = SteepestUpstroke(self.crossings)
        self._recovery = None
        if settings.outputs.apd90:
            self._recovery = Recovery(
                voltage, threshold=numerics.activation_threshold, window=window
            )
        self._electrogram = Electrogram(leads, n_samples(settings))
        self._probes = probes
        self._readiness = Readiness(
            watches,
            voltage,
            activation=numerics.activation_threshold,
            repolarisation=numerics.repolarisation_threshold,
        )
        self._captures = CaptureCounter(watches, self._readiness)

    def _named(self) -> Iterator[tuple[str, Recorder]]:
        yield "activation", self.crossings if self._upstroke is None else self._upstroke
        if self._recovery is not None:
            yield "recovery", self._recovery
        yield "electrogram", self._electrogram
        if self._probes is not None:
            yield "probes", self._probes
        # In this order: a node is counted by whether it was ready before the step.
        yield "captures", self._captures
        yield "readiness", self._readiness

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Take one step, as `Recorder` says."""
        for _, recorder in self._named():
            recorder.observe(time, dt, before, after)

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Take the voltage [mV] at the ``number``-th multiple of the sampling interval."""
        for _, recorder in self._named():
            recorder.sample(number, time, voltage)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything recorded so far, by ``recorder/array``."""
        return {
            f"{name}{APART}{key}": array
            for name, recorder in self._named()
            for key, array in recorder.arrays().items()
        }

    def by_node(self, name: str) -> bool:
        """Whether one of `arrays` has a row a node; the others add up over the ranks."""
        return dict(self._named())[name.split(APART)[0]].by_node

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned.

        Raises:
            ValueError: an array is missing, or has another shape.
        """
        for name, recorder in self._named():
            of_recorder = name + APART
            recorder.restore(
                {
                    key.removeprefix(of_recorder): array
                    for key, array in arrays.items()
                    if key.startswith(of_recorder)
                }
            )

    def recorded(self, comm: Comm, count: int) -> Recorded:
        """Put together what all ranks recorded.  Collective.

        Args:
            comm: of all ranks that share the heart.
            count: samples that were taken.
        """
        upstroke = self.crossings if self._upstroke is None else self._upstroke
        activation = gathered(comm, upstroke.activation)
        return Recorded(
            activation=activation,
            repolarisation=gathered(comm, self.crossings.repolarisation),
            activation_count=gathered(comm, self.crossings.count),
            apd90=self._apd90(comm, activation),
            probes=self._at_probes(comm, count),
            potentials=_summed(comm, self._electrogram.potentials[:, :count]),
            captured=comm.allreduce(self._captures.counts),
        )

    def _apd90(self, comm: Comm, activation: Floats | None) -> Floats | None:
        if self._recovery is None:
            return None
        end = gathered(comm, self._recovery.time)
        return None if end is None or activation is None else end - activation

    def _at_probes(self, comm: Comm, count: int) -> Floats | None:
        if self._probes is None:
            return None
        whole = _summed(comm, self._probes.values[:, :, : self._probes.kept(count)])
        return whole if comm.Get_rank() == 0 else None


def n_samples(settings: Simulation) -> int:
    """Return how many samples a whole simulation has, the first at its start."""
    numerics = settings.numerics
    every = whole_steps(settings.sampling_interval, numerics.dt, "ecg.sampling_interval")
    return numerics.n_steps // every + 1


def _summed(comm: Comm, share: Floats) -> Floats:
    """Return the sum of all ranks' shares, on every rank.  Collective."""
    own = np.ascontiguousarray(share)
    total = np.empty_like(own)
    comm.Allreduce(own, total, MPI.SUM)
    return total
