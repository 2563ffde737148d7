"""Opening result files: what is wrong with one becomes one sentence."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import h5py

from polycardia.errors import BadArchive
from polycardia.io.inside import inside, told
from polycardia.table_files import require_ordinary as require_ordinary

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


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

    Attributes:
        path: of the file.

    Raises:
        BadArchive: as of `opened`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = opened(path)

    def at(self, place: str) -> Any:
        """Return the group or dataset at a place, as of `inside`."""
        return inside(self._file, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()


File = TypeVar("File", bound=OpenFile)


def reads(
    method: Callable[Concatenate[File, Asked], Answer],
) -> Callable[Concatenate[File, Asked], Answer]:
    """Make one sentence of what h5py raises in a method of an `OpenFile`."""

    @wraps(method)
    def reading(file: File, /, *asked: Asked.args, **named: Asked.kwargs) -> Answer:
        with told(file.path):
            return method(file, *asked, **named)

    return reading


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a result file for as long as the block reads from it.

    Raises:
        BadArchive: as of `opened`, or the file is damaged or lacks what the block asks for.
    """
    with opened(path) as file, told(path):
        yield file
