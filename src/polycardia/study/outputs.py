"""What a study asks for beside the maps and the ECG: probes and snapshots of the voltage."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Cells, Probe, Simulation, whole_steps
from polycardia.errors import BadStudy, PolycardiaError
from polycardia.io.heart_file import ProbeRecord
from polycardia.io.prepared import PreparedFile
from polycardia.io.voltage_file import VoltageWriter
from polycardia.ionic.evaluation import evaluate, find_variable
from polycardia.ionic.model import CellModel
from polycardia.ionic.scaling import with_factors
from polycardia.physics.mesh import Floats, TetMesh
from polycardia.physics.probes import HeartPlace, nearest_node, node_at
from polycardia.physics.variation import region_of_nodes
from polycardia.solver.partition import Comm, Ownership
from polycardia.solver.probes import Probes, States
from polycardia.solver.recorders import Recorded, n_samples
from polycardia.solver.snapshots import Snapshots
from polycardia.study.cells import node_factor
from polycardia.study.model import equations

log = logging.getLogger(__name__)

ROUNDING = 1e-9  # [samples]


@dataclass(frozen=True)
class PlacedProbe:
    """A probe in one heart.

    Attributes:
        name: of the probe.
        node: numbered in the heart.
        place: ``(3,)`` of the node [mm].
        miss: from where it was wanted to the node [mm].
        layer: of the wall, from the inside.
    """

    name: str
    node: int
    place: Floats
    miss: float
    layer: int


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


def place_probes(prepared: PreparedFile, settings: Simulation, comm: Comm) -> list[PlacedProbe]:
    """Return where the probes are, on every rank, and check what they record.  Collective.

    Raises:
        BadStudy: on all ranks; a probe's site was not prepared, or a cell model lacks a variable.
        BadMesh: on all ranks; there is no endocardium at a probe's place.
    """
    wanted = settings.outputs.probes.at
    if not wanted:
        return []
    found: list[PlacedProbe] | PolycardiaError = []
    if comm.Get_rank() == 0:
        try:
            found = [placed(prepared, probe) for probe in wanted]
            for layer in {probe.layer for probe in found}:
                model, _ = _tissue_model(settings.cells, layer)
                for name in settings.outputs.probes.variables:
                    find_variable(model, name)
        except PolycardiaError as error:
            found = error
    found = comm.bcast(found)
    if isinstance(found, PolycardiaError):
        raise found
    for probe in found if comm.Get_rank() == 0 else ():
        log.info("probe %s at node %d, %.2f mm off", probe.name, probe.node, probe.miss)
    return found


def placed(prepared: PreparedFile, probe: Probe) -> PlacedProbe:
    """Return where a probe is in a heart.

    Raises:
        BadStudy: the heart was prepared without the probe's site.
        BadMesh: there is no endocardium at the probe's place.
    """
    heart = prepared.stored()
    miss = 0.0
    if probe.point is not None:
        point, points = np.array(probe.point), heart.points[:]
        node = nearest_node(points, point)
        miss = float(np.linalg.norm(points[node] - point))
    elif probe.heart is not None:
        mesh, boundary = prepared.read_mesh(), prepared.read_boundary()
        transmural = heart.coordinates["transmural"][:]
        place = HeartPlace(**probe.heart.model_dump())
        node = node_at(mesh, boundary, transmural, probe.name, place)
    else:
        nodes = {site.name: site.nodes for site in prepared.read_sites()}
        if probe.site not in nodes or len(nodes[probe.site]) == 0:
            raise BadStudy(
                f"probe {probe.name} is at the site {probe.site!r}, the heart was prepared with "
                f"{', '.join(nodes) or 'none'}"
            )
        node = int(nodes[probe.site][0])
    one = slice(node, node + 1)
    return PlacedProbe(
        probe.name, node, heart.points[one][0], miss, layer=int(heart.cell_type[one][0])
    )


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


def probe_records(
    prepared: PreparedFile, probes: Sequence[PlacedProbe], values: Floats, settings: Simulation
) -> list[ProbeRecord]:
    """Return what was recorded, with all the variables that were asked for.

    Args:
        prepared: the heart.
        probes: in it.
        values: ``(n_probes, 1 + n_states, n)`` voltage [mV], then states.
        settings: cells and variables.
    """
    records = []
    for probe, (voltage, *states) in zip(probes, values, strict=True):
        model, factors = _tissue_model(settings.cells, probe.layer)
        constants = _factors_at(prepared, probe, settings.cells, factors)
        own = np.array(states[: len(model.gates_and_concentrations)])
        traces = {"voltage": (voltage, "mV", str(model.voltage.qname()))}
        for name in settings.outputs.probes.variables:
            trace = evaluate(model, name, voltage, own, constants)
            traces[name] = (trace.values, trace.unit, trace.variable)
        records.append(
            ProbeRecord(probe.name, probe.node, probe.place, probe.miss, probe.layer, traces)
        )
    return records


def _tissue_model(cells: Cells, layer: int) -> tuple[CellModel, dict[str, str]]:
    """Return a layer's equations as the tissue has them, and its factors by their constants."""
    pacing = cells.pacing_of(list(cells.by_layer())[layer])
    model, factors = with_factors(equations(pacing.model), pacing.varying)
    return model, dict(zip(pacing.varying, factors, strict=True))


def _factors_at(
    prepared: PreparedFile, probe: PlacedProbe, cells: Cells, factors: Mapping[str, str]
) -> dict[str, float]:
    """Return the value of each factor at a probe's node."""
    if not factors:
        return {}
    one = slice(probe.node, probe.node + 1)
    coordinates = {name: values[one] for name, values in prepared.stored().coordinates.items()}
    region = np.array([_region_at(prepared, probe.node)])
    layer = list(cells.by_layer())[probe.layer]
    return {
        factor: float(node_factor(cells, layer, constant, coordinates, region)[0])
        for constant, factor in factors.items()
    }


def _region_at(prepared: PreparedFile, node: int) -> int:
    """Return the region of a node, which its own tetrahedra decide."""
    around = prepared.read_cells(node, node + 1)
    corners = np.searchsorted(around.touched, around.tetrahedra)
    part = TetMesh(around.points, corners, around.region.astype(np.int64))
    return int(region_of_nodes(part)[np.searchsorted(around.touched, node)])


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
    output: Path, prepared: PreparedFile, settings: Simulation, comm: Comm, count: int = 0
) -> VoltageWriter | None:
    """Return what stores the snapshots, on rank 0 and if they are asked for.  Collective.

    Args:
        output: the heart's own file.
        prepared: the heart.
        settings: whether there are snapshots.
        comm: of all ranks that share the heart.
        count: snapshots that a checkpoint holds.

    Raises:
        BadStudy: on all ranks; nothing can be written there.
        BadArchive: on all ranks; fewer snapshots than that are left of the interrupted run.
    """
    if settings.outputs.voltage is None:
        return None
    writer, problem = None, None
    if comm.Get_rank() == 0:
        try:
            writer = VoltageWriter(output, prepared.n_nodes, count)
        except PolycardiaError as error:
            problem = error
    problem = comm.bcast(problem)
    if problem is not None:
        raise problem
    return writer
