"""Hearts into shards, shards into the archive."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.cohort import QUANTITIES, Patient, read_cohort, shard_of
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.archive_file import (
    CohortTable,
    concatenated,
    read_table,
    write_archive,
    write_shard,
)
from polycardia.io.atomic import FOLDER_MODE
from polycardia.io.contained import contained
from polycardia.io.heart_file import HeartSummary, read_summary
from polycardia.io.origin import SOLVED
from polycardia.io.packed_verification import packed_faults
from polycardia.io.reading import require_ordinary
from polycardia.io.seal_verification import seal_faults
from polycardia.io.verification import faults
from polycardia.provenance import origin
from polycardia.study.damage import require_whole_input

log = logging.getLogger(__name__)

REMOVED = "removed"  # folder of the hearts whose patients have left the table
SIMULATED = "simulated_"  # tells a measure of the simulation from a column of the table


def shard(cohort: Path, hearts: Path, *, number: int, shards: int, output: Path) -> None:
    """Gather the rows of one shard's patients.

    Args:
        cohort: the table; its paths were checked when the run was planned.
        hearts: folder of the heart files.
        number: of the shard.
        shards: how many there are.
        output: ``shards/<number>.h5``.

    Raises:
        BadStudy: the table is unusable, or has no patient in this shard.
        BadArchive: a heart's file is missing or damaged.
    """
    if not 0 <= number < shards:
        raise BadStudy(f"found shard {number} of {shards}, need 0 to one less than there are")
    patients = _patients_of(cohort, number, shards)
    files = [hearts / f"{patient.identifier}.vtkhdf" for patient in patients]
    # Before HDF5 sees any of them: on some damaged files its library ends the process.
    digests = [require_whole_input(file) for file in files]
    table = gathered_table(patients, [read_summary(path) for path in files], digests)
    write_shard(output, table)
    log.info("%d patients", len(table))


def _patients_of(cohort: Path, number: int, shards: int) -> list[Patient]:
    """Return the patients of a shard, without a look at the others' rows."""

    def belongs(identifier: str) -> bool:
        return shard_of(identifier, shards) == number

    patients = list(read_cohort(cohort, files_known=True, only=belongs).values())
    if not patients:
        raise BadStudy(f"{cohort}: no patient belongs to shard {number} of {shards}")
    return patients


def archive(shards: Sequence[Path], *, most_failed: float, output: Path) -> None:
    """Join the shards into the archive.

    Args:
        shards: files, in any order.
        most_failed: fraction of hearts without an answer that is tolerated.
        output: ``cohort.h5``; links lead to the folder ``hearts`` beside it.

    Raises:
        BadStudy: more hearts failed than is tolerated.
        BadArchive: a shard is missing or damaged.
    """
    if not 0.0 <= most_failed <= 1.0:
        raise BadStudy(f"found {most_failed:g} as the tolerated fraction, need 0 to 1")
    for shard in shards:
        require_whole_input(shard)
    table = concatenated([read_table(path) for path in shards])
    failed = int(np.count_nonzero(table.columns["status"] != SOLVED))
    log.info("%d patients, %d of them without an answer", len(table), failed)
    if failed > most_failed * len(table):
        raise BadStudy(
            f"{failed} of {len(table)} hearts have no answer, "
            f"archive.max_failed_fraction allows {most_failed:.0%}"
        )
    for name in move_strangers(output.parent, set(table.columns["patient"])):
        log.info("%s belongs to no patient any more: moved to %s", name, REMOVED)
    settings = json.dumps({"max_failed_fraction": most_failed})
    write_archive(output, table, origin(settings))


def move_strangers(results: Path, patients: Set[str]) -> list[str]:
    """Move hearts of no patient out of the archive's way, and return their files' names.

    They are not deleted: each may have taken hours.
    """
    strangers = [
        heart
        for heart in sorted((results / "hearts").glob("*.vtkhdf"))
        # A name has no dot: behind one stands what else of the heart a file holds.
        if heart.name.split(".")[0] not in patients
    ]
    if strangers:
        (results / REMOVED).mkdir(exist_ok=True, mode=FOLDER_MODE)
    for heart in strangers:
        heart.replace(results / REMOVED / heart.name)
    return [heart.name for heart in strangers]


def verify(results: Path) -> int:
    """Check every promise of ``docs/archive-format.md`` and return how many hearts keep them.

    Args:
        results: folder, or a packed archive.

    Raises:
        BadArchive: one line for every promise that is not kept.
    """
    require_ordinary(results, BadArchive)
    packed = results.is_file()
    if packed:
        found = list(packed_faults(results))
    else:
        found = list(seal_faults(results))
        found += contained(faults.__module__, faults.__name__, results)
    if found:
        raise BadArchive("\n".join(found))
    return len(read_table(results if packed else results / "cohort.h5"))


def gathered_table(
    patients: Sequence[Patient], summaries: Sequence[HeartSummary], digests: Sequence[str]
) -> CohortTable:
    """Return one row a patient: identity, outcome, the table's columns, the measures, the ECG."""
    columns: dict[str, NDArray[np.generic]] = {
        "patient": _text(patient.identifier for patient in patients),
        "status": _text(summary.outcome.status for summary in summaries),
        "detail": _text(summary.outcome.detail for summary in summaries),
        "heart_sha256": _text(digests),
        "sex": _text(patient.sex or "" for patient in patients),
    }
    units = {name: quantity.unit for name, quantity in QUANTITIES.items()}
    for name in QUANTITIES:
        columns[name] = np.array([patient.clinical.get(name, np.nan) for patient in patients])
    for name, unit in _measures(summaries).items():
        columns[SIMULATED + name] = np.array(
            [summary.measures.get(name, (np.nan, ""))[0] for summary in summaries]
        )
        units[SIMULATED + name] = unit
    intervals = [s.sampling_interval for s in summaries if s.leads is not None]
    return CohortTable(
        columns=columns,
        units=units,
        leads=_stacked([summary.leads for summary in summaries]),
        sampling_interval=intervals[0] if intervals else np.nan,
    )


def _text(values: Iterable[str]) -> NDArray[np.generic]:
    return np.array(list(values), dtype=object)


def _measures(summaries: Sequence[HeartSummary]) -> Mapping[str, str]:
    """Return the unit of every measure that any heart has."""
    return {name: unit for summary in summaries for name, (_, unit) in summary.measures.items()}


def _stacked(leads: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    """Stack ECGs ``(12, n)``; rows without one, and the ends of shorter ones, are NaN."""
    longest = max((own.shape[1] for own in leads if own is not None), default=0)
    stacked = np.full((len(leads), 12, longest), np.nan, np.float32)
    for row, own in zip(stacked, leads, strict=True):
        if own is not None:
            row[:, : own.shape[1]] = own
    return stacked
