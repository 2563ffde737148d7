"""Checks every promise of ``docs/archive-format.md``, without the code that writes the files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
ELECTRODES = ["RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]
STATUSES = ("solved", "bad_mesh", "diverged", "not_activated")
MEASURES = ("qrs_duration", "qt_interval", "total_activation_time")
PROVENANCE = (
    "settings", "version", "git_revision", "mesh_sha256", "ranks", "host", "scheduler_id",
    "seconds", "memory", "python_version", "numpy_version", "h5py_version",
)  # fmt: skip
GZIP, SHUFFLE = 1, 2  # HDF5's numbers of the filters that VTK reads
LIMB_TOLERANCE = 1e-3  # of the largest deflection, rounding to single precision allowed for


def faults(results: Path) -> Iterator[str]:
    """Yield a sentence for every promise that a results folder does not keep."""
    archive = results / "cohort.h5"
    if not archive.exists():
        yield f"{archive}: missing"
        return
    try:
        with h5py.File(archive, "r") as file:
            yield from _archive_faults(archive, file)
    except (OSError, KeyError, RuntimeError) as error:
        yield f"{archive}: {error}"


def heart_faults(path: Path) -> Iterator[str]:
    """Yield a sentence for every promise that a heart's file does not keep."""
    try:
        with h5py.File(path, "r") as file:
            yield from (f"{path.name}: {fault}" for fault in _heart_faults(file))
    except (OSError, KeyError, RuntimeError) as error:
        yield f"{path.name}: {error}"


def _archive_faults(path: Path, file: h5py.File) -> Iterator[str]:
    if file.attrs.get("format") != "polycardia cohort" or file.attrs.get("format_version") != 1:
        yield f"{path.name}: is not a polycardia cohort of version 1"
    patients = file["patients"]
    names = list(patients["patient"].asstr()[()])
    if names != sorted(set(names)):
        yield f"{path.name}: patients are not sorted, or one is there twice"
    for name, column in patients.items():
        if column.shape != (len(names),):
            yield f"{path.name}: patients/{name} is {column.shape}, expected ({len(names)},)"
    shape = file["ecg/leads"].shape
    if shape[:2] != (len(names), 12):
        yield f"{path.name}: ecg/leads is {shape}, expected ({len(names)}, 12, n)"
    for row, name in enumerate(names):
        heart = path.parent / "hearts" / f"{name}.vtkhdf"
        if not heart.exists():
            yield f"{heart.name}: missing"
            continue
        if hashlib.sha256(heart.read_bytes()).hexdigest() != patients["heart_sha256"].asstr()[row]:
            yield f"{heart.name}: is not the file that the archive was made from"
        yield from heart_faults(heart)
        yield from _row_faults(file, row, name)
    strangers = {heart.stem for heart in (path.parent / "hearts").glob("*.vtkhdf")} - set(names)
    for name in sorted(strangers):
        yield f"{name}.vtkhdf: belongs to no patient of the archive"


def _row_faults(file: h5py.File, row: int, name: str) -> Iterator[str]:
    if name not in file["hearts"]:
        yield f"cohort.h5: hearts/{name} leads nowhere"
        return
    heart = file["hearts"][name]
    if heart["outcome"].attrs["status"] != file["patients/status"].asstr()[row]:
        yield f"cohort.h5: status of {name} differs from its heart's"
    if "ecg" in heart:
        own, archived = heart["ecg/leads"][()], file["ecg/leads"][row]
        if not np.array_equal(own, archived[:, : own.shape[1]]):
            yield f"cohort.h5: ECG of {name} differs from its heart's"


def _heart_faults(file: h5py.File) -> Iterator[str]:
    outcome = file["outcome"].attrs
    status, detail = str(outcome["status"]), str(outcome["detail"])
    if status not in STATUSES:
        yield f"status is {status!r}, expected one of {', '.join(STATUSES)}"
    for name in PROVENANCE:
        if name not in file["provenance"].attrs:
            yield f"provenance lacks {name}"
    if status != "solved":
        if not detail:
            yield f"status {status} has no detail"
        if set(file) != {"outcome", "provenance"}:
            yield f"status {status} with {', '.join(sorted(file))}, expected no result"
        return
    yield from _grid_faults(file["VTKHDF"])
    yield from _ecg_faults(file["ecg"])
    for name in MEASURES:
        if name not in file["measures"]:
            yield f"measures lack {name}"
    for name, measure in file["measures"].items():
        if "unit" not in measure.attrs:
            yield f"measures/{name} has no unit"


def _grid_faults(grid: h5py.Group) -> Iterator[str]:
    n_points, n_cells = int(grid["NumberOfPoints"][0]), int(grid["NumberOfCells"][0])
    shapes = {
        "Points": (n_points, 3),
        "Connectivity": (4 * n_cells,),
        "Offsets": (n_cells + 1,),
        "Types": (n_cells,),
        "PointData/activation_time": (n_points,),
        "PointData/repolarisation_time": (n_points,),
        "CellData/fibre": (n_cells, 3),
        "CellData/region": (n_cells,),
    }
    for name, shape in shapes.items():
        if name not in grid:
            yield f"VTKHDF/{name} is missing"
        elif grid[name].shape != shape:
            yield f"VTKHDF/{name} is {grid[name].shape}, expected {shape}"
        elif not set(_filters(grid[name])) <= {GZIP, SHUFFLE}:
            yield f"VTKHDF/{name} is stored with a filter that VTK does not read"
    if not np.isfinite(grid["PointData/activation_time"][()]).all():
        yield "activation_time is not finite everywhere"
    length = np.linalg.norm(grid["CellData/fibre"][()], axis=1)
    if not np.allclose(length, 1.0, atol=1e-5):
        yield f"fibres are {length.min():.3g} to {length.max():.3g} long, expected 1"
    nodes = grid["Connectivity"][()]
    if nodes.min() < 0 or nodes.max() >= n_points:
        yield f"Connectivity names node {nodes.max()} of {n_points}"


def _filters(data: h5py.Dataset) -> Iterator[int]:
    properties = data.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        yield properties.get_filter(number)[0]


def _ecg_faults(ecg: h5py.Group) -> Iterator[str]:
    if list(ecg.attrs["names"]) != LEADS or list(ecg["electrodes"].attrs["names"]) != ELECTRODES:
        yield "leads or electrodes are not named in the standard order"
    if not float(ecg.attrs["sampling_interval"]) > 0.0:
        yield f"sampling_interval is {ecg.attrs['sampling_interval']}"
    if ecg["electrodes"].shape != (10, 3):
        yield f"ecg/electrodes is {ecg['electrodes'].shape}, expected (10, 3)"
    leads = ecg["leads"][()]
    if leads.ndim != 2 or leads.shape[0] != 12 or not np.isfinite(leads).all():
        yield f"ecg/leads is {leads.shape} or not finite, expected finite (12, n)"
        return
    one, two, three, avr, avl, avf = leads[:6].astype(float)
    allowed = LIMB_TOLERANCE * np.abs(leads).max()
    if np.abs(one + three - two).max() > allowed or np.abs(avr + avl + avf).max() > allowed:
        yield "limb leads contradict one another (I + III = II, aVR + aVL + aVF = 0)"
