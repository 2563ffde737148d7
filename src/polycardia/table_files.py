"""Which files a cohort table may name, and whether they are there.

On a shared file system each question is a message to a server, and thousands of rows ask.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from polycardia.companions import companions, surface_files

_FOUND: Mapping[str, Callable[[Path], object]] = {
    "mesh": companions,
    "surfaces": surface_files,
    "fibres": Path.is_file,
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
        self._anywhere = meshes_outside or known
        self._known = known
        self._real: dict[Path, Path] = {}  # folders that rows have in common are followed once

    def may_be_read(self, path: Path) -> bool:
        """Whether a path stays in the table's folder, with every link followed."""
        return self._anywhere or self._followed(path).is_relative_to(self._end_of(self.folder))

    def are_there(self, column: str, path: Path) -> bool:
        """Whether a column's path names anything that it may name."""
        return self._known or bool(_FOUND[column](path))

    def _followed(self, path: Path) -> Path:
        if path.name in ("", "..") or path.is_symlink():
            return path.resolve()
        return self._end_of(path.parent) / path.name

    def _end_of(self, folder: Path) -> Path:
        if folder not in self._real:
            self._real[folder] = folder.resolve()
        return self._real[folder]
