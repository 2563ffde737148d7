"""``work/<id>/checkpoint.h5``: an unfinished beat, whole or worth nothing.

It is HDF5 behind a first block, which HDF5 leaves to its users, with the SHA-256 of everything
behind it.  HDF5's own checksums cover neither all of its structure nor contiguous data; this one
finds a file cut off anywhere and any byte that changed, before HDF5 sees it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.atomic import remove_abandoned, whole_file
from polycardia.io.inside import told
from polycardia.io.reading import OpenFile, opened, reads

BLOCK = 512  # [bytes], the smallest that HDF5 leaves to its users
FORMAT = b"polycardia checkpoint 1\n"
BESIDE = 1_000_000  # [bytes] an array, what HDF5 writes about it and about all before it
ABOUT = "about"
ARRAYS = "arrays"


def write_checkpoint(
    path: Path, about: Mapping[str, object], arrays: Iterable[tuple[str, NDArray[Any]]]
) -> None:
    """Write a checkpoint in place of the last one, which stays until this one is whole.

    Args:
        path: of the file.
        about: what JSON takes.
        arrays: by name, written as they come; a name may have slashes.

    Raises:
        BadStudy: nothing can be written there.
        OSError: there is no room for all of it; the last one stays.
    """
    with whole_file(path) as part:
        with part.open("r+b") as room, h5py.File(part, "w", userblock_size=BLOCK) as file:
            _make_room(room, file, 0)
            file[ABOUT] = json.dumps(about)
            for name, array in arrays:
                _make_room(room, file, array.nbytes)
                file[f"{ARRAYS}/{name}"] = array
            file.flush()
            size = file.id.get_filesize()
        with part.open("r+b") as written:
            written.truncate(size)
            written.write(_block(_digest_behind_block(part)))


def _make_room(part: IO[bytes], file: h5py.File, n_bytes: int) -> None:
    """Take room for an array before HDF5 has it: where HDF5 finds none, the process may die.

    Args:
        part: the file itself.
        file: the same, as HDF5 has it.
        n_bytes: of the array.
    """
    os.posix_fallocate(part.fileno(), file.id.get_filesize(), n_bytes + BESIDE)


def require_whole(path: Path) -> None:
    """Read a checkpoint once and check it.

    Raises:
        BadArchive: it is missing, cut off, changed, or no checkpoint.
    """
    try:
        with path.open("rb") as file:
            block = file.read(BLOCK)
        if not block.startswith(FORMAT):
            raise BadArchive(f"{path}: not a checkpoint, or not a whole one")
        if block != _block(_digest_behind_block(path)):
            raise BadArchive(f"{path}: the checkpoint is damaged or cut off, its checksum differs")
    except OSError as error:
        raise BadArchive(f"{path}: {error.strerror}") from None


def discard_checkpoint(path: Path) -> None:
    """Remove a checkpoint, and what processes that were killed while they wrote one have left."""
    path.unlink(missing_ok=True)
    remove_abandoned(path)


class CheckpointFile(OpenFile):
    """An open checkpoint, read-only; `require_whole` comes first.

    Attributes:
        about: as it was written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with told(path):
                self.about: dict[str, Any] = json.loads(self.at(ABOUT).asstr()[()])
        except BadArchive:
            self._file.close()
            raise

    @reads
    def rows(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Read the rows ``first <= row < last`` of an array."""
        rows = self.at(f"{ARRAYS}/{name}")[first:last]
        return np.asarray(rows, _native(rows.dtype))

    @reads
    def sum(self, name: str) -> NDArray[Any]:
        """Read the sum of an array's rows."""
        whole = self.at(f"{ARRAYS}/{name}")
        total = np.zeros(whole.shape[1:], _native(whole.dtype))
        for row in whole:
            total += row
        return total


def digest_of_contents(path: Path) -> str:
    """Return a SHA-256 of all that a result file holds, but not of who wrote it and when.

    Args:
        path: of an HDF5 file; its attributes and its provenance do not count.
    """
    digest = hashlib.sha256()

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            digest.update(f"{name} {item.dtype} {item.shape}\n".encode())
            digest.update(np.ascontiguousarray(item[()]).data)

    with opened(path) as file:
        file.visititems(add)
    return digest.hexdigest()


def _native(stored: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type without the byte order that HDF5 spells out, and MPI does not know."""
    return stored.newbyteorder("=")


def _block(digest: str) -> bytes:
    return (FORMAT + digest.encode() + b"\n").ljust(BLOCK, b"\0")


def _digest_behind_block(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(BLOCK)
        return hashlib.file_digest(file, "sha256").hexdigest()
