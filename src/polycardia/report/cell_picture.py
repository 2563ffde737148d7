"""Action potentials and restitution of single cells, drawn side by side."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from polycardia.errors import BadStudy
from polycardia.io.atomic import whole_file
from polycardia.ionic.pacing import ActionPotential
from polycardia.ionic.restitution import Restitution

FORMATS = ("svg", "png")
INK, SOFT, GRID = "#1c1f26", "#5b6270", "#eceef1"  # of the report's page
COLOURS = ("#7d2a9e", "#e0594b", "#2a7f8e", "#1c1f26")
WIDTH, HEIGHT = 4.2, 3.4  # of one plot [inch]
DOTS_PER_INCH = 160

logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it tells of the fonts it looks for


@dataclass(frozen=True)
class CellCurves:
    """What is drawn of one cell.

    Attributes:
        name: in the legend.
        beats: the beats that differ, one after the other.
        restitution: None where there is no curve.
        cycle_length: [ms].
    """

    name: str
    beats: Sequence[ActionPotential]
    restitution: Restitution | None
    cycle_length: float


def picture_format(path: Path) -> str:
    """Return the format that a file's name asks for.

    Raises:
        BadStudy: it is none of `FORMATS`.
    """
    found = path.suffix.lower().removeprefix(".")
    if found not in FORMATS:
        raise BadStudy(f"{path}: found the ending {path.suffix!r}, expected .svg or .png")
    return found


def draw_cells(cells: Sequence[CellCurves], path: Path) -> None:
    """Draw cells into one picture.

    Args:
        cells: at least one.
        path: ends in one of `FORMATS`; written whole or not at all.

    Raises:
        BadStudy: the ending is another, or nothing can be written there.
    """
    written_as = picture_format(path)
    with_curves = any(cell.restitution for cell in cells)
    figure = Figure(figsize=(WIDTH * (2 if with_curves else 1), HEIGHT), layout="constrained")
    plots = figure.subplots(1, 2 if with_curves else 1, squeeze=False)[0]
    _draw_potentials(plots[0], cells)
    if with_curves:
        _draw_curves(plots[1], cells)
    # The same cells make the same bytes: no date, and no random names inside.
    with whole_file(path) as part, matplotlib.rc_context({"svg.hashsalt": "polycardia"}):
        metadata = {"Date": None} if written_as == "svg" else {"Software": None}
        figure.savefig(part, format=written_as, dpi=DOTS_PER_INCH, metadata=metadata)


def _draw_potentials(plot: Axes, cells: Sequence[CellCurves]) -> None:
    for cell, colour in zip(cells, _colours(len(cells)), strict=True):
        for number, beat in enumerate(cell.beats):
            plot.plot(
                beat.times,
                beat.voltages,
                color=colour,
                linewidth=1.4,
                linestyle="--" if number else "-",
                label=f"{cell.name}, every second beat" if number else cell.name,
            )
    plot.set_xlabel("time from the stimulus [ms]")
    plot.set_ylabel("voltage [mV]")
    lengths = sorted({cell.cycle_length for cell in cells})
    _finish(plot, f"Action potential, cycle {' and '.join(f'{each:g}' for each in lengths)} ms")
    plot.set_xlim(-0.02 * lengths[-1], lengths[-1])


def _draw_curves(plot: Axes, cells: Sequence[CellCurves]) -> None:
    for cell, colour in zip(cells, _colours(len(cells)), strict=True):
        if cell.restitution:
            plot.plot(
                cell.restitution.intervals,
                cell.restitution.durations,
                color=colour,
                linewidth=1.4,
                marker="o",
                markersize=3.5,
                label=cell.name,
            )
    plot.set_xlabel("diastolic interval [ms]")
    plot.set_ylabel("APD90 [ms]")
    _finish(plot, "Restitution")
    plot.set_xlim(left=0.0)


def _colours(count: int) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(count)]


def _finish(plot: Axes, title: str) -> None:
    plot.set_title(title, loc="left", color=INK, fontsize=10, fontweight="bold")
    plot.grid(color=GRID)
    plot.set_axisbelow(True)
    plot.tick_params(colors=SOFT, labelsize=8, length=0)
    for label in (plot.xaxis.label, plot.yaxis.label):
        label.set(color=SOFT, fontsize=8.5)
    for side in ("top", "right", "left"):
        plot.spines[side].set_visible(False)
    plot.spines["bottom"].set_color("#c3c8d1")
    plot.legend(frameon=False, fontsize=8.5, labelcolor=INK)
