"""``hearts/<id>.vtkhdf``: one heart's result, which ParaView opens as it is.

Layout of ``/VTKHDF`` after the VTKHDF file format 2.0, UnstructuredGrid
(https://docs.vtk.org/en/latest/vtk_file_formats/vtkhdf_file_format/index.html).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from polycardia.io.heart_reader import attributes_of
from polycardia.io.inside import inside
from polycardia.io.origin import Outcome, read_outcome, write_outcome, write_provenance
from polycardia.io.reading import reading
from polycardia.io.rows import Rows, parts, spans
from polycardia.io.seal import sealed_file
from polycardia.physics.mesh import Floats

LEAD_NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
VTK_TETRA, CORNERS = 10, 4
# VTK's wheels read no other filters than these.
COMPRESSED: Mapping[str, object] = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


class Grid(Protocol):
    """Nodes ``(n_nodes, 3)`` [mm] and cells ``(n_cells, 4)``: a `TetMesh`, or a heart in a file."""

    @property
    def points(self) -> Rows:
        """Of the nodes."""

    @property
    def tetrahedra(self) -> Rows:
        """Node numbers of the cells."""


@dataclass(frozen=True)
class ProbeRecord:
    """What was recorded at one node.

    Attributes:
        name: of the probe.
        node: its number.
        place: ``(3,)`` of the node [mm].
        miss: from where the probe was wanted to the node [mm].
        cell_type: of the node.
        traces: values ``(n,)``, unit and whole name in the cell model's text, by the name that the
            study asked for; first of all ``voltage``.
    """

    name: str
    node: int
    place: Floats
    miss: float
    cell_type: int
    traces: Mapping[str, tuple[Floats, str, str]]


@dataclass(frozen=True)
class HeartResult:
    """What is known of a heart that was solved.

    Arrays of nodes and cells may be in a file, which has to be open until this is written.

    Attributes:
        mesh: nodes and cells as simulated.
        point_fields: ``(n_nodes,)`` by name, first of all ``activation_time`` [ms].
        cell_fields: ``(n_cells, ...)`` by name.
        axes: ``(3, 3)`` the heart's frame, rows septal, anterior, long.
        units: of the fields that have one, by name.
        leads: ``(12, n_samples)`` [mV] in the order of `LEAD_NAMES`.
        sampling_interval: [ms].
        electrode_names: of the rows of ``electrodes``.
        electrodes: ``(10, 3)`` [mm].
        measures: value and unit by name.
        probes: what was recorded at chosen nodes.
        probe_interval: between its samples [ms].
        snapshot_times: of the voltage in the file beside this one [ms], or None without one.
    """

    mesh: Grid
    point_fields: Mapping[str, Rows]
    cell_fields: Mapping[str, Rows]
    axes: Floats
    units: Mapping[str, str]
    leads: NDArray[np.float32]
    sampling_interval: float
    electrode_names: Sequence[str]
    electrodes: Floats
    measures: Mapping[str, tuple[float, str]]
    probes: Sequence[ProbeRecord] = ()
    probe_interval: float = np.nan
    snapshot_times: Floats | None = None


def write_heart(
    path: Path, result: HeartResult | None, outcome: Outcome, provenance: Mapping[str, object]
) -> None:
    """Write a heart's file; one that could not be solved has an outcome and no field."""
    with sealed_file(path) as part, h5py.File(part, "w") as file:
        write_outcome(file, outcome)
        write_provenance(file, provenance)
        if result is not None:
            _write_grid(file, result)
            _write_ecg(file, result)
            measures = file.create_group("measures")
            for name, (value, unit) in result.measures.items():
                measures.create_dataset(name, data=value).attrs["unit"] = unit
            if result.probes:
                _write_probes(file.create_group("probes", track_order=True), result)
            if result.snapshot_times is not None:
                snapshots = file.create_group("voltage")
                snapshots.attrs["file"] = f"{path.stem}.voltage{path.suffix}"
                times = snapshots.create_dataset("times", data=result.snapshot_times)
                times.attrs["unit"] = "ms"


def write_mesh(file: h5py.File, mesh: Grid) -> h5py.Group:
    """Create ``/VTKHDF`` with the mesh, and return it."""
    grid = file.create_group("VTKHDF")
    grid.attrs["Version"] = np.array([2, 0], np.int64)
    grid.attrs["Type"] = np.bytes_("UnstructuredGrid")
    points, cells = mesh.points, mesh.tetrahedra
    n_cells = len(cells)
    grid["NumberOfPoints"] = np.array([len(points)], np.int64)
    grid["NumberOfCells"] = np.array([n_cells], np.int64)
    grid["NumberOfConnectivityIds"] = np.array([CORNERS * n_cells], np.int64)
    _write(grid, "Points", points.shape, np.float32, parts(points)).attrs["unit"] = "mm"
    nodes = (part.ravel() for part in parts(cells))
    _write(grid, "Connectivity", (CORNERS * n_cells,), np.int64, nodes)
    offsets = (CORNERS * np.arange(span.start, span.stop) for span in spans(n_cells + 1))
    _write(grid, "Offsets", (n_cells + 1,), np.int64, offsets)
    grid.create_dataset("Types", data=np.full(n_cells, VTK_TETRA, np.uint8), **COMPRESSED)
    return grid


def _write(
    group: h5py.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    blocks: Iterable[NDArray[Any]],
) -> h5py.Dataset:
    """Write blocks of rows one after another, so that only one is in memory."""
    data = group.create_dataset(name, shape, dtype, **COMPRESSED)
    first = 0
    for block in blocks:
        data[first : first + len(block)] = block.astype(dtype, copy=False)
        first += len(block)
    return data


def _write_grid(file: h5py.File, result: HeartResult) -> None:
    grid = write_mesh(file, result.mesh)
    for group, fields in (("PointData", result.point_fields), ("CellData", result.cell_fields)):
        for name, values in fields.items():
            single = _single(values.dtype)
            data = _write(grid, f"{group}/{name}", values.shape, single, parts(values))
            if name in result.units:
                data.attrs["unit"] = result.units[name]
    grid.create_dataset("FieldData/axes", data=result.axes)


def _single(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Halve what is stored of double precision; the solver's tolerance is far coarser."""
    return np.dtype(np.float32) if dtype == np.float64 else dtype


def _write_ecg(file: h5py.File, result: HeartResult) -> None:
    ecg = file.create_group("ecg")
    ecg.attrs["sampling_interval"] = result.sampling_interval
    leads = ecg.create_dataset("leads", data=result.leads.astype(np.float32), **COMPRESSED)
    leads.attrs["names"] = list(LEAD_NAMES)
    leads.attrs["unit"] = "mV"
    leads.attrs["sampling_interval"] = result.sampling_interval
    ecg.attrs["names"] = list(LEAD_NAMES)
    electrodes = ecg.create_dataset("electrodes", data=result.electrodes)
    electrodes.attrs["names"] = list(result.electrode_names)
    electrodes.attrs["unit"] = "mm"


def _write_probes(group: h5py.Group, result: HeartResult) -> None:
    group.attrs["names"] = [probe.name for probe in result.probes]
    group.attrs["sampling_interval"] = result.probe_interval
    for probe in result.probes:
        one = group.create_group(probe.name, track_order=True)
        one.attrs["node"] = probe.node
        one.attrs["cell_type"] = probe.cell_type
        one.attrs["miss"] = probe.miss
        one.create_dataset("place", data=probe.place).attrs["unit"] = "mm"
        for name, (values, unit, variable) in probe.traces.items():
            path = f"traces/{name}"
            data = one.create_dataset(path, data=values.astype(np.float32), **COMPRESSED)
            data.attrs["unit"] = unit
            data.attrs["variable"] = variable


@dataclass(frozen=True)
class HeartSummary:
    """What the archive takes from a heart's file.

    Attributes:
        outcome: how it fared.
        measures: value and unit by name; empty where it was not solved.
        leads: ``(12, n_samples)`` float32 [mV], or None where it was not solved.
        sampling_interval: [ms], or NaN.
    """

    outcome: Outcome
    measures: Mapping[str, tuple[float, str]]
    leads: NDArray[np.float32] | None
    sampling_interval: float


def read_summary(path: Path) -> HeartSummary:
    """Read what the archive needs of a heart's file, and none of its fields."""
    with reading(path) as file:
        outcome = read_outcome(file)
        if "ecg" not in file:
            return HeartSummary(outcome, {}, None, np.nan)
        measures = inside(file, "measures")
        return HeartSummary(
            outcome=outcome,
            measures={
                name: (float(value[()]), str(value.attrs["unit"]))
                for name, value in ((name, inside(measures, name)) for name in measures)
            },
            leads=inside(file, "ecg/leads")[()],
            sampling_interval=float(inside(file, "ecg").attrs["sampling_interval"]),
        )


def read_fate(path: Path) -> tuple[Outcome, dict[str, Any]]:
    """Read how a heart fared, and its provenance: what made it, and what its steps cost."""
    with reading(path) as file:
        return read_outcome(file), attributes_of(inside(file, "provenance"))
