"""``hearts/<id>.voltage.vtkhdf``: the voltage over time, which ParaView plays as it is.

Layout after the VTKHDF file format 2.0, a temporal UnstructuredGrid whose grid is stored once: all
steps begin at the same offsets of points and cells, and each at its own offset of the voltage
(https://docs.vtk.org/en/latest/vtk_file_formats/vtkhdf_file_format/vtkhdf_specifications.html).

While a beat runs, snapshots go to a part file without structure, one after another.  A process that
is killed leaves no more than that, which nobody opens, and a checkpoint that says how many
snapshots it held makes it whole again: an HDF5 file that is being written promises neither.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive, BadStudy
from polycardia.io.atomic import FILE_MODE, FOLDER_MODE
from polycardia.io.heart_file import COMPRESSED, Grid, write_mesh
from polycardia.io.origin import write_provenance
from polycardia.io.seal import sealed_file
from polycardia.physics.mesh import Floats

FINEST = 2.0**-7
"""[mV].  Snapshots are rounded to multiples of this, 0.008 mV, so that they can be compressed."""

STORED = np.dtype("<f4")


def voltage_path(heart: Path) -> Path:
    """Return where the snapshots of the heart with this file are."""
    return heart.with_name(f"{heart.stem}.voltage{heart.suffix}")


def discard_voltage(heart: Path) -> None:
    """Remove the snapshots of an earlier run, and what a killed one has left."""
    path = voltage_path(heart)
    for file in (path, _part(path)):
        file.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.stem}.part")


@dataclass(frozen=True)
class Taken:
    """The snapshots that a checkpoint counts on.

    Attributes:
        count: how many there are.
        sha256: of them, one after another.
    """

    count: int = 0
    sha256: str = ""


NOTHING_TAKEN = Taken()


class VoltageWriter:
    """Takes snapshots one by one; `finish` makes one file of them.

    Args:
        heart: the heart's own file; the snapshots' lies beside it.
        n_nodes: of the heart.
        kept: what an interrupted run had taken when its checkpoint was written; what it took after
            that is dropped.

    Raises:
        BadStudy: nothing can be written there.
        BadArchive: these snapshots are not left of the interrupted run.
    """

    def __init__(self, heart: Path, n_nodes: int, kept: Taken = NOTHING_TAKEN) -> None:
        self._heart = heart
        self.path = voltage_path(heart)
        self._n_nodes = n_nodes
        self._bytes = n_nodes * STORED.itemsize
        part = _part(self.path)
        found = part.stat().st_size // self._bytes if part.exists() else 0
        if kept.count > found:
            raise BadArchive(f"{part}: holds {found} snapshots, the checkpoint needs {kept.count}")
        try:
            part.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            part.touch(mode=FILE_MODE)
            self._file = part.open("r+b")
        except OSError as error:
            raise BadStudy(f"{part} cannot be written: {error.strerror}") from None
        self._digest = hashlib.sha256()
        self.count = 0
        while self.count < kept.count:
            self._digest.update(self._file.read(self._bytes))
            self.count += 1
        if kept.count and self.taken != kept:
            self._file.close()
            raise BadArchive(
                f"{part}: its first {kept.count} snapshots are others than those of the checkpoint"
            )
        self._file.truncate()

    @property
    def taken(self) -> Taken:
        """What a checkpoint of now counts on."""
        return Taken(self.count, self._digest.hexdigest())

    def take(self, number: int, time: float, voltage: Floats) -> None:
        """Append a snapshot.

        Args:
            number: of the snapshot, from 0; they come in order.
            time: [ms].
            voltage: ``(n_nodes,)`` of the whole heart [mV].

        Raises:
            ValueError: it is not the next one, or has another shape.
        """
        if number != self.count or voltage.shape != (self._n_nodes,):
            raise ValueError(
                f"snapshot {number} at {time:g} ms of {voltage.shape}, expected number "
                f"{self.count} of ({self._n_nodes},)"
            )
        rounded = np.round(voltage / FINEST) * FINEST
        content = rounded.astype(STORED).tobytes()
        self._file.write(content)
        self._digest.update(content)
        self.count += 1

    def sync(self) -> None:
        """Make what was taken last, before a checkpoint that counts on it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(
        self, mesh: Grid, start: float, interval: float, provenance: Mapping[str, object]
    ) -> Floats | None:
        """Write the file, remove the part file and return the snapshots' times ``(count,)`` [ms].

        One snapshot is in memory at a time.  Without any there is no file, and the answer is
        None: VTK refuses a temporal grid that has no steps.

        Args:
            mesh: of the heart.
            start: of the first snapshot [ms].
            interval: between snapshots [ms].
            provenance: of the heart's own file.
        """
        if self.count == 0:
            self.close()
            discard_voltage(self._heart)
            return None
        self._file.flush()
        times: Floats = start + interval * np.arange(self.count)
        with sealed_file(self.path) as written, h5py.File(written, "w") as file:
            write_provenance(file, provenance)
            grid = write_mesh(file, mesh)
            _write_steps(grid, times, self._n_nodes)
            self._file.seek(0)
            shape = (self.count * self._n_nodes,)
            data = grid.create_dataset(
                "PointData/voltage", shape, STORED, chunks=(self._n_nodes,), **COMPRESSED
            )
            data.attrs["unit"] = "mV"
            for step in range(self.count):
                data[step * self._n_nodes : (step + 1) * self._n_nodes] = self._next()
        self.close()
        _part(self.path).unlink(missing_ok=True)
        return times

    def _next(self) -> NDArray[np.float32]:
        return np.frombuffer(self._file.read(self._bytes), STORED)

    def close(self) -> None:
        """Leave the part file as it is, for a restart."""
        self._file.close()


def _write_steps(grid: h5py.Group, times: Floats, n_nodes: int) -> None:
    n_steps = len(times)
    steps = grid.create_group("Steps")
    steps.attrs["NSteps"] = n_steps
    steps.create_dataset("Values", data=times).attrs["unit"] = "ms"
    nowhere = np.zeros(n_steps, np.int64)
    steps["PartOffsets"] = nowhere
    steps["NumberOfParts"] = nowhere + 1
    steps["PointOffsets"] = nowhere
    steps["CellOffsets"] = nowhere[:, None]
    steps["ConnectivityIdOffsets"] = nowhere[:, None]
    steps["PointDataOffsets/voltage"] = np.arange(n_steps, dtype=np.int64) * n_nodes
