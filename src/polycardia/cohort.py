"""The cohort table: one row a patient, checked whole before any job starts.

Light to import, for the Snakefile reads the table each time it is parsed.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polycardia.companions import companions
from polycardia.errors import BadStudy
from polycardia.table_files import TableFiles
from polycardia.table_text import MAX_CELL, rows_of

PATIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Files are named after patients: no command takes one for an option, and Windows can keep them.
OPTION = "-"
DEVICES = re.compile(r"con|prn|aux|nul|com[1-9]|lpt[1-9]", re.IGNORECASE)
UNITS = ("m", "cm", "mm", "um")
SEXES = ("F", "M")
DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")  # float takes 1_0 and other alphabets' digits, too
BRACES = frozenset("{}")  # Snakemake would put a wildcard's value between them
MAX_FAULTS_SHOWN = 50


@dataclass(frozen=True)
class Quantity:
    """A clinical column with a number: its unit and what a living person can have."""

    unit: str
    lowest: float
    highest: float


QUANTITIES: Mapping[str, Quantity] = {
    "age": Quantity("y", 0.0, 130.0),
    "height": Quantity("cm", 20.0, 280.0),
    "weight": Quantity("kg", 0.3, 650.0),
    "qrs_duration": Quantity("ms", 20.0, 400.0),
    "qt_interval": Quantity("ms", 100.0, 900.0),
    "heart_rate": Quantity("1/min", 10.0, 350.0),
}
REQUIRED = ("patient", "mesh")
COLUMNS = (*REQUIRED, "units", "surfaces", "fibres", "sex", *QUANTITIES)
MAX_COLUMNS = 100  # of which each that is wrong is named


@dataclass(frozen=True)
class Source:
    """Where a patient's mesh is: all of the row that decides the prepared heart.

    Attributes:
        mesh: file, or the common base name of CARP text files.
        units: of the mesh's coordinates, one of `UNITS`; None where the table does not say.
        surfaces: labelled surfaces, where they are not in or beside the mesh.
        fibres: fibre file, where it is not in or beside the mesh.
    """

    mesh: Path
    units: str | None = None
    surfaces: Path | None = None
    fibres: Path | None = None

    def files(self) -> list[Path]:
        """Return every file that a change of the heart could come from."""
        return companions(self.mesh, self.surfaces, self.fibres)

    def to_json(self) -> str:
        """Return the source as JSON that `from_json` reads."""
        return json.dumps({key: value and str(value) for key, value in vars(self).items()})

    @classmethod
    def from_json(cls, text: str) -> "Source":
        """Read what `to_json` wrote.

        Raises:
            BadStudy: the text is not such JSON.
        """
        try:
            values = json.loads(text)
            paths = {key: values[key] and Path(values[key]) for key in ("surfaces", "fibres")}
            return cls(Path(values["mesh"]), values["units"], **paths)
        except (ValueError, KeyError, TypeError):
            raise BadStudy("source: expected JSON with mesh, units, surfaces and fibres") from None


@dataclass(frozen=True)
class Patient:
    """One row of the table.

    Attributes:
        identifier: names the patient's files and jobs.
        source: the mesh and what belongs to it.
        sex: one of `SEXES`, or None.
        clinical: value by column of `QUANTITIES`, in its unit; absent where the cell is empty.
    """

    identifier: str
    source: Source
    sex: str | None = None
    clinical: Mapping[str, float] = field(default_factory=dict)

    def clinical_json(self) -> str:
        """Return the columns that reach the archive but not the heart."""
        return json.dumps({"sex": self.sex, **self.clinical}, sort_keys=True)


def read_cohort(
    table: Path,
    *,
    meshes_outside: bool = False,
    files_known: bool = False,
    only: Callable[[str], bool] = lambda identifier: True,
) -> dict[str, Patient]:
    """Read and check ``cohort.tsv``; patients by identifier, in the order of their identifiers.

    Args:
        table: tab-separated text with a header line.
        meshes_outside: allow paths that leave the table's folder.
        files_known: do not look for the files that the table names.  For the jobs of a run that
            looked when it was planned: otherwise each would ask for every patient's files.
        only: says of an identifier whether its row is read; other rows are not checked.

    Raises:
        BadStudy: one line for every fault: row, column, what was found, what is allowed.
    """
    rows = rows_of(table)
    header = next(rows, (1, []))[1]
    if len(header) > MAX_COLUMNS:
        raise BadStudy(
            f"{table}: row 1: found {len(header)} columns, allowed are {', '.join(COLUMNS)}"
        )
    faults = [f"{table}: {fault}" for fault in _header_faults(header)]
    patients: dict[str, Patient] = {}
    first_seen: dict[str, int] = {}
    files = TableFiles(table.parent, meshes_outside=meshes_outside, known=files_known)
    column = header.index("patient") if "patient" in header else len(header)
    number = 0  # of the last row
    for number, cells in rows:
        if column < len(cells) and not only(cells[column]):
            continue
        reader = _Row(number, table, files)
        patient = reader.patient(header, cells)
        name = patient.identifier.lower()
        if name in first_seen:
            reader.fault(
                "patient", patient.identifier, f"an id that row {first_seen[name]} has not"
            )
        first_seen.setdefault(name, number)
        patients[patient.identifier] = patient
        faults += reader.faults
    if number == 0:
        faults.append(f"{table}: found no patient, expected one row each below the header")
    if faults:
        raise BadStudy("\n".join(_shortened(faults)))
    return dict(sorted(patients.items()))


def _header_faults(header: list[str]) -> Iterator[str]:
    for name in REQUIRED:
        if name not in header:
            yield f"row 1: found no column {name!r}, it is required"
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            yield f"row 1: found column {_short(name)}, allowed are {', '.join(COLUMNS)}"
        if header.count(name) > 1:
            yield f"row 1: found column {_short(name)} {header.count(name)} times, allowed is once"


class _Row:
    """Reads one row and collects what is wrong with it."""

    def __init__(self, number: int, table: Path, files: TableFiles) -> None:
        self.faults: list[str] = []
        self._number = number
        self._table = table
        self._folder = table.parent
        self._files = files

    def fault(self, column: str, found: str, allowed: str) -> None:
        where = f"{self._table}: row {self._number}: {column}"
        self.faults.append(f"{where}: found {_short(found)}, expected {allowed}")

    def patient(self, header: list[str], cells: list[str]) -> Patient:
        if len(cells) != len(header):
            self.fault("cells", str(len(cells)), f"{len(header)}, one for each column")
        row = dict(zip(header, cells, strict=False))
        for column, cell in row.items():
            if len(cell) > MAX_CELL:
                self.fault(column, cell, f"at most {MAX_CELL} characters, not {len(cell)}")
                row[column] = ""
        identifier = row.get("patient", "")
        if not PATIENT_ID.fullmatch(identifier):
            self.fault("patient", identifier, "1 to 64 of A-Z a-z 0-9 _ -")
        elif identifier.startswith(OPTION) or DEVICES.fullmatch(identifier):
            self.fault("patient", identifier, "an id without - in front that is no device's name")
        return Patient(
            identifier=identifier,
            source=self._source(row),
            sex=self._choice("sex", row.get("sex", ""), SEXES),
            clinical={
                name: number
                for name in QUANTITIES
                if (number := self._number_in(name, row.get(name, ""))) is not None
            },
        )

    def _source(self, row: Mapping[str, str]) -> Source:
        paths = {name: self._path(name, row.get(name, "")) for name in ("surfaces", "fibres")}
        mesh = self._path("mesh", row.get("mesh", ""))
        if mesh is None:
            mesh = self._folder
            if not row.get("mesh"):
                self.fault("mesh", "", "a path relative to the table")
        return Source(mesh, self._choice("units", row.get("units", ""), UNITS), **paths)

    def _path(self, column: str, text: str) -> Path | None:
        """Return the absolute path, or None where the cell is empty or wrong."""
        if not text:
            return None
        if not text.isprintable():
            self.fault(column, text, "a path without control characters")
            return None
        path = self._files.folder / text
        if not BRACES.isdisjoint(str(path)):
            self.fault(column, text, "a path without { and }, also above the table's folder")
            return None
        try:
            wrong = self._files.wrong_with(column, path)
        except OSError as error:
            wrong = f"a path that can be looked up, not: {error.strerror}"
        if wrong:
            self.fault(column, text, wrong)
            return None
        return path

    def _choice(self, column: str, text: str, allowed: tuple[str, ...]) -> str | None:
        if text and text not in allowed:
            self.fault(column, text, f"one of {', '.join(allowed)}, or nothing")
        return text or None

    def _number_in(self, column: str, text: str) -> float | None:
        if not text:
            return None
        allowed = QUANTITIES[column]
        plain = DECIMAL.fullmatch(text) is not None
        number = float(text) if plain else math.nan
        if not allowed.lowest <= number <= allowed.highest:
            span = f"{allowed.lowest:g} to {allowed.highest:g} [{allowed.unit}]"
            wanted = "a number" if plain else "a number in plain decimals"
            self.fault(column, text, f"{wanted} from {span}, or nothing")
            return None
        return number


def _short(found: str) -> str:
    return repr(found) if len(found) <= 60 else f"{found[:57]!r}..."


def _shortened(faults: list[str]) -> list[str]:
    if len(faults) <= MAX_FAULTS_SHOWN:
        return faults
    return [*faults[:MAX_FAULTS_SHOWN], f"and {len(faults) - MAX_FAULTS_SHOWN} more faults"]


def shard_of(identifier: str, shards: int) -> int:
    """Return which of ``shards`` a patient belongs to, whoever else is in the cohort."""
    return int.from_bytes(hashlib.sha256(identifier.encode()).digest()[:8], "big") % shards


def clinical_digest_of(patients: Iterable[Patient]) -> str:
    """Return a digest of all that the table says of patients but their meshes."""
    rows = "\n".join(f"{patient.identifier} {patient.clinical_json()}" for patient in patients)
    return hashlib.sha256(rows.encode()).hexdigest()
