"""One run at a time in a results folder, and none of the jobs that an earlier one left behind.

``results/.run`` has two bytes that processes lock (fcntl(2)).  The first is held by the run that
plans, alone, for as long as its process lives: the system lets go of it, whatever ends the process,
so that no lock is ever left over.  The second is shared by the run's jobs.  The text of the file
names the run: a job whose run was followed by another finds a name that is not its own, and ends
before it touches anything.
"""

import fcntl
import getpass
import json
import os
import platform
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.atomic import FILE_MODE, FOLDER_MODE

NAME = ".run"
RUN = "POLYCARDIA_RUN"
"""Environment variable of a run's jobs: the run's name, a blank, and the file's path."""

PLAN, JOBS = 0, 1  # bytes of the file that are locked
ASKED_EVERY = 1.0  # [s]
# Locks of a process go when it closes the file anywhere, so it stays open to the end.
_held: dict[Path, int] = {}


@dataclass(frozen=True)
class Run:
    """Who runs.

    Attributes:
        name: of this run and no other.
        user: who started it.
        host: where.
        process: its number there.
        began: date and time, ISO 8601, UTC.
    """

    name: str
    user: str
    host: str
    process: int
    began: str

    def __str__(self) -> str:
        return f"the run of {self.user} on {self.host}, process {self.process}, since {self.began}"


def hold(results: Path, tell: Callable[[str], None]) -> str:
    """Take a results folder for this process until it ends, and return what its jobs need to know.

    Jobs that an earlier run has left behind when it was killed are waited for: what they finish is
    not computed again.  Those of them that have not begun will end at once.

    Args:
        results: folder; made where it is missing.
        tell: takes a sentence, if there is something to wait for.

    Returns:
        Value of the environment variable `RUN`; '' where the file system knows no locks.

    Raises:
        BadStudy: another run has it, or it cannot be written.
    """
    path = results.absolute() / NAME
    if path in _held:
        return f"{_read(_held[path]).name} {path}"
    try:
        results.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise BadStudy(f"{path} cannot be written: {error.strerror}") from None
    _held[path] = file
    earlier = _read(file)
    try:
        if not _locked(file, PLAN):
            raise BadStudy(f"{results}: {earlier} is at work here, expected one run at a time")
    except OSError as error:
        tell(f"{path} cannot be locked, so two runs at once go unnoticed: {error.strerror}")
        return ""
    run = _this_run()
    try:
        _write(file, run)
    except OSError as error:
        raise BadStudy(f"{path} cannot be written: {error.strerror}") from None
    if not _locked(file, JOBS):
        tell(f"{results}: {earlier} was killed; its jobs that still run are waited for")
        while not _locked(file, JOBS):
            time.sleep(ASKED_EVERY)
    _unlock(file, JOBS)
    return f"{run.name} {path}"


def join() -> None:
    """Have this process count as a job of the run that started it, until it ends.

    Raises:
        MachineTrouble: that run was followed by another.
    """
    name, _, place = os.environ.get(RUN, "").partition(" ")
    path = Path(place)
    if not name or path in _held:
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise MachineTrouble(f"{path}: {error.strerror}; the run of this job is over") from None
    _held[path] = file
    fcntl.lockf(file, fcntl.LOCK_SH, 1, JOBS)
    now = _read(file)
    if now.name != name:
        raise MachineTrouble(f"{path.parent}: this job's run was followed by {now}")


def _locked(file: int, byte: int) -> bool:
    """Lock a byte for this process alone, unless another has it."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as systems like
        return False
    return True


def _unlock(file: int, byte: int) -> None:
    fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)


def _this_run() -> Run:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Run(secrets.token_hex(8), getpass.getuser(), platform.node(), os.getpid(), now)


def _read(file: int) -> Run:
    """Return who has written the file last; a nameless run where nobody has, or not all of it."""
    try:
        return Run(**json.loads(os.pread(file, 4096, 0)))
    except (ValueError, TypeError):
        return Run("", "somebody", "an unknown host", 0, "an unknown time")


def _write(file: int, run: Run) -> None:
    text = json.dumps(asdict(run)).encode() + b"\n"
    os.pwrite(file, text, 0)
    os.ftruncate(file, len(text))
    os.fsync(file)
