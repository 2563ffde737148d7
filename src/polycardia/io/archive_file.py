"""``shards/<k>.h5`` and ``cohort.h5``: the hearts of a cohort as one table, and the way to each.

A shard holds the rows of the patients whose identifiers hash to its number, so that one changed
heart rewrites one shard; the archive is the shards one after another, sorted by identifier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.ecg_reader import leads_fault
from polycardia.io.heart_file import COMPRESSED, LEAD_NAMES
from polycardia.io.inside import inside
from polycardia.io.origin import SOLVED, write_provenance
from polycardia.io.reading import reading
from polycardia.io.seal import sealed_file
from polycardia.io.view_file import write_blocks

FORMAT_VERSION = 1
TEXT = ("patient", "status", "detail")  # columns that every table has
Column = NDArray[np.generic]


@dataclass(frozen=True)
class CohortTable:
    """One row a patient.

    Attributes:
        columns: ``(n_patients,)`` each, by name; text columns have dtype object.
        units: of the columns that have one.
        leads: ``(n_patients, 12, n_samples)`` float32 [mV], NaN where a heart has no ECG.
        sampling_interval: [ms], NaN where no heart has an ECG.
    """

    columns: Mapping[str, Column]
    units: Mapping[str, str]
    leads: NDArray[np.float32]
    sampling_interval: float

    def __len__(self) -> int:
        return len(self.leads)


def write_shard(path: Path, table: CohortTable) -> None:
    """Write the rows of a shard's patients."""
    with sealed_file(path) as part, h5py.File(part, "w") as file:
        _write_table(file, table)


def read_table(path: Path) -> CohortTable:
    """Read the rows of a shard or of an archive."""
    with reading(path) as file:
        table = inside(file, "patients")
        patients = {name: inside(table, name) for name in table}
        leads = inside(file, "ecg/leads")
        for fault in (*_column_faults(patients), leads_fault(leads, len(patients["patient"]))):
            if fault:
                raise BadArchive(f"{path}: {fault}")
        return CohortTable(
            columns={name: _values(column) for name, column in patients.items()},
            units={
                name: str(column.attrs["unit"])
                for name, column in patients.items()
                if "unit" in column.attrs
            },
            leads=leads[()],
            sampling_interval=float(inside(file, "ecg").attrs["sampling_interval"]),
        )


def _column_faults(columns: Mapping[str, h5py.Dataset]) -> Iterator[str]:
    """Yield what would keep the columns from being a table."""
    for name in TEXT:
        if name not in columns or h5py.check_string_dtype(columns[name].dtype) is None:
            yield f"patients/{name} is missing or no text"
            return
    for name, column in columns.items():
        if column.shape != (len(columns["patient"]),):
            yield f"patients/{name} is {column.shape}, expected one value a patient"


def write_archive(path: Path, table: CohortTable, provenance: Mapping[str, object]) -> None:
    """Write the archive: the table, links to the hearts, and a view of all that were solved.

    Args:
        path: ``cohort.h5``; links lead to the folder ``hearts`` beside it.
        table: every patient's row.
        provenance: of the archive.
    """
    with sealed_file(path) as part, h5py.File(part, "w") as file:
        file.attrs["format"] = "polycardia cohort"
        file.attrs["format_version"] = FORMAT_VERSION
        write_provenance(file, provenance)
        _write_table(file, table)
        names = [str(name) for name in table.columns["patient"]]
        links = file.create_group("hearts")
        for name in names:
            links[name] = h5py.ExternalLink(f"hearts/{name}.vtkhdf", "/")
        solved = table.columns["status"] == SOLVED
        write_blocks(file, [name for name, shown in zip(names, solved, strict=True) if shown])


def concatenated(tables: Sequence[CohortTable]) -> CohortTable:
    """Return the rows of several tables as one, sorted by patient.

    Measures that only some of them have are filled with NaN, and so are shorter ECGs.
    """
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    n_samples = max(table.leads.shape[2] for table in tables)
    joined = {name: np.concatenate([_column(table, name) for table in tables]) for name in names}
    intervals = [table.sampling_interval for table in tables]
    known = [interval for interval in intervals if not np.isnan(interval)]
    order = np.argsort(joined["patient"].astype(str), kind="stable")
    leads = np.concatenate([_lengthened(table.leads, n_samples) for table in tables])
    return CohortTable(
        columns={name: values[order] for name, values in joined.items()},
        units={name: unit for table in tables for name, unit in table.units.items()},
        leads=leads[order],
        sampling_interval=known[0] if known else np.nan,
    )


def _column(table: CohortTable, name: str) -> Column:
    if name in table.columns:
        return table.columns[name]
    return np.full(len(table), np.nan)  # a measure that none of its hearts has


def _lengthened(leads: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    missing = n_samples - leads.shape[2]
    return np.pad(leads, ((0, 0), (0, 0), (0, missing)), constant_values=np.nan)


def _write_table(file: h5py.File, table: CohortTable) -> None:
    patients = file.create_group("patients", track_order=True)
    for name, values in table.columns.items():
        text = values.dtype == object
        column = patients.create_dataset(
            name, data=values, dtype=h5py.string_dtype() if text else None
        )
        if name in table.units:
            column.attrs["unit"] = table.units[name]
    ecg = file.create_group("ecg")
    ecg.attrs["sampling_interval"] = table.sampling_interval
    ecg.attrs["names"] = list(LEAD_NAMES)
    # One patient's ECG is one chunk, so that reading one heart reads no other.
    one = (1, *table.leads.shape[1:])
    chunked = {**COMPRESSED, "chunks": one} if table.leads.size else {}
    leads = ecg.create_dataset("leads", data=table.leads, **chunked)
    leads.attrs["unit"] = "mV"
    leads.attrs["names"] = list(LEAD_NAMES)
    leads.attrs["sampling_interval"] = table.sampling_interval


def _values(column: h5py.Dataset) -> Column:
    if h5py.check_string_dtype(column.dtype):
        text: Column = column.asstr()[()]
        return text
    values: Column = column[()]
    return values
