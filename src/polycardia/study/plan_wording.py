"""A plan, for people and for programs."""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from polycardia.scheduler import Partition
from polycardia.study.plan import Expected, Plan

# A scheduler looks for work every half a minute or so, and sites limit how many jobs wait.
SHORT_BEAT = 300.0  # [s]
MANY = 50

Row = tuple[str, Callable[[Expected], float], str]


def described(plan: Plan, partitions: Sequence[Partition]) -> str:
    """Return a plan as lines for a person."""
    lines = [f"{plan.total:,} hearts: {plan.done:,} have a result, {len(plan.hearts):,} to compute"]
    judged = sum(not heart.prepared for heart in plan.hearts)
    if judged:
        lines.append(f"{judged:,} are not prepared yet, their size is judged by their files")
    if plan.unread:
        lines.append(f"{plan.unread:,} left out: no mesh of their format could be read")
    if not plan.hearts:
        return "\n".join([*lines, "--all plans for those that have a result, too"])
    return "\n".join([*lines, "", *_table(plan), "", *_costs(plan), "", *_places(plan, partitions)])


def as_json(plan: Plan, partitions: Sequence[Partition]) -> str:
    """Return the same for programs."""
    found: dict[str, Any] = {
        "done": plan.done,
        "to_compute": len(plan.hearts),
        "left_out": plan.unread,
        "beat_core_hours": plan.beat_hours,
        "preparation_core_hours": plan.preparation_hours,
        "from_hearts": plan.rates.hearts,
        "partitions": [
            {"name": place.name, "fits": not misfits(plan, place), "because": misfits(plan, place)}
            for place in partitions
        ],
    }
    for name, of, _ in _rows(plan):
        values = [of(heart) for heart in plan.hearts] or [0.0]
        found[name] = {
            "smallest": min(values),
            "median": statistics.median(values),
            "largest": max(values),
        }
    return json.dumps(found, indent=1)


def _rows(plan: Plan) -> list[Row]:
    return [
        ("nodes", lambda heart: heart.nodes, ",.0f"),
        ("ranks", lambda heart: heart.job.ranks, ".0f"),
        ("beat [GB]", lambda heart: heart.job.memory / 1e3, ".1f"),
        ("beat [min]", lambda heart: plan.beat_seconds(heart) / 60.0, ".1f"),
        ("beat's limit [min]", lambda heart: heart.job.minutes, ".0f"),
        ("preparation [GB]", lambda heart: plan.preparation_memory(heart) / 1e3, ".1f"),
    ]


def _table(plan: Plan) -> list[str]:
    lines = [f"{'a heart':<20}{'smallest':>12}{'median':>12}{'largest':>12}"]
    for name, of, style in _rows(plan):
        values = [of(heart) for heart in plan.hearts]
        shown = (min(values), statistics.median(values), max(values))
        lines.append(f"{name:<20}" + "".join(f"{format(value, style):>12}" for value in shown))
    return lines


def _costs(plan: Plan) -> list[str]:
    rates = plan.rates
    source = (
        f"by what {rates.hearts:,} hearts of this study have cost"
        if rates.hearts
        else "by usual figures; with a few hearts computed, by what these have cost"
    )
    lines = [
        f"{plan.beat_hours:,.1f} core-hours for the beats, {plan.preparation_hours:,.1f} for the "
        f"preparations, {source}"
    ]
    if rates.hearts:
        lines.append(
            f"beats have held at most {100 * rates.memory:.0f} % of the memory they ask for"
        )
    lines.append(_way(plan))
    return lines


def _way(plan: Plan) -> str:
    """Say which of the two ways onto a cluster suits: slurm/README.md."""
    beat = statistics.median(plan.beat_seconds(heart) for heart in plan.hearts)
    if len(plan.hearts) >= MANY and beat < SHORT_BEAT:
        return (
            "so many short beats wait longer than they run: one allocation, sbatch slurm/allocation"
        )
    return "a job for each heart: snakemake --workflow-profile slurm"


def _places(plan: Plan, partitions: Sequence[Partition]) -> list[str]:
    if not partitions:
        return ["no sinfo here, so nothing is said of partitions"]
    lines = [f"{'partition':<16}{'nodes':>7}{'cores':>7}{'GB':>7}{'hours':>9}"]
    for place in partitions:
        limit = f"{place.minutes / 60:.1f}" if math.isfinite(place.minutes) else "any"
        said = misfits(plan, place)
        fit = "; ".join(said) if said else _fit(plan, place)
        lines.append(
            f"{place.name:<16}{place.nodes:>7,}{place.cores:>7}{place.memory / 1e3:>7.0f}"
            f"{limit:>9}  {fit}"
        )
    return lines


def misfits(plan: Plan, place: Partition) -> list[str]:
    """Return why some heart does not fit into a partition; nothing where all do."""
    if not plan.hearts:
        return []
    minutes = max(heart.job.minutes for heart in plan.hearts)
    memory = max(heart.job.memory_per_rank for heart in plan.hearts)
    whole = max(max(plan.preparation_memory(heart) for heart in plan.hearts), memory)
    ranks = max(heart.job.ranks for heart in plan.hearts)
    found = []
    if minutes > place.minutes:
        found.append(f"too short: a beat asks for {minutes} min")
    if whole > place.memory:
        found.append(f"too little memory: a job asks for {whole / 1e3:.1f} GB on one node")
    a_node = min(place.cores, place.memory // memory)
    if ranks > a_node * place.nodes:
        found.append(f"too few cores: a beat asks for {ranks}, {memory / 1e3:.1f} GB each")
    return found


def _fit(plan: Plan, place: Partition) -> str:
    """Say how many hearts go at once, and how long all take where nobody else is."""
    memory = max(heart.job.memory_per_rank for heart in plan.hearts)
    cores = place.nodes * min(place.cores, place.memory // memory)
    ranks = statistics.median(heart.job.ranks for heart in plan.hearts)
    longest = max(plan.beat_seconds(heart) for heart in plan.hearts) / 3600.0
    hours = max(longest, (plan.beat_hours + plan.preparation_hours) / cores)
    at_once = min(len(plan.hearts), cores // ranks)
    return f"fits: {at_once:,.0f} hearts at once, {hours:,.1f} h if it were empty"
