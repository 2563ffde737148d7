"""How one heart fares, read from what its jobs have written so far."""

import math
import re
import time
from dataclasses import dataclass
from pathlib import Path

from polycardia.errors import BadArchive
from polycardia.io.heart_file import read_fate
from polycardia.io.origin import SOLVED
from polycardia.study.heart_cost import HeartCost
from polycardia.study.job_logs import decisive_line, tail

# As ``solver.monodomain`` reports its progress.
PROGRESS = re.compile(r" t +([0-9.]+) of ([0-9.]+) ms ")
SILENT_AFTER = 1800.0  # [s] without a line, after which a job counts as interrupted


@dataclass(frozen=True)
class HeartState:
    """How one heart fares.

    Attributes:
        state: ``solved``, ``failed``, ``running``, ``interrupted`` or ``waiting``.
        detail: the outcome's sentence of a heart that failed.
        fraction: of its beat that has been stepped.
        seconds: that it took, or that it has taken so far.
        ended: when its result was written, in seconds since the epoch; NaN without one.
        cost: of a heart that was solved; None if unknown.
    """

    state: str
    detail: str = ""
    fraction: float = 0.0
    seconds: float = 0.0
    ended: float = math.nan
    cost: HeartCost | None = None


def heart_state(patient: str, results: Path, now: float) -> HeartState:
    """Say how one heart fares, from its result or its latest log."""
    heart = results / "hearts" / f"{patient}.vtkhdf"
    if heart.exists():
        return _finished(heart)
    logs = [results / "logs" / stage / f"{patient}.log" for stage in ("simulate", "prepare")]
    latest = max((log for log in logs if log.exists()), key=_written, default=None)
    if latest is None:
        return HeartState("waiting")
    if error := decisive_line(latest):
        return HeartState("failed", f"job died: {error}")
    if latest.parent.name == "prepare" and (results / "work" / patient / "prepared.h5").exists():
        return HeartState("waiting")
    written = latest.stat()
    if now - written.st_mtime > SILENT_AFTER:
        return HeartState("interrupted")
    fraction = _fraction(latest)
    return HeartState("running", fraction=fraction, seconds=now - _begun(latest, written.st_mtime))


def _finished(heart: Path) -> HeartState:
    ended = _written(heart)
    try:
        outcome, made = read_fate(heart)
    except BadArchive as fault:
        return HeartState("failed", str(fault), 1.0, ended=ended)
    seconds = float(made.get("prepare_seconds", 0.0)) + float(made["seconds"])
    if outcome.status != SOLVED:
        return HeartState("failed", f"{outcome.status}: {outcome.detail}", 1.0, seconds, ended)
    cost = HeartCost.of(made)
    return HeartState("solved", fraction=1.0, seconds=seconds, ended=ended, cost=cost)


def _written(log: Path) -> float:
    return log.stat().st_mtime


def _fraction(log: Path) -> float:
    reports = PROGRESS.findall(tail(log))
    return float(reports[-1][0]) / float(reports[-1][1]) if reports else 0.0


def _begun(log: Path, otherwise: float) -> float:
    """Return when a log's first line was written."""
    with log.open(errors="replace") as stream:
        stamp = stream.readline()[:19]
    try:
        return time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return otherwise
