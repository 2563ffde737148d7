"""How numbers are spread over hearts, one small plot each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Floats
from polycardia.report.content import SOLVED, CohortReport, PatientReport
from polycardia.report.table import FIRST_MEASURES
from polycardia.report.wording import decimals, label, number, pretty_unit, written

WIDTH, LEFT, RIGHT, TOP, ROW, AXIS = 340.0, 74.0, 12.0, 6.0, 52.0, 22.0  # [pixels]
DOT = 3.4  # radius [pixels]
MAX_DOTS = 60  # a group of more is shown as bars
SEXES = {"F": "Female", "M": "Male"}


@dataclass(frozen=True)
class Group:
    """One row of a plot.

    Attributes:
        label: who is in it.
        count: how many.
        y: of the row's ground line [pixels].
        dots: centres (x, y) [pixels]; empty where there are bars.
        bars: (x, y, width, height) [pixels].
        median_x: [pixels].
        median: as text.
    """

    label: str
    count: int
    y: float
    dots: tuple[tuple[float, float], ...]
    bars: tuple[tuple[float, float, float, float], ...]
    median_x: float
    median: str


@dataclass(frozen=True)
class Plot:
    """One measure.

    Attributes:
        title: of the measure.
        unit: of the axis.
        groups: rows from above.
        ticks: (x [pixels], text).
        height: [pixels].
    """

    title: str
    unit: str
    groups: tuple[Group, ...]
    ticks: tuple[tuple[float, str], ...]
    height: float


def distributions(cohort: CohortReport) -> list[Plot]:
    """Return a plot of each main measure that two or more solved hearts have, by sex."""
    solved = [patient for patient in cohort.patients if patient.status == SOLVED]
    plots = []
    for name in FIRST_MEASURES:
        values = [(_sex(p), found) for p in solved if (found := _measure(p, name)) is not None]
        if len(values) > 1:
            unit = next(p.measures[name][1] for p in solved if name in p.measures)
            plots.append(plot(label(name), unit, _by_sex(values)))
    return plots


def plot(title: str, unit: str, groups: Mapping[str, Sequence[float]]) -> Plot:
    """Return the plot of a quantity.

    Args:
        title: what it is.
        unit: of its values.
        groups: values of each row, by its label; one at least, none empty.
    """
    everything = [value for values in groups.values() for value in values]
    ticks = nice_ticks(everything)
    places = decimals(everything, unit)
    return Plot(
        title=title,
        unit=pretty_unit(unit),
        groups=tuple(
            _group(name, np.array(values), TOP + ROW * (row + 1), ticks, places)
            for row, (name, values) in enumerate(groups.items())
        ),
        ticks=tuple((_x(tick, ticks), f"{tick:g}") for tick in ticks),
        height=TOP + ROW * len(groups) + AXIS + 12.0,
    )


def _measure(patient: PatientReport, name: str) -> float | None:
    return number(patient.measures.get(name, (None, ""))[0])


def _sex(patient: PatientReport) -> str:
    sex = patient.clinical.get("sex")
    return SEXES.get(sex, "") if isinstance(sex, str) else ""


def _by_sex(values: Sequence[tuple[str, float]]) -> dict[str, list[float]]:
    by_sex = {sex: [v for s, v in values if s == sex] for sex in (*SEXES.values(), "")}
    present = {sex: found for sex, found in by_sex.items() if found}
    other = "All" if list(present) == [""] else "Not given"
    return {sex or other: found for sex, found in present.items()}


def nice_ticks(values: Sequence[float]) -> list[float]:
    """Return three to seven round numbers that span the values."""
    low, high = min(values), max(values)
    span = high - low or abs(high) * 0.1 or 1.0
    power = 10.0 ** math.floor(math.log10(span / 3.0))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if span / (m * power) <= 5.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(n * step, 12) for n in range(first, max(last, first + 1) + 1)]


def _x(value: float, ticks: Sequence[float]) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _group(name: str, values: Floats, y: float, ticks: Sequence[float], places: int) -> Group:
    median = float(np.median(values))
    many = len(values) > MAX_DOTS
    return Group(
        label=name,
        count=len(values),
        y=y,
        dots=() if many else _dots(values, y, ticks),
        bars=_bars(values, y, ticks) if many else (),
        median_x=_x(median, ticks),
        median=written(median, places),
    )


def _dots(values: Floats, y: float, ticks: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Stack dots that would touch, closer where a stack would leave its row."""
    places = [_x(value, ticks) for value in sorted(values.tolist())]
    level, levels = 0, []
    start = -math.inf
    for place in places:
        level = level + 1 if place - start < 2.0 * DOT else 0
        start = start if level else place
        levels.append(level)
    step = min(2.0 * DOT, (ROW - 16.0) / max(*levels, 1))
    return tuple(
        (x, round(y - DOT - 1.0 - step * n, 1)) for x, n in zip(places, levels, strict=True)
    )


def _bars(
    values: Floats, y: float, ticks: Sequence[float]
) -> tuple[tuple[float, float, float, float], ...]:
    counts, edges = np.histogram(values, bins=5 * (len(ticks) - 1), range=(ticks[0], ticks[-1]))
    heights = counts / counts.max() * (ROW - 14.0)
    return tuple(
        (
            _x(left, ticks),
            round(y - height, 1),
            round(_x(right, ticks) - _x(left, ticks) - 0.5, 1),
            round(height, 1),
        )
        for left, right, height in zip(edges[:-1], edges[1:], heights.tolist(), strict=True)
        if height
    )
