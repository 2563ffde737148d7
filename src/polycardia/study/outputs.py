"""What a study asks for beside the maps and the ECG: probes and snapshots of the voltage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Simulation, whole_steps
from polycardia.errors import PolycardiaError
from polycardia.io.heart_file import ProbeRecord
from polycardia.io.prepared import PreparedFile
from polycardia.io.voltage_file import NOTHING_TAKEN, Taken, VoltageWriter
from polycardia.physics.mesh import Floats
from polycardia.solver.partition import Comm, Ownership
from polycardia.solver.probes import Probes, States
from polycardia.solver.recorders import Recorded, n_samples
from polycardia.solver.snapshots import Snapshots
from polycardia.study.probes import PlacedProbe, probe_records

ROUNDING = 1e-9  # [samples]


@dataclass(frozen=True)
class Requested:
    """What a heart's file holds only where it is asked for.

    Attributes:
        activation_count: ``(n_nodes,)`` activations from the start on.
        apd90: ``(n_nodes,)`` [ms], NaN where not reached.
        probes: what was recorded at them.
        snapshot_times: of the voltage in the file beside the heart's [ms].
    """

    activation_count: NDArray[np.uint16] | None = None
    apd90: Floats | None = None
    probes: Sequence[ProbeRecord] = ()
    snapshot_times: Floats | None = None


NOTHING = Requested()


def probe_recorder(
    probes: Sequence[PlacedProbe], settings: Simulation, owned: Ownership, states: States
) -> Probes | None:
    """Return what records the probes, or None where there are none.

    Args:
        probes: of the heart.
        settings: what is recorded, and when.
        owned: this rank's nodes.
        states: of the rank's membrane.
    """
    if not probes:
        return None
    asked = settings.outputs.probes
    return Probes(
        [probe.node for probe in probes],
        owned,
        every=whole_steps(asked.interval, settings.sampling_interval, "outputs.probes.interval"),
        n_samples=n_samples(settings),
        states=states if asked.variables else None,
    )


def requested(
    prepared: PreparedFile,
    recorded: Recorded,
    probes: Sequence[PlacedProbe],
    settings: Simulation,
    snapshot_times: Floats | None = None,
) -> Requested:
    """Return what the study asked for, as on rank 0.

    Args:
        prepared: the heart.
        recorded: of the simulation.
        probes: in the heart.
        settings: cells and variables.
        snapshot_times: of the voltage in the file beside the heart's [ms].
    """
    at_probes = recorded.probes
    return Requested(
        activation_count=recorded.activation_count,
        apd90=recorded.apd90,
        probes=[] if at_probes is None else probe_records(prepared, probes, at_probes, settings),
        snapshot_times=snapshot_times,
    )


def snapshots(settings: Simulation, writer: VoltageWriter | None) -> Snapshots | None:
    """Return when the voltage is handed to a writer, or None where it is not asked for.

    Args:
        settings: from when to when, and how often.
        writer: on rank 0; the other ranks have none.
    """
    asked = settings.outputs.voltage
    if asked is None:
        return None
    interval = settings.sampling_interval
    last = n_samples(settings) - 1
    if asked.end is not None:
        last = min(last, math.floor(asked.end / interval + ROUNDING))
    return Snapshots(
        first=round(asked.start / interval),
        every=whole_steps(asked.interval, interval, "outputs.voltage.interval"),
        last=last,
        take=None if writer is None else writer.take,
    )


def voltage_writer(
    output: Path,
    prepared: PreparedFile,
    settings: Simulation,
    comm: Comm,
    kept: Taken = NOTHING_TAKEN,
) -> VoltageWriter | None:
    """Return what stores the snapshots, on rank 0 and if they are asked for.  Collective.

    Args:
        output: the heart's own file.
        prepared: the heart.
        settings: whether there are snapshots.
        comm: of all ranks that share the heart.
        kept: snapshots that a checkpoint counts on.

    Raises:
        BadStudy: on all ranks; nothing can be written there.
        BadArchive: on all ranks; these are not left of the interrupted run.
    """
    if settings.outputs.voltage is None:
        return None
    writer, problem = None, None
    if comm.Get_rank() == 0:
        try:
            writer = VoltageWriter(output, prepared.n_nodes, kept)
        except PolycardiaError as error:
            problem = error
    problem = comm.bcast(problem)
    if problem is not None:
        raise problem
    return writer
