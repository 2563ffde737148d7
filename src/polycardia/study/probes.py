"""Where a heart's probes are, and what is recorded at them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polycardia.config import Cells, Probe, Simulation
from polycardia.errors import BadStudy, PolycardiaError
from polycardia.io.heart_file import ProbeRecord
from polycardia.io.prepared import PreparedFile
from polycardia.ionic.evaluation import evaluate, find_variable
from polycardia.ionic.model import CellModel
from polycardia.ionic.scaling import with_factors
from polycardia.physics.axes import HeartAxes, heart_axes
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh
from polycardia.physics.places import Cloud
from polycardia.physics.probes import HeartPlace, node_at, node_at_point
from polycardia.physics.variation import region_of_nodes
from polycardia.solver.partition import Comm
from polycardia.study.cells import node_factor
from polycardia.study.kernels import equations

log = logging.getLogger(__name__)


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


def place_probes(prepared: PreparedFile, settings: Simulation, comm: Comm) -> list[PlacedProbe]:
    """Return where the probes are, on every rank, and check what they record.  Collective.

    Raises:
        BadStudy: on all ranks; a probe's site was not prepared, or a cell model lacks a variable.
        BadMesh: on all ranks; there is no endocardium at a probe's place, or no node near it.
    """
    wanted = settings.outputs.probes.at
    if not wanted:
        return []
    found: list[PlacedProbe] | PolycardiaError = []
    if comm.Get_rank() == 0:
        try:
            found = placed(prepared, wanted)
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


def placed(prepared: PreparedFile, probes: Sequence[Probe]) -> list[PlacedProbe]:
    """Return where probes are in a heart; what they need of it is read once.

    Raises:
        BadStudy: the heart was prepared without a probe's site.
        BadMesh: there is no endocardium at a probe's place, or no node near its point.
    """
    heart = _Heart(prepared)
    points, cell_type = heart.stored.points, heart.stored.cell_type
    found = []
    for probe in probes:
        node, miss = _place(heart, probe)
        one = slice(node, node + 1)
        layer = int(cell_type[one][0])
        found.append(PlacedProbe(probe.name, node, points[one][0], miss, layer))
    return found


class _Heart:
    """What places need of a prepared heart: read where one does, and kept for the others."""

    def __init__(self, prepared: PreparedFile) -> None:
        self._prepared = prepared
        self.stored = prepared.stored()

    @cached_property
    def cloud(self) -> Cloud:
        return Cloud(self.stored.points[:], self.stored.measures["mean_edge_length"][0])

    @cached_property
    def boundary(self) -> Boundary:
        return self._prepared.read_boundary()

    @cached_property
    def axes(self) -> HeartAxes:
        return heart_axes(self.cloud.points, self.boundary)

    @cached_property
    def transmural(self) -> Floats:
        return self.stored.coordinates["transmural"][:]

    @cached_property
    def sites(self) -> dict[str, Integers]:
        return {site.name: site.nodes for site in self._prepared.read_sites()}


def _place(heart: _Heart, probe: Probe) -> tuple[int, float]:
    """Return a probe's node, and how far it is from where it was wanted [mm]."""
    if probe.point is not None:
        return node_at_point(heart.cloud, probe.name, np.array(probe.point))
    if probe.heart is not None:
        place = HeartPlace(**probe.heart.model_dump())
        points, depth = heart.cloud.points, heart.transmural
        return node_at(points, heart.boundary, heart.axes, depth, probe.name, place), 0.0
    if probe.site not in heart.sites or len(heart.sites[probe.site]) == 0:
        raise BadStudy(
            f"probe {probe.name} is at the site {probe.site!r}, the heart was prepared with "
            f"{', '.join(heart.sites) or 'none'}"
        )
    return int(heart.sites[probe.site][0]), 0.0


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
