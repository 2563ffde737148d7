"""The page of a run: how far it is, what its hearts cost, and how they use what they ask for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from polycardia.report import summary
from polycardia.report.content import Scalar
from polycardia.report.summary import nice_ticks
from polycardia.report.table import Column, column
from polycardia.report.templates import filled
from polycardia.report.wording import label, number

WIDTH, HEIGHT, LEFT, BOTTOM = 340.0, 150.0, 40.0, 22.0  # of the curve [pixels]
HOUR = 3600.0  # [s]


@dataclass(frozen=True)
class RunHeart:
    """One heart of a run.

    Attributes:
        patient: identifier.
        state: ``solved``, ``failed``, ``running``, ``interrupted`` or ``waiting``.
        detail: a sentence, where there is something to say.
        ended: when it got its answer, in seconds since the epoch; None before.
        figures: by the names of `RunReport.units`; None where one is not known.
    """

    patient: str
    state: str
    detail: str
    ended: float | None
    figures: Mapping[str, Scalar]


@dataclass(frozen=True)
class RunReport:
    """A run.

    Attributes:
        title: of the study.
        generated: date and time that the page shows.
        hearts: in the order of the page.
        sentences: on the whole.
        units: of all figures, by name, in the order of the table; those of ``spread`` first.
        spread: figures that are shown as plots.
        core_hours: of all solved hearts, by what they went into.
        refresh: seconds after which a browser loads the page again; None if it stays.
        version: of the program.
    """

    title: str
    generated: datetime
    hearts: Sequence[RunHeart]
    sentences: Sequence[str]
    units: Mapping[str, str]
    spread: Sequence[str]
    core_hours: Mapping[str, float]
    refresh: int | None = None
    version: str = ""


@dataclass(frozen=True)
class Curve:
    """How many hearts had an answer, over time.

    Attributes:
        path: of the curve, as SVG writes it.
        across: (x [pixels], text) of the time's ticks [h].
        up: (y [pixels], text) of the count's.
    """

    path: str
    across: Sequence[tuple[float, str]]
    up: Sequence[tuple[float, str]]


def render_run(run: RunReport) -> str:
    """Return the page."""
    columns = [
        found
        for name, unit in run.units.items()
        if (found := column(name, unit, [heart.figures.get(name) for heart in run.hearts]))
    ]
    return filled(
        "run.html",
        run=run,
        states=Counter(heart.state for heart in run.hearts).most_common(),
        columns=columns,
        plots=[_plot(run, name) for name in run.spread if len(_known(run, name)) > 1],
        curve=progress([heart.ended for heart in run.hearts if heart.ended is not None]),
        spent=_spent(run.core_hours),
        summary=summary,
        WIDTH=WIDTH,
        HEIGHT=HEIGHT,
        LEFT=LEFT,
        BOTTOM=BOTTOM,
    )


def _known(run: RunReport, name: str) -> list[float]:
    values = (number(heart.figures.get(name)) for heart in run.hearts)
    return [value for value in values if value is not None]


def _plot(run: RunReport, name: str) -> summary.Plot:
    return summary.plot(label(name), run.units[name], {"Solved": _known(run, name)})


def _spent(core_hours: Mapping[str, float]) -> Column | None:
    """Return nothing but the text of each figure, evenly."""
    return column("core_hours", "h", list(core_hours.values()))


def progress(ended: Sequence[float]) -> Curve | None:
    """Return the curve of answers, or None where there are fewer than two.

    Args:
        ended: when each heart got its answer, in seconds since the epoch.
    """
    if len(ended) < 2:
        return None
    first = min(ended)
    hours = sorted((moment - first) / HOUR for moment in ended)
    times, counts = nice_ticks([0.0, hours[-1]]), nice_ticks([0.0, len(ended)])

    def x(hour: float) -> float:
        return round(LEFT + (WIDTH - LEFT - 12.0) * hour / times[-1], 1)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12.0) * count / counts[-1], 1)

    steps = (f"H{x(hour)}V{y(count)}" for count, hour in enumerate(hours, start=1))
    return Curve(
        path=f"M{x(0.0)} {y(0.0)}" + "".join(steps),
        across=[(x(hour), f"{hour:g}") for hour in times],
        up=[(y(count), f"{count:g}") for count in counts],
    )
