"""Files that are either whole or not there."""

import errno
import glob
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polycardia.errors import BadStudy, MachineTrouble

# Results hold patients' data: readable by the user and the group only.
FILE_MODE = 0o640
FOLDER_MODE = 0o750
# [s] since another machine's process wrote to its part file; nobody here can see whether it lives.
ABANDONED_AFTER = 86_400.0
PART = re.compile(r"\.(?P<host>[^/]*)\.(?P<pid>[0-9]+)\.part")
# What HDF5 says when the system says ENOSPC or EDQUOT, in whichever exception.
NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|errno = (28|122)\b")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes its place when the block succeeds.

    A process that is killed inside the block leaves the old file, or none, and a ``.part`` file
    that nobody reads; the next one that succeeds removes it.  Several processes may write the same
    file at once, on any machines: the last one's stays.

    Raises:
        BadStudy: nothing can be written there.
        MachineTrouble: there is no room for all of it.
    """
    part = _begun(path)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            part.unlink()
        if isinstance(error, OSError | RuntimeError) and (found := NO_ROOM.search(str(error))):
            reason = found[0] if not found[1] else os.strerror(int(found[1]))
            raise MachineTrouble(f"{path} cannot be written: {reason}") from None
        raise
    remove_abandoned(path)
    _sync_folder(path.parent)


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed while they wrote a file have left beside it."""
    start = f".{path.name}"
    for part in path.parent.glob(f"{glob.escape(start)}.*.part"):
        named = PART.fullmatch(part.name.removeprefix(start))
        with suppress(FileNotFoundError):
            if named and _is_abandoned(part, named["host"], int(named["pid"])):
                part.unlink()


def _is_abandoned(part: Path, host: str, pid: int) -> bool:
    if host != _host():
        return time.time() - part.stat().st_mtime > ABANDONED_AFTER
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    return False


def _host() -> str:
    return platform.node().partition(".")[0]


def require_writable(path: Path) -> None:
    """Raise what `whole_file` would, before the work is done that the file is for."""
    _begun(path).unlink(missing_ok=True)


def _begun(path: Path) -> Path:
    """Return the empty part file of ``path``."""
    # Where a name is too long, or a folder is closed, this is false and making the file says so.
    if os.path.isdir(path):
        raise BadStudy(f"{path} cannot be written: it is a folder")
    part = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.part")
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
