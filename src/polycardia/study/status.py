"""How far a run is, read from what it has written so far; from any login that sees the folder."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polycardia.errors import BadArchive
from polycardia.io.heart_file import read_state
from polycardia.io.origin import SOLVED
from polycardia.study.job_logs import decisive_line, tail

# As ``solver.monodomain`` reports its progress.
PROGRESS = re.compile(r" t +([0-9.]+) of ([0-9.]+) ms ")
SILENT_AFTER = 1800.0  # [s] without a line, after which a job counts as interrupted
SHOWN = 10  # failed hearts and running ones that are named


@dataclass(frozen=True)
class HeartState:
    """How one heart fares.

    Attributes:
        state: ``solved``, ``failed``, ``running``, ``interrupted`` or ``waiting``.
        detail: the outcome's sentence of a heart that failed.
        fraction: of its beat that has been stepped.
        seconds: that it took, or that it has taken so far.
    """

    state: str
    detail: str = ""
    fraction: float = 0.0
    seconds: float = 0.0


def status(patients: Sequence[str], results: Path) -> str:
    """Return a few lines for a person: hearts by state, an estimate, and what failed."""
    now = time.time()
    states = {patient: heart_state(patient, results, now) for patient in patients}
    count = Counter(state.state for state in states.values())
    shown = ("solved", "failed", "running", "interrupted", "waiting")
    lines = [f"{len(patients)} hearts: " + ", ".join(f"{count[name]} {name}" for name in shown)]
    left = seconds_left(list(states.values()))
    if left is not None:
        lines.append(f"about {_duration(left)} left with {count['running']} at once")
    for name in ("running", "failed"):
        lines += _named(name, {p: state for p, state in states.items() if state.state == name})
    return "\n".join(lines)


def heart_state(patient: str, results: Path, now: float) -> HeartState:
    """Say how one heart fares, from its result or its latest log."""
    heart = results / "hearts" / f"{patient}.vtkhdf"
    if heart.exists():
        try:
            outcome, seconds = read_state(heart)
        except BadArchive as fault:
            return HeartState("failed", str(fault), 1.0)
        if outcome.status == SOLVED:
            return HeartState("solved", fraction=1.0, seconds=seconds)
        return HeartState("failed", f"{outcome.status}: {outcome.detail}", 1.0, seconds)
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


def seconds_left(states: Sequence[HeartState]) -> float | None:
    """Estimate how long the rest will take, or None where nothing is known or left.

    What finished hearts took, or running ones will take at their pace, is taken for the others,
    with as many at once as are running now.
    """
    finished = [state.seconds for state in states if state.state == "solved"]
    running = [state for state in states if state.state == "running"]
    waiting = sum(state.state in ("waiting", "interrupted") for state in states)
    paces = [state.seconds / state.fraction for state in running if state.fraction > 0.0]
    known = finished or paces
    if not known or not running:
        return None
    each = sum(known) / len(known)
    return each * (waiting + sum(1.0 - state.fraction for state in running)) / len(running)


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


def _named(name: str, states: dict[str, HeartState]) -> list[str]:
    lines = [
        f"  {name}  {patient}  {state.detail or f'{state.fraction:.0%} of the beat'}"
        for patient, state in list(states.items())[:SHOWN]
    ]
    if len(states) > SHOWN:
        lines.append(f"  and {len(states) - SHOWN} more {name}")
    return lines


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h"
