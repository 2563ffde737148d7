"""``work/<id>/prepared.h5``: a prepared heart that every rank reads its own slice of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.inside import inside, told
from polycardia.io.origin import Outcome, read_outcome, write_outcome, write_provenance
from polycardia.io.reading import OpenFile, reads
from polycardia.io.rows import Rows
from polycardia.io.seal import sealed_file
from polycardia.physics.heart import PreparedHeart, Site
from polycardia.physics.leads import LeadVectors
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh

LEADS = ("along", "across")  # the fibres; of `physics.leads.LeadVectors`
CELLS_AT_ONCE = 1_000_000  # read and filtered together, 16 MB


def write_prepared(
    path: Path, heart: PreparedHeart | None, outcome: Outcome, provenance: Mapping[str, object]
) -> None:
    """Write a prepared heart, or why there is none."""
    with sealed_file(path) as part, h5py.File(part, "w") as file:
        write_outcome(file, outcome)
        write_provenance(file, provenance)
        if heart is not None:
            _write_heart(file, heart)


def _write_heart(file: h5py.File, heart: PreparedHeart) -> None:
    mesh = file.create_group("mesh")
    mesh.create_dataset("points", data=heart.mesh.points).attrs["unit"] = "mm"
    mesh["tetrahedra"] = heart.mesh.tetrahedra.astype(np.int32)
    mesh["region"] = heart.mesh.region.astype(np.int32)
    mesh["factor"] = heart.factor.astype(np.float32)
    mesh["fibre"] = np.asarray(heart.mesh.fibre, np.float32)
    if heart.sheet is not None:
        mesh["sheet"] = heart.sheet.astype(np.float32)
    file["boundary/triangles"] = heart.boundary.triangles.astype(np.int32)
    file["boundary/label"] = heart.boundary.label.astype(np.uint8)
    file["cell_type"] = heart.cell_type.astype(np.uint8)
    for name, values in heart.coordinates.items():
        file[f"coordinates/{name}"] = values.astype(np.float32)
    file["axes"] = heart.axes
    sites = file.create_group("sites", track_order=True)
    for site in heart.sites:
        sites[f"{site.name}/nodes"] = site.nodes
        sites[f"{site.name}/around"] = site.around
    file["electrodes"] = heart.electrodes
    file["electrodes"].attrs["names"] = list(heart.electrode_names)
    for name in LEADS:
        file[f"leads/{name}"] = getattr(heart.leads, name)
        file[f"leads/{name}"].attrs["unit"] = "mm/mS"
    for name, (value, unit) in heart.measures.items():
        file[f"measures/{name}"] = value
        file[f"measures/{name}"].attrs["unit"] = unit


@dataclass(frozen=True)
class CellSlice:
    """The cells that touch the nodes which one rank owns.

    Attributes:
        tetrahedra: ``(n_cells, 4)`` every cell with an owned node, nodes numbered in the heart.
        touched: ``(n_touched,)`` the nodes of these cells, ascending.
        points: ``(n_touched, 3)`` [mm].
        fibre: ``(n_cells, 3)``.
        factor: ``(n_cells,)``.
        region: ``(n_cells,)`` tags.
    """

    tetrahedra: NDArray[np.int32]
    touched: NDArray[np.int32]
    points: Floats
    fibre: NDArray[np.float32]
    factor: NDArray[np.float32]
    region: NDArray[np.int32]


@dataclass(frozen=True)
class NodeSlice:
    """What is known of the nodes which one rank owns.

    Attributes:
        cell_type: ``(n_owned,)``.
        sites: with the owned nodes only, numbered in the heart.
    """

    cell_type: NDArray[np.uint8]
    sites: list[Site]


@dataclass(frozen=True)
class StoredHeart:
    """What of a whole heart goes into its result; the large arrays are those of the open file.

    Attributes:
        points: ``(n_nodes, 3)`` [mm].
        tetrahedra: ``(n_cells, 4)`` node numbers.
        region: ``(n_cells,)`` tags.
        fibre: ``(n_cells, 3)`` unit vectors.
        sheet: ``(n_cells, 3)`` unit vectors, or None where only fibres are known.
        cell_type: ``(n_nodes,)``.
        coordinates: ``(n_nodes,)`` each, by name.
        axes: ``(3, 3)`` the heart's frame, rows septal, anterior, long.
        electrode_names: of the rows of ``electrodes``.
        electrodes: ``(10, 3)`` [mm].
        measures: value and unit by name.
    """

    points: Rows
    tetrahedra: Rows
    region: Rows
    fibre: Rows
    sheet: Rows | None
    cell_type: Rows
    coordinates: Mapping[str, Rows]
    axes: Floats
    electrode_names: Sequence[str]
    electrodes: Floats
    measures: Mapping[str, tuple[float, str]]


class PreparedFile(OpenFile):
    """An open prepared heart, read-only.

    Raises:
        BadArchive: the file is missing, truncated, or not a prepared heart.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with told(path):
                prepared = "outcome" in self._file and "VTKHDF" not in self._file
            if not prepared:
                raise BadArchive(f"{path}: not a prepared heart")
        except BadArchive:
            self._file.close()
            raise

    @property
    @reads
    def outcome(self) -> Outcome:
        return read_outcome(self._file)

    @property
    @reads
    def provenance(self) -> dict[str, object]:
        return dict(self.at("provenance").attrs)

    @property
    @reads
    def n_nodes(self) -> int:
        return int(self.at("mesh/points").shape[0])

    @reads
    def read_cells(self, first: int, last: int) -> CellSlice:
        """Read the cells that touch the nodes ``first <= node < last``."""
        cells = self._cells_of(first, last)
        tetrahedra = self._rows("mesh/tetrahedra", cells)
        touched = np.unique(tetrahedra)
        return CellSlice(
            tetrahedra=tetrahedra,
            touched=touched,
            points=self._rows("mesh/points", touched),
            fibre=self._rows("mesh/fibre", cells),
            factor=self._rows("mesh/factor", cells),
            region=self._rows("mesh/region", cells),
        )

    @reads
    def read_nodes(self, first: int, last: int) -> NodeSlice:
        """Read what belongs to the nodes ``first <= node < last``."""
        return NodeSlice(
            cell_type=self.at("cell_type")[first:last],
            sites=[
                Site(
                    site.name,
                    _between(site.nodes, first, last),
                    _between(site.around, first, last),
                )
                for site in self.read_sites()
            ],
        )

    @reads
    def read_leads(
        self, first: int, last: int, *, fibre: float, cross: float
    ) -> NDArray[np.float32]:
        """Read the lead vectors of the nodes ``first <= node < last``, an electrode's at a time.

        Args:
            first: of the nodes.
            last: the one after them.
            fibre: intracellular conductivity along the fibres [mS/mm].
            cross: intracellular conductivity across the fibres [mS/mm].

        Returns:
            ``(n_electrodes, last - first)``, without unit; in single precision, for ten of them are
            among the largest that a rank keeps.
        """
        along, across = (self.at(f"leads/{name}") for name in LEADS)
        leads = np.empty((len(along), last - first), np.float32)
        for number, row in enumerate(leads):
            unit = LeadVectors(along[number, first:last], across[number, first:last])
            row[:] = unit.at(fibre, cross)
        return leads

    @reads
    def read_coordinate(self, name: str, first: int, last: int) -> Floats:
        """Read a coordinate of the nodes ``first <= node < last``."""
        values: Floats = self.at(f"coordinates/{name}")[first:last].astype(np.float64)
        return values

    @reads
    def stored(self) -> StoredHeart:
        """Return the whole heart, of which nothing large is read before it is asked for."""
        sheet = "sheet" in self.at("mesh")
        return StoredHeart(
            points=self.at("mesh/points"),
            tetrahedra=self.at("mesh/tetrahedra"),
            region=self.at("mesh/region"),
            fibre=self.at("mesh/fibre"),
            sheet=self.at("mesh/sheet") if sheet else None,
            cell_type=self.at("cell_type"),
            coordinates=self._members("coordinates"),
            axes=self.at("axes")[()],
            electrode_names=[str(name) for name in self.at("electrodes").attrs["names"]],
            electrodes=self.at("electrodes")[()],
            measures={
                name: (float(value[()]), str(value.attrs["unit"]))
                for name, value in self._members("measures").items()
            },
        )

    @reads
    def read_mesh(self) -> TetMesh:
        """Read nodes and cells of the whole heart, without fibres."""
        return TetMesh(
            points=self.at("mesh/points")[()],
            tetrahedra=self.at("mesh/tetrahedra").astype(np.int64)[()],
            region=self.at("mesh/region").astype(np.int64)[()],
        )

    @reads
    def read_boundary(self) -> Boundary:
        """Read the labelled boundary."""
        triangles = self.at("boundary/triangles").astype(np.int64)[()]
        return Boundary(triangles, self.at("boundary/label")[()])

    @reads
    def read_sites(self) -> list[Site]:
        """Read the sites and places of the whole heart."""
        return [
            Site(name, *(inside(site, part).astype(np.int64)[()] for part in ("nodes", "around")))
            for name, site in self._members("sites").items()
        ]

    def _members(self, place: str) -> dict[str, Any]:
        """Return what a group holds, by name."""
        group = self.at(place)
        return {name: inside(group, name) for name in group}

    def _cells_of(self, first: int, last: int) -> Integers:
        """Return the cells with a node in the slice, reading a part of them at a time.

        Cells are sorted by their lowest node, so reading ends where that passes the slice.
        """
        tetrahedra = self.at("mesh/tetrahedra")
        found = []
        for start in range(0, len(tetrahedra), CELLS_AT_ONCE):
            part = tetrahedra[start : start + CELLS_AT_ONCE]
            inside = ((part >= first) & (part < last)).any(axis=1)
            found.append(start + np.flatnonzero(inside))
            if part[-1].min() >= last:
                break
        return np.concatenate(found)

    def _rows(self, name: str, rows: Integers) -> NDArray[Any]:
        """Read the span of rows around those wanted, then pick: faster than a point selection."""
        span = slice(int(rows[0]), int(rows[-1]) + 1)
        values: NDArray[Any] = self.at(name)[span][rows - span.start]
        return values


def _between(nodes: Integers, first: int, last: int) -> Integers:
    return nodes[(nodes >= first) & (nodes < last)]
