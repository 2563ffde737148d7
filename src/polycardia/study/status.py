"""How far a run is, from any login that sees the folder."""

import math
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from polycardia.study.heart_states import HeartState, heart_state

SHOWN = 10  # failed hearts and running ones that are named
SLOWEST = 3  # solved ones
STATES = ("solved", "failed", "running", "interrupted", "waiting")
OPEN = {"running", "interrupted", "waiting"}
HOUR = 3600.0  # [s]


class Status:
    """The hearts of a run, asked again and again; a result that stays as it is is read once.

    Args:
        patients: in the order of the table.
        results: folder.
    """

    def __init__(self, patients: Sequence[str], results: Path) -> None:
        self._patients = patients
        self._results = results
        self._kept: dict[str, HeartState] = {}
        self.now = math.nan

    def look(self) -> Mapping[str, HeartState]:
        """Return how each heart fares now."""
        self.now = time.time()
        states = {}
        for patient in self._patients:
            kept = self._kept.get(patient)
            if kept is None or kept.ended != self._ended(patient):
                kept = heart_state(patient, self._results, self.now)
            states[patient] = kept
        self._kept = {name: state for name, state in states.items() if state.ended == state.ended}
        return states

    def _ended(self, patient: str) -> float:
        try:
            return (self._results / "hearts" / f"{patient}.vtkhdf").stat().st_mtime
        except FileNotFoundError:
            return math.nan


def described(states: Mapping[str, HeartState], now: float) -> str:
    """Return a few lines for a person.

    They are hearts by state, rate and estimate, the slowest, memory, and those that run or failed.

    Args:
        states: by patient.
        now: seconds since the epoch.
    """
    count = Counter(state.state for state in states.values())
    lines = [f"{len(states)} hearts: " + ", ".join(f"{count[name]} {name}" for name in STATES)]
    lines += sentences(states, now)
    for name in ("running", "failed"):
        lines += _named(name, {p: state for p, state in states.items() if state.state == name})
    return "\n".join(lines)


def sentences(states: Mapping[str, HeartState], now: float) -> list[str]:
    """Return rate and estimate, the slowest, and memory; less where less is known."""
    solved = {name: state for name, state in states.items() if state.state == "solved"}
    return [*_pace(list(states.values()), now), *_slowest(solved), *_memory(solved)]


def is_over(states: Mapping[str, HeartState]) -> bool:
    """Whether every heart has an answer."""
    return not OPEN & {state.state for state in states.values()}


def _pace(states: Sequence[HeartState], now: float) -> list[str]:
    running = sum(state.state == "running" for state in states)
    if not running:
        return []
    lately = sum(state.state == "solved" and now - state.ended < HOUR for state in states)
    said = [f"{lately} solved in the last hour"]
    left = seconds_left(states)
    if left is not None:
        said.append(f"about {_duration(left)} left with {running} at once")
    return ["; ".join(said)]


def _slowest(solved: Mapping[str, HeartState]) -> list[str]:
    if not solved:
        return []
    most = sorted(solved, key=lambda name: -solved[name].seconds)[:SLOWEST]
    return ["slowest: " + ", ".join(f"{name} {_duration(solved[name].seconds)}" for name in most)]


def _memory(solved: Mapping[str, HeartState]) -> list[str]:
    shares = {name: one.cost.memory_share for name, one in solved.items() if one.cost}
    if not shares:
        return []
    most = max(shares, key=shares.__getitem__)
    return [
        f"memory: half of the beats hold {statistics.median(shares.values()):.0%} of what they ask "
        f"for or less, {most} {shares[most]:.0%}"
    ]


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
