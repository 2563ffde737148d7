"""Two archives: which patients, columns and fields differ, and by how much.

One heart of each is open at a time, and a part of one array in memory.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadStudy
from polycardia.io.archive_reader import Archive, open_archive
from polycardia.io.comparison import Amount, Difference, amount_of, differences

# Where and when a heart was computed is no difference, and its file's digest covers that, too.
ORIGIN = frozenset({"provenance"})
ORIGIN_COLUMNS = {"heart_sha256"}
SHOWN = 10  # patients that are named behind a column


@dataclass(frozen=True)
class ColumnDifference:
    """How a column of the table differs among the patients that both archives have.

    Attributes:
        name: of the column.
        found: in words, where it is not by an amount.
        patients: whose cells differ.
        amount: of numbers.
    """

    name: str
    found: str
    patients: Sequence[str] = ()
    amount: Amount | None = None


@dataclass(frozen=True)
class Comparison:
    """What differs between two archives.

    Attributes:
        n_common: patients that are in both.
        only: patients that are in the first, and in the second, alone.
        only_columns: the same of the table's columns.
        columns: columns that differ among the common patients.
        hearts: what differs in the heart, or the archived ECG, of a patient.
    """

    n_common: int
    only: tuple[list[str], list[str]]
    only_columns: tuple[list[str], list[str]]
    columns: list[ColumnDifference]
    hearts: Mapping[str, list[Difference]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        return not (any(self.only) or any(self.only_columns) or self.columns or self.hearts)


def diff(first: Path, second: Path, *, tolerance: float = 0.0) -> Comparison:
    """Compare two archives, packed or not; all that says who computed them is left out.

    Args:
        first: ``cohort.h5`` or a packed archive.
        second: another.
        tolerance: relative difference (Euclidean length of the difference over that of the first)
            up to which floating-point numbers count as equal; whole numbers and text never do.

    Raises:
        BadStudy: the tolerance is none.
        BadArchive: an archive or one of its hearts is missing, not whole or damaged.
    """
    if not 0.0 <= tolerance < math.inf:
        raise BadStudy(f"found {tolerance:g} as the tolerance, expected a number from 0 on")
    with open_archive(first) as ours, open_archive(second) as theirs:
        common = sorted({*ours.names} & {*theirs.names})
        kept = [name for name in ours.columns if name in theirs.columns]
        hearts = {name: list(_heart(ours, theirs, name, tolerance)) for name in common}
        return Comparison(
            n_common=len(common),
            only=_each_alone(ours.names, theirs.names),
            only_columns=_each_alone(ours.columns, theirs.columns),
            columns=[
                found
                for name in kept
                if name not in ORIGIN_COLUMNS
                and (found := _column(ours, theirs, common, name, tolerance)) is not None
            ],
            hearts={name: found for name, found in hearts.items() if found},
        )


def _each_alone(ours: Sequence[str], theirs: Sequence[str]) -> tuple[list[str], list[str]]:
    return sorted({*ours} - {*theirs}), sorted({*theirs} - {*ours})


def _column(
    ours: Archive, theirs: Archive, common: Sequence[str], name: str, tolerance: float
) -> ColumnDifference | None:
    units = [archive.units.get(name, "no unit") for archive in (ours, theirs)]
    if units[0] != units[1]:
        return ColumnDifference(name, f"units {units[0]} and {units[1]}")
    one, other = (
        archive.column(name)[[archive.row(patient) for patient in common]]
        for archive in (ours, theirs)
    )
    if "O" in (one.dtype.kind, other.dtype.kind):
        patients = _named(common, one.astype(object) != other.astype(object))
        return ColumnDifference(name, "text", patients) if patients else None
    amount = amount_of([(one, other)])
    if amount.within(tolerance):
        return None
    both_unknown = np.isnan(one) & np.isnan(other)
    return ColumnDifference(name, "", _named(common, (one != other) & ~both_unknown), amount)


def _named(patients: Sequence[str], chosen: NDArray[np.bool_]) -> list[str]:
    return [patient for patient, one in zip(patients, chosen, strict=True) if one]


def _heart(ours: Archive, theirs: Archive, patient: str, tolerance: float) -> Iterator[Difference]:
    """Yield what differs in a patient's heart, and in the ECG that the archives hold of it."""
    one, other = ours.hearts[patient], theirs.hearts[patient]
    yield from differences(one.group, other.group, tolerance, ORIGIN)
    where = "archived ecg/leads"
    intervals = ours.ecg.sampling_interval, theirs.ecg.sampling_interval
    if intervals[0] != intervals[1] and not all(map(math.isnan, intervals)):
        yield Difference(f"{where}@sampling_interval", f"{intervals[0]} and {intervals[1]}")
    # A longer beat of somebody else lengthens everybody's row by NaN.
    longest = max(ours.ecg.shape[2], theirs.ecg.shape[2])
    rows = (_lengthened(archive.ecg[patient], longest) for archive in (ours, theirs))
    amount = amount_of([(next(rows), next(rows))])
    if not amount.within(tolerance):
        yield Difference(where, "", amount)


def _lengthened(leads: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    missing = n_samples - leads.shape[1]
    return np.pad(leads, ((0, 0), (0, missing)), constant_values=np.nan)


def sentences(found: Comparison) -> Iterator[str]:
    """Yield a line for each difference, for people."""
    if found.equal:
        yield f"{found.n_common} patients, no difference"
    for what, alone in (("patients", found.only), ("columns", found.only_columns)):
        for which, names in zip(("first", "second"), alone, strict=True):
            if names:
                yield f"{what} only in the {which}: {', '.join(names)}"
    for column in found.columns:
        count = len(column.patients)
        more = ", ..." if count > SHOWN else ""
        who = f" ({count} patients: {', '.join(column.patients[:SHOWN])}{more})" if count else ""
        yield f"column {column.name}: {_by(column.found, column.amount)}{who}"
    for patient, differing in found.hearts.items():
        for one in differing:
            yield f"{patient}: {one.where}: {_by(one.found, one.amount)}"


def _by(found: str, amount: Amount | None) -> str:
    if amount is None:
        return found
    said = f"largest difference {amount.largest:.6g}, relative {amount.relative:.3g}"
    return said + (f", {amount.unknown} NaN in one of the two" if amount.unknown else "")


def as_json(found: Comparison) -> str:
    """Return the same as one JSON object; an infinite number is null."""
    columns = [
        {"name": column.name, "patients": column.patients, **_numbers(column.found, column.amount)}
        for column in found.columns
    ]
    hearts = {
        patient: [{"where": one.where, **_numbers(one.found, one.amount)} for one in differing]
        for patient, differing in found.hearts.items()
    }
    return json.dumps(
        {
            "equal": found.equal,
            "patients_in_both": found.n_common,
            "patients_only_in_first": found.only[0],
            "patients_only_in_second": found.only[1],
            "columns_only_in_first": found.only_columns[0],
            "columns_only_in_second": found.only_columns[1],
            "columns": columns,
            "hearts": hearts,
        },
        indent=1,
        allow_nan=False,
    )


def _numbers(found: str, amount: Amount | None) -> dict[str, Any]:
    if amount is None:
        return {"found": found}
    return {
        "largest": amount.largest if math.isfinite(amount.largest) else None,
        "relative": amount.relative if math.isfinite(amount.relative) else None,
        "nan_in_one": amount.unknown,
    }
