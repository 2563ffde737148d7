"""An archive for people who compute with it: what is not asked for is not read."""

import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.cohort import PATIENT_ID
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.ecg_reader import Ecgs
from polycardia.io.heart_reader import Heart, attributes_of
from polycardia.io.inside import inside, told
from polycardia.io.optional import needed
from polycardia.io.reading import opened

if TYPE_CHECKING:
    import pandas

FORMAT = "polycardia cohort"
MOST_PATIENTS = 10_000_000  # a file may claim any number, whatever its size
HEART_ROOT = "/"


def open_archive(path: str | os.PathLike[str]) -> "Archive":
    """Open ``cohort.h5``, or the file that ``polycardia pack`` made of it, for reading.

    Raises:
        BadArchive: missing, not whole, not an archive, or of a version that is not known here.
    """
    where = Path(path)
    file = opened(where)
    try:
        with told(where):
            return READERS[_version(where, file)](where, file)
    except BaseException:
        file.close()
        raise


def _version(path: Path, file: h5py.File) -> int:
    if str(file.attrs.get("format", "")) != FORMAT:
        raise BadArchive(f"{path}: found no '{FORMAT}', expected cohort.h5 or a packed archive")
    found = file.attrs.get("format_version")
    if not isinstance(found, int | np.integer) or int(found) not in READERS:
        known = ", ".join(map(str, sorted(READERS)))
        raise BadArchive(f"{path}: found version {found} of the archive's format, can read {known}")
    return int(found)


class Archive:
    """An open archive; close it, or use it in a ``with`` block.

    Args:
        path: of the file.
        file: the same, open.

    Attributes:
        path: of the file.
        file: the same in h5py, for all that is not offered here.
        names: of the patients, sorted; their rows are in this order everywhere.
        units: of the table's columns that have one.

    Raises:
        BadArchive: the file is not as version 1 of the format says.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file
        self._table = inside(file, "patients")
        self.names = self._patient_names()
        self._rows = {name: row for row, name in enumerate(self.names)}
        self._columns = {name: self._checked_column(name) for name in self._table}
        self.units: Mapping[str, str] = {
            name: str(column.attrs["unit"])
            for name, column in self._columns.items()
            if "unit" in column.attrs
        }
        self._opened: weakref.WeakSet[h5py.File] = weakref.WeakSet()

    def _patient_names(self) -> list[str]:
        column = inside(self._table, "patient")
        if column.ndim != 1 or len(column) > MOST_PATIENTS:
            raise BadArchive(
                f"{self.path}: patients/patient is {column.shape}, expected one name for each of "
                f"at most {MOST_PATIENTS} patients"
            )
        names = [str(name) for name in column.asstr()[()]]
        wrong = next((name for name in names if not PATIENT_ID.fullmatch(name)), None)
        if wrong is not None:
            raise BadArchive(
                f"{self.path}: found the patient {wrong[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 "
                "_ -"
            )
        if names != sorted(set(names)):
            raise BadArchive(f"{self.path}: patients are not sorted, or one is there twice")
        return names

    def _checked_column(self, name: str) -> h5py.Dataset:
        column = inside(self._table, name)
        if not isinstance(column, h5py.Dataset) or column.shape != (len(self.names),):
            raise BadArchive(f"{self.path}: patients/{name} is no column of {len(self.names)} rows")
        return column

    @property
    def columns(self) -> list[str]:
        """Names of the table's columns, ``patient`` first."""
        return list(self._columns)

    def column(self, name: str) -> NDArray[Any]:
        """Read one column ``(n_patients,)``: numbers, or text of dtype object.

        Raises:
            BadStudy: there is no such column.
            BadArchive: it is damaged.
        """
        if name not in self._columns:
            raise BadStudy(f"{self.path}: found no column {name!r}")
        column = self._columns[name]
        with told(self.path):
            text = h5py.check_string_dtype(column.dtype) is not None
            return np.asarray(column.asstr()[()] if text else column[()])

    @cached_property
    def patients(self) -> "pandas.DataFrame":
        """The table, a row a patient; ``patients.attrs["units"]`` holds the columns' units."""
        pandas = needed("pandas", "tables")
        table = pandas.DataFrame(
            {name: self.column(name) for name in self._columns if name != "patient"},
            index=pandas.Index(self.names, name="patient", dtype=object),
        )
        table.attrs["units"] = dict(self.units)
        return table

    @cached_property
    def ecg(self) -> "Ecgs":
        """Every patient's ECG."""
        with told(self.path):
            return Ecgs(self.path, inside(self.file, "ecg"), self.names, self.row)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Of the archive itself; each heart has its own."""
        with told(self.path):
            return attributes_of(inside(self.file, "provenance"))

    @property
    def hearts(self) -> "Hearts":
        """Each patient's heart, opened when it is asked for."""
        return Hearts(self.names, self._heart)

    def row(self, patient: str) -> int:
        """Return which row is a patient's.

        Raises:
            BadStudy: the archive has no such patient.
        """
        if patient not in self._rows:
            raise BadStudy(f"{self.path}: found no patient {str(patient)[:80]!r}")
        return self._rows[patient]

    def heart_place(self, patient: str) -> tuple[Path, str]:
        """Return the file that holds a patient's heart, and the heart's group in it.

        HDF5 would follow the link itself, but would look for the file in other places, too.

        Raises:
            BadStudy: the archive has no such patient.
            BadArchive: the link leads elsewhere than to the patient's file.
        """
        self.row(patient)
        with told(self.path):
            link = inside(self.file, "hearts").get(patient, getlink=True)
        if isinstance(link, h5py.HardLink):
            return self.path.resolve(), f"hearts/{patient}"
        own = f"hearts/{patient}.vtkhdf"
        if not isinstance(link, h5py.ExternalLink) or (link.filename, link.path) != (
            own,
            HEART_ROOT,
        ):
            raise BadArchive(f"{self.path}: hearts/{patient} is no link to {own}")
        return self.path.resolve().parent / own, HEART_ROOT

    def _heart(self, patient: str) -> Heart:
        path, group = self.heart_place(patient)
        if group != HEART_ROOT:
            with told(path):
                return Heart(patient, inside(self.file, group), self.path)
        file = opened(path)
        self._opened.add(file)
        return Heart(patient, file, path)

    def close(self) -> None:
        """Close the archive, and all of its hearts."""
        for file in (*self._opened, self.file):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<Archive {self.path} of {len(self)} patients>"


class Hearts(Mapping[str, Heart]):
    """Hearts by patient; a file is closed when nobody has its heart any more."""

    def __init__(self, names: Sequence[str], open_heart: Callable[[str], Heart]) -> None:
        self._names = names
        self._open = open_heart

    def __getitem__(self, patient: str) -> Heart:
        return self._open(patient)

    def __contains__(self, patient: object) -> bool:
        return patient in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


# By the version that a file names.  A later version brings its own reader, and the older ones stay.
READERS: Mapping[int, Callable[[Path, h5py.File], Archive]] = {1: Archive}
