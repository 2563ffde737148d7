"""What jobs die of, by the batch system's word for it and by what their logs say."""

import re
from dataclasses import dataclass
from pathlib import Path

from polycardia.study.job_logs import ENDED, EXCEPTION, SENTENCE, SIGNAL, decisive_line, tail

OUT_OF_MEMORY, OUT_OF_TIME, NODE_LOST = "out_of_memory", "out_of_time", "node_lost"
KILLED, CRASH = "killed", "crashed"
MACHINE = "machine"
"""Nothing of the heart's: a full disk, a missing compiler, somebody's signal."""

DEATHS = {
    OUT_OF_MEMORY: "it needed more memory than it had",
    OUT_OF_TIME: "it met its time limit",
    NODE_LOST: "its node was lost",
    KILLED: "it was killed, as systems do that run out of memory",
    CRASH: "it ended with an error that nobody expected",
}
"""What a heart can die of, as its outcome and in words."""

# By SLURM's job states (https://slurm.schedmd.com/job_state_codes.html).
STATES = {
    "OUT_OF_MEMORY": OUT_OF_MEMORY,
    "TIMEOUT": OUT_OF_TIME,
    "DEADLINE": OUT_OF_TIME,
    "NODE_FAIL": NODE_LOST,
    "BOOT_FAIL": NODE_LOST,
    "CANCELLED": MACHINE,
    "PREEMPTED": MACHINE,
}
# Before anything else: what else goes wrong on a full disk follows from it.
FULL = re.compile(r"No space left on device|Disk quota exceeded")
MEMORY = re.compile(r"oom.kill|[Oo]ut.of.memory|memory limit|MemoryError|bad_alloc", re.IGNORECASE)
# Python's names for what the system refuses.
SYSTEM = re.compile(
    r"^(?:\w+\.)*(?:OS|IO|FileNotFound|FileExists|Permission|BlockingIO|Timeout|Connection\w*|"
    r"BrokenPipe|IsADirectory|NotADirectory|KeyboardInterrupt|ModuleNotFound|Import)(?:Error)?\b"
)


@dataclass(frozen=True)
class Death:
    """How a job ended without a result.

    Attributes:
        kind: a key of `DEATHS`, or `MACHINE`.
        said: the log's decisive line, or ''.
    """

    kind: str
    said: str = ""


def death_of(log: Path) -> Death:
    """Say why a job has died that left this log."""
    return Death(_kind(tail(log)), decisive_line(log))


def _kind(text: str) -> str:
    if FULL.search(text):
        return MACHINE
    if MEMORY.search(text):
        return OUT_OF_MEMORY
    if "TIME LIMIT" in text:
        return OUT_OF_TIME
    if "NODE FAILURE" in text:
        return NODE_LOST
    if SENTENCE.search(text):
        return MACHINE
    exceptions = EXCEPTION.findall(text)
    if exceptions:
        return MACHINE if SYSTEM.match(exceptions[-1]) else CRASH
    if SIGNAL.search(text) and not ENDED.search(text):
        return CRASH
    return KILLED
