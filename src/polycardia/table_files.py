"""Which files a cohort table may be and name, and whether they are there.

On a shared file system each question is a message to a server, and thousands of rows ask.
"""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from polycardia.companions import companions, surface_files
from polycardia.errors import PolycardiaError


def _alone(path: Path) -> list[Path]:
    return [path] if path.is_file() else []


_FOUND: Mapping[str, Callable[[Path], list[Path]]] = {
    "mesh": companions,
    "surfaces": surface_files,
    "fibres": _alone,
}
WANTED: Mapping[str, str] = {
    "mesh": "a file that exists",
    "surfaces": "a file that exists, or a folder or common beginning of labelled surface files",
    "fibres": "a file that exists",
}
"""What a path may name, by the table's column."""


class TableFiles:
    """The files that one table names.

    Args:
        folder: of the table.
        meshes_outside: whether paths may leave it.
        known: whether all of this was found out before, so that nothing is asked again.

    Attributes:
        folder: of the table, absolute.
    """

    def __init__(self, folder: Path, *, meshes_outside: bool, known: bool) -> None:
        self.folder = folder.absolute()
        self._anywhere = meshes_outside
        self._known = known
        self._real: dict[Path, Path] = {}  # folders that rows have in common are followed once

    def wrong_with(self, column: str, path: Path) -> str | None:
        """Return what a column expects where its path names nothing, or what leaves the folder.

        Every link is followed, also of files that a path names without their name.

        Raises:
            OSError: the path cannot be looked up.
        """
        if self._known:
            return None
        inside = f"inside the table's folder ({self.folder}), or meshes_outside: true"
        if not self._may_be_read(path):
            return f"a path {inside}"
        found = _FOUND[column](path)
        if not found:
            return WANTED[column]
        stray = next((file for file in found if not self._may_be_read(file)), None)
        if stray is None:
            return None
        return f"files {inside}; {stray.name} belongs to it and is elsewhere"

    def _may_be_read(self, path: Path) -> bool:
        return self._anywhere or self._followed(path).is_relative_to(self._end_of(self.folder))

    def _followed(self, path: Path) -> Path:
        if path.name in ("", "..") or path.is_symlink():
            try:
                return path.resolve()
            except RuntimeError:  # as Python before 3.13 calls links that lead to each other
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        return self._end_of(path.parent) / path.name

    def _end_of(self, folder: Path) -> Path:
        if folder not in self._real:
            self._real[folder] = folder.resolve()
        return self._real[folder]


def require_ordinary(path: Path, error: type[PolycardiaError], called: str | None = None) -> None:
    """Raise an ``error`` for what is there and has no end, as a pipe: reading it may never end.

    What is missing, or a folder, is left to whoever opens it.

    Args:
        path: of the file.
        error: to raise.
        called: the file's name in the error, where the path is nobody's business.
    """
    try:
        kind = os.stat(path).st_mode
    except OSError:
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise error(
            f"{called or path}: found a pipe, a socket or a device, expected an ordinary file"
        )
