"""Millimetre paper: where every trace, label and pulse of a 12-lead ECG lies.

Three rows and four columns as on a clinical printout, at 25 mm/s and 10 mm/mV.  A simulation is one
beat, so a column is as wide as that beat and not 2.5 s: nothing is repeated to fill it, and
there is no rhythm strip, which would be the same beat again.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.leads import LEADS
from polycardia.physics.mesh import Floats

LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
MM_PER_MS = 0.025
MM_PER_MV = 10.0
UNITS_PER_MM = 100  # traces are written in whole hundredths of a millimetre
TOLERANCE = 0.03  # of a simplified trace [mm], an eighth of the line's width
SQUARE = 5.0  # large square of the paper [mm]
LABEL_ROOM = 4.5  # above the highest trace of a row [mm]
TRACE_ROOM = 1.0  # below the lowest [mm]
PULSE = (1.5, 2.5, 7.5, 8.5)  # corners of the calibration pulse: 5 mm are 200 ms
FIRST_COLUMN = 2.0 * SQUARE
COLUMN_GAP = 2.0  # at least, behind a beat [mm]
REACH = 35.0  # a trace further than this from its baseline is cut off [mm]; three rows fit on A4


@dataclass(frozen=True)
class Trace:
    """One lead.

    Attributes:
        name: of the lead.
        x: of the first sample [mm].
        baseline: of 0 mV, downwards from the top [mm].
        label_y: baseline of the name's text [mm].
        path: SVG path in hundredths of a millimetre from (x, baseline).
    """

    name: str
    x: float
    baseline: float
    label_y: float
    path: str


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper with 12 leads.

    Attributes:
        width: [mm].
        height: [mm].
        traces: all leads that can be drawn.
        pulses: SVG path of each row's calibration pulse [mm].
        duration: of the beat [ms].
        warnings: what the drawing does not show as it is.
    """

    width: float
    height: float
    traces: tuple[Trace, ...]
    pulses: tuple[str, ...]
    duration: float
    warnings: tuple[str, ...]


def lay_out(leads: NDArray[np.float32], sampling_interval: float) -> Sheet:
    """Place one beat of 12 leads.

    A row is as high as its traces need, in large squares, so that traces of different rows
    cannot meet.

    Args:
        leads: ``(12, n)`` [mV] in the order of `physics.leads.LEADS`.
        sampling_interval: [ms].
    """
    heights = MM_PER_MV * np.asarray(leads, dtype=np.float64)
    finite = np.isfinite(heights).all(axis=1)
    cut = finite & (np.abs(heights).max(axis=1, initial=0.0) > REACH)
    heights = np.clip(np.where(finite[:, None], heights, 0.0), -REACH, REACH)
    duration = (heights.shape[1] - 1) * sampling_interval
    column = _squares(duration * MM_PER_MS + COLUMN_GAP)
    times = np.arange(heights.shape[1]) * sampling_interval * MM_PER_MS
    traces, pulses, top = [], [], 0.0
    for names in LAYOUT:
        rows = [LEADS.index(name) for name in names]
        above = _squares(max(heights[rows].max(), MM_PER_MV) + LABEL_ROOM)
        below = _squares(TRACE_ROOM - min(heights[rows].min(), 0.0))
        baseline = top + above
        traces += [
            Trace(
                name, FIRST_COLUMN + place * column, baseline, top + 3.6, _path(times, heights[row])
            )
            for place, (name, row) in enumerate(zip(names, rows, strict=True))
            if finite[row]
        ]
        pulses.append(_pulse(baseline))
        top = baseline + below
    return Sheet(
        width=FIRST_COLUMN + len(LAYOUT[0]) * column,
        height=top + SQUARE,
        traces=tuple(traces),
        pulses=tuple(pulses),
        duration=duration,
        warnings=tuple(_warnings(cut, ~finite)),
    )


def _warnings(cut: NDArray[np.bool_], broken: NDArray[np.bool_]) -> list[str]:
    def named(which: NDArray[np.bool_]) -> str:
        return ", ".join(name for name, is_one in zip(LEADS, which, strict=True) if is_one)

    found = []
    if cut.any():
        found.append(f"Cut off at {REACH / MM_PER_MV:g} mV from the baseline: {named(cut)}.")
    if broken.any():
        found.append(f"Not drawn, with values that are not finite: {named(broken)}.")
    return found


def _squares(length: float) -> float:
    """Round up to whole large squares [mm]."""
    return SQUARE * math.ceil(length / SQUARE - 1e-9)


def _pulse(baseline: float) -> str:
    start, up, down, end = PULSE
    return f"M{start:g} {baseline:g}H{up:g}v{-MM_PER_MV:g}H{down:g}v{MM_PER_MV:g}H{end:g}"


def _path(times: Floats, heights: Floats) -> str:
    """Return an SVG path with the first point absolute and the others relative."""
    points = np.stack([times, -heights], axis=1)
    kept = np.rint(points[simplified(points, TOLERANCE)] * UNITS_PER_MM).astype(int)
    x, y = kept[0].tolist()
    steps = " ".join(f"{dx} {dy}" for dx, dy in np.diff(kept, axis=0).tolist())
    return f"M{x} {y}l{steps.replace(' -', '-')}"  # a minus sign separates as a space does


def simplified(points: Floats, tolerance: float) -> NDArray[np.intp]:
    """Numbers of the points that a polyline needs so that none of the others is further off.

    Douglas and Peucker, Cartographica 10 (1973) 112, with distances taken vertically, as the
    abscissa of a trace always grows.

    Args:
        points: ``(n, 2)`` [mm].
        tolerance: [mm].
    """
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        (start, low), (end, high) = points[first], points[last]
        x, y = points[first : last + 1].T
        off = np.abs(y - low - (high - low) / (end - start) * (x - start))
        furthest = first + int(off.argmax())
        if off[furthest - first] > tolerance:
            keep[furthest] = True
            spans += [(first, furthest), (furthest, last)]
    return np.flatnonzero(keep)
