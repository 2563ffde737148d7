"""What a program costs: the processor's time, memory, and calls of the file system.

Run as a program, ``measuring.py FIGURES COMMAND...``, it measures a command.  That takes a process
of its own: the peak memory of a child counts from the memory of the process that started it.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1200.0  # [s] of one program on a busy machine
_TOTAL = re.compile(r"^100\.00 +[\d.]+ +\d+ +(\d+)", re.MULTILINE)  # of strace's table


@dataclass(frozen=True)
class Cost:
    """What a run of a program and of all that it started took.

    Attributes:
        seconds: of the processor, which other programs on the machine hardly change.
        wall: by the clock [s].
        memory: the largest process's peak [bytes].
        output: what was printed.
    """

    seconds: float
    wall: float
    memory: int
    output: str


def cost(command: Sequence[object], folder: Path) -> Cost:
    """Run a program in a folder; one that fails raises what it printed."""
    from tiny_cohort import ENVIRONMENT  # not by the process that measures: it stays small

    with tempfile.NamedTemporaryFile("r") as figures:
        done = subprocess.run(
            [sys.executable, __file__, figures.name, *map(str, command)],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: status {done.returncode}\n{done.stdout[-4000:]}")
        return Cost(**json.load(figures), output=done.stdout)


def file_calls(command: Sequence[object], folder: Path) -> int:
    """Return how many calls with a file's name a program and all that it starts make.

    Opened, asked for, made, renamed and removed: what a metadata server sees.  Reading and writing
    an open file is not counted.  Needs ``strace``.
    """
    with tempfile.NamedTemporaryFile("r") as table:
        traced = ["strace", "-f", "-qq", "-c", "-e", "trace=%file", "-o", table.name]
        cost([*traced, *command], folder)
        found = _TOTAL.search(table.read())
    assert found
    return int(found[1])


def measure(figures: Path, command: Sequence[str]) -> int:
    """Run a command, write what it cost as JSON, and return its status."""
    begun = time.monotonic()
    status = subprocess.run(command, timeout=LONGEST).returncode
    wall, used = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    figures.write_text(
        json.dumps({"seconds": seconds, "wall": wall, "memory": used.ru_maxrss * 1024})
    )
    return status


if __name__ == "__main__":
    sys.exit(measure(Path(sys.argv[1]), sys.argv[2:]))
