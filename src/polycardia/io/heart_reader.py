"""One heart's file for people who compute with it: fields are read when they are sliced."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from polycardia.errors import BadArchive
from polycardia.io.inside import inside, told
from polycardia.io.origin import SOLVED, Outcome

CORNERS = 4  # of a tetrahedron

Rows = int | slice | NDArray[Any] | list[int] | tuple[Any, ...]


class Measure(NamedTuple):
    """A number and its unit, ``1`` where it has none."""

    value: float
    unit: str


class Field:
    """An array in a file: ``field[100:200]`` reads these rows alone, ``field[:]`` all.

    Attributes:
        shape: of the whole array.
        dtype: of its values.
        unit: as the file names it, empty where it names none.
    """

    def __init__(self, data: h5py.Dataset) -> None:
        if not isinstance(data, h5py.Dataset):
            raise BadArchive(f"{data.file.filename}: {data.name} is no array")
        self._data = data
        with told(Path(data.file.filename)):
            self.shape: tuple[int, ...] = data.shape
            self.dtype: np.dtype[Any] = data.dtype
            self.unit = str(data.attrs.get("unit", ""))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Read rows, as NumPy counts them.

        Raises:
            BadArchive: these rows are damaged.
        """
        try:
            return np.asarray(self._data[rows])
        except OSError as error:
            raise _damaged(self._data, error) from None

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        return f"<Field {self._data.name} {self.shape} {self.dtype}{unit}>"


class Cells(Field):
    """Node numbers of tetrahedra ``(n_cells, 4)``, which VTK stores one after another."""

    def __init__(self, connectivity: h5py.Dataset) -> None:
        super().__init__(connectivity)
        self.shape = (len(connectivity) // CORNERS, CORNERS)

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Read some cells; whatever is asked for, no more than from the first to the last."""
        wanted = np.atleast_1d(np.arange(len(self))[rows])
        first, last = (int(wanted.min()), int(wanted.max())) if wanted.size else (0, -1)
        try:
            nodes = self._data[CORNERS * first : CORNERS * (last + 1)].reshape(-1, CORNERS)
        except OSError as error:
            raise _damaged(self._data, error) from None
        cells: NDArray[Any] = nodes[wanted - first]
        return cells[0] if isinstance(rows, int | np.integer) else cells


class Fields(Mapping[str, Field]):
    """Arrays of the nodes, or of the cells, by name."""

    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def __getitem__(self, name: str) -> Field:
        with self._told():
            known = name in self._group
        if not known:
            raise KeyError(name)
        with self._told():
            return Field(inside(self._group, name))

    def __iter__(self) -> Iterator[str]:
        with self._told():
            return iter(list(self._group))

    def _told(self) -> AbstractContextManager[None]:
        return told(Path(self._group.file.filename))

    def __len__(self) -> int:
        with self._told():
            return len(self._group)


class Heart:
    """One patient's heart.  A heart that was not solved has an outcome and a provenance only.

    Args:
        patient: whose it is.
        group: root of the heart's file, or the heart inside a packed one.
        path: of the file, for sentences.

    Attributes:
        outcome: ``status`` and ``detail``.
        group: the same in h5py, for all that is not offered here.

    Raises:
        BadArchive: the file is not as the format says; every attribute raises it as well where the
            heart was not solved, or what is asked for is damaged.
    """

    def __init__(self, patient: str, group: h5py.Group, path: Path) -> None:
        self.patient = patient
        self.group = group
        self._path = path
        with told(path):
            attributes = inside(group, "outcome").attrs
            self.outcome = Outcome(str(attributes["status"]), str(attributes["detail"]))

    @property
    def solved(self) -> bool:
        return self.outcome.status == SOLVED

    @cached_property
    def points(self) -> Field:
        """Nodes ``(n_points, 3)`` [mm]."""
        return Field(self._found("VTKHDF/Points"))

    @cached_property
    def cells(self) -> Cells:
        """Node numbers of the tetrahedra ``(n_cells, 4)``."""
        return Cells(self._found("VTKHDF/Connectivity"))

    @cached_property
    def point_fields(self) -> Fields:
        """``activation_time`` [ms] and what else the study wrote of the nodes."""
        return Fields(self._found("VTKHDF/PointData"))

    @cached_property
    def cell_fields(self) -> Fields:
        """``fibre``, ``region`` and what else the study wrote of the cells."""
        return Fields(self._found("VTKHDF/CellData"))

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """The heart's frame ``(3, 3)``: rows towards the right ventricle, anterior, base."""
        return Field(self._found("VTKHDF/FieldData/axes"))[:]

    @cached_property
    def ecg(self) -> Field:
        """Leads ``(12, n)`` [mV], as long as this heart's beat."""
        return Field(self._found("ecg/leads"))

    @cached_property
    def electrodes(self) -> Field:
        """Places ``(10, 3)`` [mm] of RA LA RL LL V1 to V6."""
        return Field(self._found("ecg/electrodes"))

    @cached_property
    def measures(self) -> Mapping[str, Measure]:
        """Value and unit by name."""
        group = self._found("measures")
        with told(self._path):
            return {
                name: Measure(float(data[()]), str(data.attrs.get("unit", "1")))
                for name, data in ((name, inside(group, name)) for name in group)
            }

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """What the heart was made from, with what, where."""
        with told(self._path):
            return attributes_of(inside(self.group, "provenance"))

    def _found(self, path: str) -> Any:
        if not self.solved:
            raise BadArchive(
                f"{self._path}: {self.patient} has no {path}, it is {self.outcome.status}: "
                f"{self.outcome.detail}"
            )
        with told(self._path):
            return inside(self.group, path)

    def __repr__(self) -> str:
        return f"<Heart {self.patient} {self.outcome.status}>"


def attributes_of(group: h5py.Group) -> dict[str, Any]:
    """Return attributes as plain Python values."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in group.attrs.items()
    }


def _damaged(data: h5py.Dataset, error: OSError) -> BadArchive:
    return BadArchive(f"{data.file.filename}: {data.name.lstrip('/')} is damaged: {error.args[0]}")
