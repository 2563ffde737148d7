"""What each heart of a study was made by, in rows that do not tell whose heart it is."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polycardia.errors import BadArchive
from polycardia.io.archive_reader import Archive
from polycardia.io.inside import told
from polycardia.io.private_folder import new_text, write_json
from polycardia.provenance import digest_of_files

# Chosen by name: what else a heart's provenance says may quote file names, and so patients.
FIGURES: Mapping[str, Mapping[str, str]] = {
    "status": {"Description": "how the simulation of the heart ended"},
    "mesh_sha256": {"Description": "of the source files together, in the order of their names"},
    "points_sha256": {"Description": "of the files of points for stimuli, together"},
    "version": {"Description": "of polycardia"},
    "git_revision": {"Description": "of its source, with + where that was changed since"},
    "host": {"Description": "of the first rank"},
    "scheduler_id": {"Description": "of the job"},
    "ranks": {"Description": "MPI ranks of the simulation"},
    "began": {"Description": "when the simulation did, ISO 8601"},
    "prepare_seconds": {"Description": "wall time of the preparation", "Units": "s"},
    "seconds": {"Description": "wall time of the simulation", "Units": "s"},
    "memory": {"Description": "the most that all ranks together have held", "Units": "bytes"},
    "energy": {"Description": "that the nodes of its step or job used", "Units": "J"},
}
HEART = {"Description": "of the heart's file, as in the archive's column heart_sha256"}
PATIENT = {"Description": "identifier in the cohort table"}
KERNEL = "kernel_"
LIBRARY = "_version"


@dataclass(frozen=True)
class HeartRun:
    """One heart's file and what made it.

    Attributes:
        patient: whose heart it is.
        path: of the file.
        size: of the file [bytes].
        sha256: of the file.
        settings: of preparation and simulation, JSON.
        figures: by the names of `FIGURES`, as far as they are known.
        kernels: digests of the compiled cell models by layer.
        libraries: versions by name.
    """

    patient: str
    path: Path
    size: int
    sha256: str
    settings: str
    figures: Mapping[str, Any]
    kernels: Mapping[str, str]
    libraries: Mapping[str, str]

    def number(self, name: str) -> float:
        """Return one of the figures, NaN if it is not known."""
        return float(self.figures.get(name, math.nan))


def heart_runs(archive: Archive, made: int) -> list[HeartRun]:
    """Read what made each heart of an archive.

    A file that is older than the archive is the one that the archive's digest is of; it is not
    read as a whole.  Others are: thousands of hearts are terabytes.

    Args:
        archive: open, not packed.
        made: when it was [ns since 1970].

    Raises:
        BadArchive: a heart's file is missing, not whole or another than the archive was made from.
    """
    digests = archive.column("heart_sha256")
    return [_run(archive, name, str(digests[row]), made) for row, name in enumerate(archive.names)]


def _run(archive: Archive, patient: str, sha256: str, made: int) -> HeartRun:
    heart = archive.hearts[patient]
    path, _ = archive.heart_place(patient)
    found = path.stat()
    if found.st_mtime_ns > made and digest_of_files([path]) != sha256:
        raise BadArchive(f"{path}: is not the file that the archive was made from")
    with told(path):
        said = heart.provenance
        figures = {"status": heart.outcome.status, **{k: said[k] for k in FIGURES if k in said}}
        return HeartRun(
            patient=patient,
            path=path,
            size=found.st_size,
            sha256=sha256,
            settings=str(said["settings"]),
            figures={name: value for name, value in figures.items() if not _is_unknown(value)},
            kernels=json.loads(said.get("kernels", "{}")),
            libraries={
                name.removesuffix(LIBRARY): str(value)
                for name, value in said.items()
                if name.endswith(LIBRARY) and value
            },
        )


def _is_unknown(value: object) -> bool:
    return value == "" or (isinstance(value, float) and math.isnan(value))


def write_runs(table: Path, runs: Sequence[HeartRun], *, patients: bool) -> None:
    """Write a row a heart, and beside the table what its columns are, as JSON.

    Args:
        table: ``*.csv``, new.
        runs: of the hearts.
        patients: whether the table says whose they are; where it does not, their order does
            neither.
    """
    layers = sorted({layer for run in runs for layer in run.kernels})
    libraries = sorted({name for run in runs for name in run.libraries})
    columns: dict[str, Mapping[str, str]] = {
        **({"patient": PATIENT} if patients else {}),
        "heart_sha256": HEART,
        **FIGURES,
        **{KERNEL + layer: {"Description": f"digest of the {layer} cells'"} for layer in layers},
        **{name + LIBRARY: {"Description": f"of {name}"} for name in libraries},
    }
    with new_text(table) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for run in sorted(runs, key=lambda run: run.patient if patients else run.sha256):
            cells = [run.patient] if patients else []
            cells += [run.sha256, *(run.figures.get(name, "") for name in FIGURES)]
            cells += [run.kernels.get(layer, "") for layer in layers]
            writer.writerow([*cells, *(run.libraries.get(name, "") for name in libraries)])
    write_json(table.with_suffix(".json"), columns)
