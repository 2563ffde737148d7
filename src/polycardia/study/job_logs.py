"""What the log of a job says of its end."""

import re
from pathlib import Path

TAIL = 4096  # [bytes] of a log that are looked at
LONGEST_LINE = 300
# As ``cli.main`` and Python itself say why they end.
SENTENCE = re.compile(r"^polycardia: (.*)$", re.MULTILINE)
EXCEPTION = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b.*)$", re.MULTILINE)
# As the kernel's end of a process is passed on by MPI's launcher, shells and SLURM.
ENDED = re.compile(
    r"^(.*(?:signal 9\b|\bKilled\b|oom.kill|[Oo]ut.of.memory|TIME LIMIT|NODE FAILURE).*)$",
    re.MULTILINE,
)
SIGNAL = re.compile(r"^(.*\bexited on signal \d+.*)$", re.MULTILINE)


def tail(log: Path) -> str:
    """Return the end of a log; '' where there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL))
            return stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def decisive_line(log: Path) -> str:
    """Return what a job said when it ended without a result, or ''.

    Its own word goes before that of those who saw it end.
    """
    text = tail(log)
    found = (kind.findall(text)[-1:] for kind in (SENTENCE, EXCEPTION, ENDED, SIGNAL))
    return shortened(next((line for lines in found for line in lines), ""))


def shortened(line: str) -> str:
    """Return a line that fits into a sentence."""
    plain = " ".join(line.split())
    return plain if len(plain) <= LONGEST_LINE else f"{plain[:LONGEST_LINE]}..."
