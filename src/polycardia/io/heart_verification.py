"""Checks one heart's file against ``docs/archive-format.md``, without the code that writes it."""

import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from polycardia.io.output_verification import (
    beside,
    filter_faults,
    probe_faults,
    voltage_faults,
)

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
ELECTRODES = ["RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]
SOLVED = "solved"
STATUSES = (
    SOLVED, "bad_mesh", "diverged", "not_activated",
    "out_of_memory", "out_of_time", "node_lost", "killed", "crashed",
)  # fmt: skip
VELOCITY_ERRORS = tuple(
    f"numerical_velocity_error_{what}"
    for what in ("along", "along_p95", "across", "across_p95", "unknown")
)
MEASURES = (
    "qrs_duration", "qt_interval", "total_activation_time", *VELOCITY_ERRORS, "under_resolved",
)  # fmt: skip
ORIGIN = (
    "settings", "version", "git_revision", "host", "scheduler_id", "scheduler_nodes",
    "python_version", "numpy_version", "h5py_version",
)  # fmt: skip
PROVENANCE = (*ORIGIN, "mesh_sha256", "ranks", "seconds", "memory")
COSTS = (
    "cost_reaction", "cost_front", "cost_diffusion", "cost_halo", "cost_output", "cost_control",
    "cost_processor", "cost_n_nodes", "cost_n_ranks", "cost_n_steps", "cost_n_large_steps",
    "cost_stages", "cost_exchanges", "cost_messages", "cost_message_bytes", "cost_memory",
)  # fmt: skip
PROVENANCE_IF_SOLVED = (
    "tissue", "softened_volume", "kernels", "began", "energy", "mended", "labels_from",
    "fibres_from", *COSTS,
)  # fmt: skip
VTK_TETRA = 10
LIMB_TOLERANCE = 1e-3  # of the largest deflection, rounding to single precision allowed for
UNIT_TOLERANCE = 1e-5  # of directions in single precision
OTHERS = stat.S_IRWXO

# What h5py raises for a file that is damaged or laid out differently.
UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError)


@dataclass(frozen=True)
class Promise:
    """How a dataset is stored; None where nothing is promised."""

    shape: tuple[int, ...]
    dtype: str | None = None
    unit: str | None = None


def heart_faults(path: Path) -> Iterator[str]:
    """Yield a sentence for every promise that a heart's file does not keep."""
    yield from mode_faults(path)
    try:
        with h5py.File(path, "r") as file:
            yield from (f"{path.name}: {fault}" for fault in group_faults(file))
            yield from voltage_faults(path, file)
        if beside(path).exists():
            yield from mode_faults(beside(path))
    except UNREADABLE as error:
        yield f"{path.name}: {error}"


def mode_faults(path: Path) -> Iterator[str]:
    """Yield a sentence where others than user and group may touch a file."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        yield f"{path.name}: has mode {mode:o}, expected no access for others"


def missing(attributes: h5py.AttributeManager, names: tuple[str, ...]) -> Iterator[str]:
    """Yield a sentence for every name that the provenance lacks."""
    yield from (f"provenance lacks {name}" for name in names if name not in attributes)


def dataset_faults(group: h5py.Group, promises: Mapping[str, Promise]) -> Iterator[str]:
    """Yield a sentence for every dataset that is missing or stored differently."""
    for name, promise in promises.items():
        where = f"{group.name}/{name}".lstrip("/")
        if name not in group:
            yield f"{where} is missing"
            continue
        data = group[name]
        if data.shape != promise.shape:
            yield f"{where} is {data.shape}, expected {promise.shape}"
        if promise.dtype is not None and data.dtype != promise.dtype:
            yield f"{where} is {data.dtype}, expected {promise.dtype}"
        if promise.unit is not None and data.attrs.get("unit") != promise.unit:
            yield f"{where} has unit {data.attrs.get('unit')}, expected {promise.unit}"


def group_faults(file: h5py.Group) -> Iterator[str]:
    """Yield what is wrong with a heart: a file's root, or its group in a packed archive."""
    outcome = file["outcome"].attrs
    status, detail = str(outcome["status"]), str(outcome["detail"])
    if status not in STATUSES:
        yield f"status is {status!r}, expected one of {', '.join(STATUSES)}"
    origin = file["provenance"].attrs
    yield from missing(origin, PROVENANCE)
    if status != SOLVED:
        if not detail:
            yield f"status {status} has no detail"
        if set(file) != {"outcome", "provenance"}:
            yield f"status {status} with {', '.join(sorted(file))}, expected no result"
        return
    yield from missing(origin, PROVENANCE_IF_SOLVED)
    if "mended" in origin and not _is_json_list(str(origin["mended"])):
        yield f"mended is {origin['mended']!r}, expected a JSON list"
    yield from _grid_faults(file["VTKHDF"])
    yield from _ecg_faults(file["ecg"])
    yield from _measure_faults(file["measures"])
    if "probes" in file:
        yield from probe_faults(file["probes"], int(file["VTKHDF/NumberOfPoints"][0]))


def _is_json_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def _grid_faults(grid: h5py.Group) -> Iterator[str]:
    n_points, n_cells = int(grid["NumberOfPoints"][0]), int(grid["NumberOfCells"][0])
    promised = _grid_promises(n_points, n_cells) | {
        name: promise
        for name, promise in _promises_if_there(n_points, n_cells).items()
        if name in grid
    }
    wrong = list(dataset_faults(grid, promised))
    yield from wrong
    yield from _field_faults(grid, n_points, n_cells)
    if wrong:
        return
    if not np.isfinite(grid["PointData/activation_time"][()]).all():
        yield "activation_time is not finite everywhere"
    for name in ("fibre", "sheet"):
        if name in grid["CellData"]:
            yield from _direction_faults(grid["CellData"][name])
    axes = grid["FieldData/axes"][()]
    if not np.allclose(axes @ axes.T, np.eye(3), atol=UNIT_TOLERANCE):
        yield "VTKHDF/FieldData/axes are not orthonormal"
    nodes = grid["Connectivity"][()]
    if nodes.min(initial=0) < 0 or nodes.max(initial=0) >= n_points:
        yield f"Connectivity names node {nodes.max(initial=0)} of {n_points}"
    if (grid["Types"][()] != VTK_TETRA).any() or (np.diff(grid["Offsets"][()]) != 4).any():
        yield "VTKHDF holds other cells than tetrahedra"


def _grid_promises(n_points: int, n_cells: int) -> dict[str, Promise]:
    return {
        "Points": Promise((n_points, 3), "float32", "mm"),
        "Connectivity": Promise((4 * n_cells,)),
        "Offsets": Promise((n_cells + 1,)),
        "Types": Promise((n_cells,)),
        "PointData/activation_time": Promise((n_points,), "float32", "ms"),
        "PointData/repolarisation_time": Promise((n_points,), "float32", "ms"),
        "CellData/fibre": Promise((n_cells, 3), "float32"),
        "CellData/region": Promise((n_cells,), "int32"),
        "FieldData/axes": Promise((3, 3), "float64"),
    }


def _promises_if_there(n_points: int, n_cells: int) -> dict[str, Promise]:
    """What holds for fields that a heart need not have."""
    return {
        "CellData/sheet": Promise((n_cells, 3), "float32"),
        "PointData/apd90": Promise((n_points,), "float32", "ms"),
        "PointData/activation_count": Promise((n_points,), "uint16"),
    }


def _field_faults(grid: h5py.Group, n_points: int, n_cells: int) -> Iterator[str]:
    """What holds for every field, also for those that a study chose."""
    for group, count in (("PointData", n_points), ("CellData", n_cells)):
        for name, data in grid[group].items():
            if data.shape[:1] != (count,):
                yield f"VTKHDF/{group}/{name} has {data.shape[:1]} rows, expected {count}"
    yield from filter_faults(grid)


def _direction_faults(directions: h5py.Dataset) -> Iterator[str]:
    length = np.linalg.norm(directions[()], axis=1)
    if not np.allclose(length, 1.0, atol=UNIT_TOLERANCE):
        name = directions.name.rsplit("/", 1)[-1]
        yield f"{name} vectors are {length.min():.3g} to {length.max():.3g} long, expected 1"


def _ecg_faults(ecg: h5py.Group) -> Iterator[str]:
    leads = ecg["leads"]
    shape = (12, *leads.shape[1:2])
    promises = {
        "leads": Promise(shape, "float32", "mV"),
        "electrodes": Promise((len(ELECTRODES), 3), "float64", "mm"),
    }
    yield from dataset_faults(ecg, promises)
    if list(ecg.attrs["names"]) != LEADS or list(ecg["electrodes"].attrs["names"]) != ELECTRODES:
        yield "leads or electrodes are not named in the standard order"
    if not float(ecg.attrs["sampling_interval"]) > 0.0:
        yield f"sampling_interval is {ecg.attrs['sampling_interval']}"
    if leads.shape != shape:
        return
    values = leads[()].astype(float)
    if not np.isfinite(values).all():
        yield "ecg/leads are not finite everywhere"
        return
    one, two, three, avr, avl, avf = values[:6]
    apart = np.abs([one + three - two, avr + avl + avf]).max(initial=0.0)
    if apart > LIMB_TOLERANCE * np.abs(values).max(initial=0.0):
        yield "limb leads contradict one another (I + III = II, aVR + aVL + aVF = 0)"


def _measure_faults(measures: h5py.Group) -> Iterator[str]:
    yield from (f"measures lack {name}" for name in MEASURES if name not in measures)
    for name, measure in measures.items():
        if measure.shape != ():
            yield f"measures/{name} is {measure.shape}, expected one number"
        if "unit" not in measure.attrs:
            yield f"measures/{name} has no unit"
    if "under_resolved" in measures and measures["under_resolved"][()] not in (0.0, 1.0):
        yield f"measures/under_resolved is {measures['under_resolved'][()]}, expected 0 or 1"
