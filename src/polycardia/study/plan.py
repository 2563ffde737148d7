"""What a study will cost on a cluster, from its table and from what its hearts have cost so far."""

import json
import math
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from polycardia.cohort import Patient
from polycardia.config import Study
from polycardia.errors import PolycardiaError
from polycardia.io.heart_file import read_fate
from polycardia.io.prepared import PreparedFile
from polycardia.study.heart_cost import HeartCost
from polycardia.study.sizing import BeatJob, beat_job, nodes_of, prepare_memory

# Of TP06 on a real heart of 228,489 nodes, adaptive steps of 0.025 ms: docs/numerics.md.  Other
# shipped models take a third less to two thirds more, a user's own maybe several times as much.
USUAL_BEAT = 2.3e-6  # [core-s] a node and ms of beat
USUAL_PREPARATION = 1.0e-4  # [s] a node
STARTS = 10.0  # [s] of Snakemake, Python and MPI, each job
READ = 50  # hearts whose files are opened, evenly from the table
SAMPLES = 3  # meshes of a format that are read, the smallest, the largest and from the middle


@dataclass(frozen=True)
class Expected:
    """One heart that is to be computed.

    Attributes:
        nodes: of its mesh once it is prepared.
        prepared: whether that is known from its prepared file.
        source_bytes: of its source files.
        job: of its beat.
    """

    nodes: float
    prepared: bool
    source_bytes: int
    job: BeatJob


@dataclass(frozen=True)
class Rates:
    """What hearts cost.

    Attributes:
        beat: [core-s] a node and ms of beat.
        preparation: [s] a node.
        memory: the most that a beat has held, over what its job asks for; NaN if unknown.
        hearts: whose records these are of; 0 for the usual figures.
    """

    beat: float
    preparation: float
    memory: float
    hearts: int


@dataclass(frozen=True)
class Plan:
    """What is left to do.

    Attributes:
        total: how many hearts are in the table.
        done: how many of them have a result.
        hearts: those to compute.
        unread: hearts whose size nothing tells, which are left out of all sums.
        rates: what they are expected to cost.
        duration: of a beat [ms].
        edge_length: that meshes are refined to [mm], or None.
    """

    total: int
    done: int
    hearts: Sequence[Expected]
    unread: int
    rates: Rates
    duration: float
    edge_length: float | None

    @property
    def beat_hours(self) -> float:
        """Of all cores [core-h], starts included."""
        return sum(heart.job.ranks * self.beat_seconds(heart) for heart in self.hearts) / 3600.0

    @property
    def preparation_hours(self) -> float:
        """Of all cores [core-h], starts included."""
        seconds = (STARTS + heart.nodes * self.rates.preparation for heart in self.hearts)
        return sum(seconds) / 3600.0

    def beat_seconds(self, heart: Expected) -> float:
        """Return how long the beat of a heart takes [s]."""
        return STARTS + heart.nodes * self.duration * self.rates.beat / heart.job.ranks

    def preparation_memory(self, heart: Expected) -> int:
        """Return what the preparation of a heart asks for [MB]."""
        return prepare_memory(heart.source_bytes, self.edge_length)


Thing = TypeVar("Thing")
Measure = Callable[[Patient], float]
"""Number of nodes that a patient's mesh has once it is prepared; dear."""


def plan(study: Study, patients: Mapping[str, Patient], measure: Measure, *, again: bool) -> Plan:
    """Return what a study is going to ask for.

    Args:
        study: its settings.
        patients: its table.
        measure: asked for a few of the meshes that are not prepared yet.
        again: whether hearts that have a result are computed once more.
    """
    results = Path(study.results)
    hearts = {name: results / "hearts" / f"{name}.vtkhdf" for name in patients}
    done = {name for name, heart in hearts.items() if heart.exists()}
    left = [name for name in patients if again or name not in done]
    sizes = {
        name: sum(os.path.getsize(file) for file in patients[name].source.files()) for name in left
    }
    prepared = _prepared({name: results / "work" / name / "prepared.h5" for name in left})
    nodes = _estimated({name: patients[name] for name in left}, sizes, prepared, measure)
    steps = study.numerics.n_steps
    expected = [
        Expected(nodes[name], name in prepared, sizes[name], beat_job(nodes[name], steps))
        for name in left
        if name in nodes
    ]
    return Plan(
        total=len(patients),
        done=len(done),
        hearts=expected,
        unread=len(left) - len(expected),
        rates=_rates([hearts[name] for name in patients if name in done]),
        duration=study.numerics.duration,
        edge_length=study.anatomy.edge_length,
    )


def _prepared(files: Mapping[str, Path]) -> dict[str, float]:
    """Return about how many nodes prepared hearts have: by their size, and a few that are read."""
    sizes = {name: nodes_of(file.stat().st_size) for name, file in files.items() if file.exists()}
    ratios = []
    for name in _spread(list(sizes)):
        try:
            with PreparedFile(files[name]) as heart:
                ratios.append(heart.n_nodes / sizes[name])
        except (PolycardiaError, KeyError):  # of a heart that failed, or made anew by the next run
            continue
    ratio = statistics.median(ratios) if ratios else 1.0
    return {name: ratio * size for name, size in sizes.items()}


def _estimated(
    patients: Mapping[str, Patient],
    sizes: Mapping[str, int],
    prepared: Mapping[str, float],
    measure: Measure,
) -> dict[str, float]:
    """Return how many nodes each heart has: by its files' size, from those that are known.

    Hearts whose format nobody could read a sample of are left out.
    """
    formats: dict[str, list[str]] = defaultdict(list)
    for name, patient in patients.items():
        formats[patient.source.mesh.suffix.lower()].append(name)
    nodes: dict[str, float] = dict(prepared)
    for names in formats.values():
        known = {sizes[name]: prepared[name] for name in names if name in prepared}
        unknown = sorted((name for name in names if name not in prepared), key=sizes.__getitem__)
        if len(known) < SAMPLES:
            for name in _spread(unknown, SAMPLES):
                try:
                    known[sizes[name]] = measure(patients[name])
                except PolycardiaError:  # told when it is prepared
                    continue
        if known:
            share = statistics.median(count / size for size, count in known.items())
            nodes |= {name: known.get(sizes[name], share * sizes[name]) for name in unknown}
    return nodes


def _rates(hearts: Sequence[Path]) -> Rates:
    """Return what finished hearts have cost, from the records in their files."""
    beats, preparations, memory = [], [], []
    for path in _spread(hearts):
        try:
            _, record = read_fate(path)
        except PolycardiaError:  # made anew by the next run
            continue
        cost = HeartCost.of(record)
        if cost is not None:
            simulation = json.loads(record["settings"])["simulation"]
            duration = float(simulation["numerics"]["duration"])
            beats.append(cost.ranks * cost.beat / (cost.nodes * duration))
            preparations.append(cost.preparation / cost.nodes)
            memory.append(cost.memory_share)
    if not beats:
        return Rates(USUAL_BEAT, USUAL_PREPARATION, math.nan, 0)
    return Rates(statistics.median(beats), statistics.median(preparations), max(memory), len(beats))


def _spread(things: Sequence[Thing], most: int = READ) -> list[Thing]:
    """Return some of many, evenly, the first and the last among them."""
    if not things:
        return []
    chosen = np.linspace(0, len(things) - 1, min(most, len(things))).round().astype(int)
    return [things[i] for i in chosen]
