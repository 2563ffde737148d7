"""Checks every promise of ``docs/archive-format.md``, without the code that writes the files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike

from polycardia.io.heart_verification import (
    LEADS,
    MEASURES,
    ORIGIN,
    SOLVED,
    UNREADABLE,
    heart_faults,
    missing,
    mode_faults,
)

TEXT_COLUMNS = ("patient", "status", "detail", "heart_sha256", "sex")
CLINICAL = ("age", "height", "weight", "qrs_duration", "qt_interval", "heart_rate")
SEXES = {"F", "M", ""}
SIMULATED = "simulated_"
NUMBERS = "biuf"
ALSO_PRIVATE = ("report/*.html", "work/*/prepared.h5", "shards/*.h5")


def faults(results: Path) -> Iterator[str]:
    """Yield a sentence for every promise that a results folder does not keep."""
    archive = results / "cohort.h5"
    if not archive.exists():
        yield f"{archive}: missing"
        return
    yield from mode_faults(archive)
    for pattern in ALSO_PRIVATE:
        for path in sorted(results.glob(pattern)):
            yield from mode_faults(path)
    try:
        with h5py.File(archive, "r") as file:
            yield from (f"{archive.name}: {fault}" for fault in archive_faults(file))
            yield from _hearts_faults(results / "hearts", file)
    except UNREADABLE as error:
        yield f"{archive}: {error}"


def archive_faults(file: h5py.File) -> Iterator[str]:
    """Yield what an archive, packed or not, says that is wrong by itself."""
    if file.attrs.get("format") != "polycardia cohort" or file.attrs.get("format_version") != 1:
        yield "is not a polycardia cohort of version 1"
    yield from missing(file["provenance"].attrs, ORIGIN)
    names = list(file["patients"]["patient"].asstr()[()])
    if names != sorted(set(names)):
        yield "patients are not sorted, or one is there twice"
    if sorted(file["hearts"]) != sorted(names):
        yield "hearts are others than the patients"
    for group in (file["patients"], file["ecg"]):
        yield from _elsewhere_faults(group)
    yield from _table_faults(file["patients"], len(names))
    yield from _stacked_ecg_faults(file["ecg"], len(names))
    yield from _view_faults(file)


def _elsewhere_faults(group: h5py.Group) -> Iterator[str]:
    """Whether all values of a group are the file's own."""
    for name in group:
        where = f"{group.name}/{name}".lstrip("/")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield f"{where} is a link, expected what it holds"
        elif isinstance(group[name], h5py.Dataset) and (
            group[name].is_virtual or group[name].external
        ):
            yield f"{where} takes its values from another file"


def _table_faults(patients: h5py.Group, n_patients: int) -> Iterator[str]:
    solved = patients["status"].asstr()[()] == SOLVED
    simulated = tuple(SIMULATED + name for name in MEASURES) if solved.any() else ()
    for name in (*TEXT_COLUMNS, *CLINICAL, *simulated):
        if name not in patients:
            yield f"patients/{name} is missing"
    for name, column in patients.items():
        if column.shape != (n_patients,):
            yield f"patients/{name} is {column.shape}, expected ({n_patients},)"
        if name not in TEXT_COLUMNS and "unit" not in column.attrs:
            yield f"patients/{name} has no unit"
        if name not in TEXT_COLUMNS and column.dtype.kind not in NUMBERS:
            yield f"patients/{name} holds {column.dtype}, expected numbers"
    for sex in sorted(set(patients["sex"].asstr()[()]) - SEXES):
        yield f"patients/sex holds {sex!r}, expected F, M or nothing"


def _stacked_ecg_faults(ecg: h5py.Group, n_patients: int) -> Iterator[str]:
    leads = ecg["leads"]
    if leads.ndim != 3 or leads.shape[:2] != (n_patients, len(LEADS)):
        yield f"ecg/leads is {leads.shape}, expected ({n_patients}, {len(LEADS)}, n)"
    if leads.dtype != np.float32:
        yield f"ecg/leads is {leads.dtype}, expected float32"
    if leads.size and leads.chunks != (1, *leads.shape[1:]):
        yield f"ecg/leads has chunks {leads.chunks}, expected one a patient"
    if leads.attrs.get("unit") != "mV":
        yield f"ecg/leads has unit {leads.attrs.get('unit')}, expected mV"
    if list(ecg.attrs["names"]) != LEADS:
        yield "leads are not named in the standard order"


def _view_faults(file: h5py.File) -> Iterator[str]:
    """Whether the archive opens as one block for each heart that was solved."""
    kind = file["VTKHDF"].attrs["Type"]
    if kind != b"MultiBlockDataSet":
        yield f"VTKHDF is of type {kind!r}, expected MultiBlockDataSet"
    patients, assembly = file["patients"], file["VTKHDF/Assembly"]
    solved = patients["patient"].asstr()[()][patients["status"].asstr()[()] == SOLVED]
    if sorted(assembly) != sorted(solved):
        yield "VTKHDF/Assembly holds other blocks than the solved hearts"
    if sorted(set(file["VTKHDF"]) - {"Assembly"}) != sorted(f"heart_{name}" for name in solved):
        yield "VTKHDF holds other links than heart_<patient> of the solved hearts"
    for name in assembly:
        try:
            kind = assembly[name].attrs["Type"]
        except UNREADABLE:
            yield f"VTKHDF/Assembly/{name} leads nowhere"
            continue
        if kind != b"UnstructuredGrid":
            yield f"VTKHDF/Assembly/{name} is of type {kind!r}, expected UnstructuredGrid"


def _hearts_faults(folder: Path, file: h5py.File) -> Iterator[str]:
    """What the hearts say by themselves, and whether the archive says the same."""
    names = list(file["patients"]["patient"].asstr()[()])
    digests = file["patients/heart_sha256"].asstr()[()]
    for row, name in enumerate(names):
        heart = folder / f"{name}.vtkhdf"
        if not heart.exists():
            yield f"{heart.name}: missing"
            continue
        if hashlib.sha256(heart.read_bytes()).hexdigest() != digests[row]:
            yield f"{heart.name}: is not the file that the archive was made from"
        yield from heart_faults(heart)
        try:
            yield from (f"cohort.h5: {fault}" for fault in _linked_row_faults(file, row, name))
        except UNREADABLE as error:
            yield f"cohort.h5: {name} cannot be compared with its heart: {error}"
    # A patient's name has no dot: behind one stands what else of the heart a file holds.
    found, known = sorted(folder.glob("*.vtkhdf")), set(names)
    for stranger in (heart for heart in found if heart.name.split(".")[0] not in known):
        yield f"{stranger.name}: belongs to no patient of the archive"


def _linked_row_faults(file: h5py.File, row: int, name: str) -> Iterator[str]:
    link = file["hearts"].get(name, getlink=True)
    if not isinstance(link, h5py.ExternalLink) or link.filename != f"hearts/{name}.vtkhdf":
        yield f"hearts/{name} is no link to hearts/{name}.vtkhdf"
        return
    yield from row_faults(file, row, name)


def row_faults(file: h5py.File, row: int, name: str) -> Iterator[str]:
    """Yield where a patient's row does not say what the heart says."""
    heart = file["hearts"][name]
    for what in ("status", "detail"):
        if heart["outcome"].attrs[what] != file["patients"][what].asstr()[row]:
            yield f"{what} of {name} differs from its heart's"
    yield from _row_ecg_faults(file["ecg"], row, name, heart)
    measures = heart.get("measures", {})
    for measure in measures:
        if SIMULATED + measure not in file["patients"]:
            yield f"patients/{SIMULATED}{measure} is missing"
    for column in file["patients"]:
        if column.startswith(SIMULATED):
            measure = column.removeprefix(SIMULATED)
            own = measures[measure][()] if measure in measures else np.nan
            if not _same(file["patients"][column][row], own):
                yield f"{column} of {name} differs from its heart's {measure}"


def _row_ecg_faults(ecg: h5py.Group, row: int, name: str, heart: h5py.Group) -> Iterator[str]:
    own = heart["ecg/leads"][()] if "ecg" in heart else np.empty((len(LEADS), 0))
    archived = ecg["leads"][row]
    if not _same(archived[:, : own.shape[1]], own):
        yield f"ECG of {name} differs from its heart's"
    if not np.isnan(archived[:, own.shape[1] :]).all():
        yield f"ECG of {name} goes on behind its heart's, expected NaN"
    if "ecg" in heart and heart["ecg"].attrs["sampling_interval"] != ecg.attrs["sampling_interval"]:
        yield f"sampling_interval of {name} differs from the archive's"


def _same(one: ArrayLike, other: ArrayLike) -> bool:
    return np.array_equal(one, other, equal_nan=True)
