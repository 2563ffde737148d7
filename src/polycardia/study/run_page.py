"""From the states of a run's hearts to its page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

import polycardia
from polycardia.io.seal import sealed_file
from polycardia.report.content import Scalar
from polycardia.report.run_page import RunHeart, RunReport, render_run
from polycardia.study.heart_cost import PHASES, HeartCost
from polycardia.study.heart_states import HeartState
from polycardia.study.status import is_over, sentences

WATT_HOUR = 3600.0  # [J]
PERCENT = 100.0
SPREAD = ("core_hours", "node_step", "computing", "memory")
UNITS = {
    "core_hours": "h",
    "node_step": "core ns",
    "computing": "%",
    "memory": "% of asked",
    "nodes": "1",
    "ranks": "1",
    "preparation": "min",
    "beat": "min",
    "waiting_for_ranks": "% of steps",
    "on_processor": "% of steps",
    "energy_of_the_nodes": "W h",
    "host": "",
}


def write_run_page(
    states: Mapping[str, HeartState],
    now: float,
    output: Path,
    *,
    title: str,
    refresh: int | None = None,
) -> None:
    """Write the page of a run.

    Args:
        states: by patient.
        now: when they were so, in seconds since the epoch.
        output: ``run.html``.
        title: of the study.
        refresh: how often a browser is to load it while hearts have no answer [s].
    """
    costs = [state.cost for state in states.values() if state.cost is not None]
    page = render_run(
        RunReport(
            title=title,
            generated=datetime.fromtimestamp(now),
            hearts=[_heart(patient, state) for patient, state in states.items()],
            sentences=sentences(states, now),
            units=UNITS,
            spread=SPREAD,
            core_hours=_core_hours(costs),
            refresh=None if is_over(states) else refresh,
            version=polycardia.__version__,
        )
    )
    with sealed_file(output) as part:
        part.write_text(page.rstrip() + "\n", encoding="utf-8")


def _heart(patient: str, state: HeartState) -> RunHeart:
    detail = state.detail
    if state.state == "running":
        detail = f"{state.fraction:.0%} of the beat"
    return RunHeart(
        patient=patient,
        state=state.state,
        detail=detail,
        ended=None if np.isnan(state.ended) else state.ended,
        figures=_figures(state.cost) if state.cost else {},
    )


def _figures(cost: HeartCost) -> dict[str, Scalar]:
    """Return what the table shows of a heart, by the names of `UNITS`."""
    return {
        "core_hours": cost.core_hours,
        "node_step": cost.node_step,
        "computing": PERCENT * cost.computing,
        "memory": PERCENT * cost.memory_share,
        "nodes": cost.nodes,
        "ranks": cost.ranks,
        "preparation": cost.preparation / 60.0,
        "beat": cost.beat / 60.0,
        "waiting_for_ranks": PERCENT * cost.phases["halo"] / cost.stepping,
        "on_processor": PERCENT * cost.on_processor,
        "energy_of_the_nodes": None if np.isnan(cost.energy) else cost.energy / WATT_HOUR,
        "host": cost.host,
    }


def _core_hours(costs: Sequence[HeartCost]) -> dict[str, float]:
    """Return what all hearts together have spent, by what it went into."""
    if not costs:
        return {}
    spent = {"preparation": sum(cost.preparation for cost in costs)}
    for phase in PHASES:
        spent[phase] = sum(cost.ranks * cost.phases[phase] for cost in costs)
    spent["starting, reading and writing"] = sum(
        cost.ranks * (cost.beat - cost.stepping) for cost in costs
    )
    return {name: max(seconds, 0.0) / 3600.0 for name, seconds in spent.items()}
