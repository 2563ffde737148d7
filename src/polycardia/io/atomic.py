"""Files that are either whole or not there."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polycardia.errors import BadStudy

# Results hold patients' data: readable by the user and the group only.
FILE_MODE = 0o640
FOLDER_MODE = 0o750


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes its place when the block succeeds.

    A process that is killed inside the block leaves the old file, or none, and a ``.part`` file
    that nobody reads; the next one that succeeds removes it.

    Raises:
        BadStudy: nothing can be written there.
    """
    part = _begun(path)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    for left_over in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        left_over.unlink(missing_ok=True)
    _sync_folder(path.parent)


def require_writable(path: Path) -> None:
    """Raise what `whole_file` would, before the work is done that the file is for."""
    _begun(path).unlink(missing_ok=True)


def _begun(path: Path) -> Path:
    """Return the empty part file of ``path``."""
    # Where a name is too long, or a folder is closed, this is false and making the file says so.
    if os.path.isdir(path):
        raise BadStudy(f"{path} cannot be written: it is a folder")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        part.touch(mode=FILE_MODE)
    except OSError as error:
        raise BadStudy(f"{path} cannot be written: {error.strerror}") from None
    return part


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
