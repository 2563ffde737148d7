"""Opening result files: what is wrong with one becomes one sentence."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import h5py

from polycardia.errors import BadArchive, PolycardiaError


def require_ordinary(path: Path, error: type[PolycardiaError], called: str | None = None) -> None:
    """Raise an ``error`` for what is there and has no end, as a pipe: reading it may never end.

    What is missing, or a folder, is left to whoever opens it.

    Args:
        path: of the file.
        error: to raise.
        called: the file's name in the error, where the path is nobody's business.
    """
    try:
        kind = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise error(
            f"{called or path}: found a pipe, a socket or a device, expected an ordinary file"
        )


def opened(path: Path) -> h5py.File:
    """Open a result file read-only.

    Raises:
        BadArchive: missing, truncated, or not HDF5.
    """
    require_ordinary(path, BadArchive)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else f"not a whole HDF5 file: {error}"
        raise BadArchive(f"{path}: {reason}") from None


class OpenFile:
    """A result file that is open, read-only, until its block ends.

    Raises:
        BadArchive: as of `opened`.
    """

    def __init__(self, path: Path) -> None:
        self._file = opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a result file for as long as the block reads from it.

    Raises:
        BadArchive: as of `opened`, or the file is damaged or lacks what the block asks for.
    """
    with opened(path) as file:
        try:
            yield file
        except (OSError, KeyError) as error:
            raise BadArchive(f"{path}: {error.args[0]}") from None
