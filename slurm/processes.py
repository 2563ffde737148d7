"""Processes told apart for sure, so that none is ended which somebody else started.

A process is known by its number and the tick at which it started (proc(5)): the system gives a
number to somebody else as soon as it is free.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def stat(pid: int) -> list[str] | None:
    """The fields of proc(5)'s stat that follow the name; nothing if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields


def started_at(pid: int) -> str | None:
    fields = stat(pid)
    return fields[19] if fields else None


def end(processes: dict[int, str | None], patience: float) -> None:
    """End processes, given with their starting ticks: first asked, then killed."""

    def alive() -> list[int]:
        return [pid for pid, start in processes.items() if start and started_at(pid) == start]

    for signum in (signal.SIGTERM, signal.SIGKILL):
        for pid in alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
        if wait_for(lambda: not alive(), patience):
            return
