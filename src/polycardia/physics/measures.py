"""Durations read off a 12-lead ECG.

QRS complex: the spatial velocity is the length of the vector of the time derivatives of the eight
independent leads (I, II, V1 to V6).  The complex is the stretch around its greatest value where it
stays above `QRS_VELOCITY` of that, gaps up to `LONGEST_GAP` included.  While a stimulus lifts its
nodes all at once the leads may change faster than ever after: that is no greatest value.

T end: the tangent to the falling T wave where it is steepest meets the baseline (E. Lepeschkin,
B. Surawicz, Circulation 6 (1952) 378), here on the root mean square of the eight leads, whose
baseline is the first sample, before anything has activated.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats

INDEPENDENT = (0, 1, 6, 7, 8, 9, 10, 11)  # I, II, V1 to V6: the others are their differences

QRS_VELOCITY = 0.05  # of the greatest
LONGEST_GAP = 10.0  # [ms]
SMALLEST_DEFLECTION = 1e-3  # [mV]; what is smaller is no ECG
ST_SEGMENT = 60.0  # after the QRS complex, where no T wave is looked for [ms]
SMALLEST_T_WAVE = 0.01  # of the QRS complex, root mean square
FALLEN = 0.5  # of its height that a T wave must come down within the record


Spans = Iterable[tuple[float, float]]


class Measure(NamedTuple):
    """A duration [ms], or NaN and why there is none."""

    value: float
    missing: str = ""


def qrs_duration(leads: Floats, sampling_interval: float, stimulated: Spans = ()) -> Measure:
    """Duration of the QRS complex.

    Args:
        leads: ``(12, n)`` [mV] in the standard order, the first sample at rest.
        sampling_interval: [ms].
        stimulated: from when until when stimuli act, since the first sample [ms].
    """
    bounds = _qrs(leads, sampling_interval, stimulated)
    if isinstance(bounds, str):
        return Measure(np.nan, bounds)
    return Measure(bounds[1] - bounds[0])


def qt_interval(leads: Floats, sampling_interval: float, stimulated: Spans = ()) -> Measure:
    """From the onset of the QRS complex to the end of the T wave.

    Args:
        leads: ``(12, n)`` [mV] in the standard order, the first sample at rest.
        sampling_interval: [ms].
        stimulated: from when until when stimuli act, since the first sample [ms].
    """
    bounds = _qrs(leads, sampling_interval, stimulated)
    if isinstance(bounds, str):
        return Measure(np.nan, bounds)
    end = _t_end(_magnitude(leads), sampling_interval, bounds[1])
    if isinstance(end, str):
        return Measure(np.nan, end)
    return Measure(end - bounds[0])


def _magnitude(leads: Floats) -> Floats:
    """Root mean square of the independent leads' distance from the first sample, ``(n,)`` [mV]."""
    deflection = leads[INDEPENDENT, :] - leads[INDEPENDENT, :1]
    magnitude: Floats = np.sqrt(np.mean(deflection**2, axis=0))
    return magnitude


def _qrs(leads: Floats, dt: float, stimulated: Spans) -> tuple[float, float] | str:
    """Onset and end of the QRS complex [ms], or why there is none."""
    if leads.shape[1] < 3 or not np.isfinite(leads).all():
        return "the ECG is not a record of finite numbers"
    if _magnitude(leads).max() < SMALLEST_DEFLECTION:
        return f"no deflection above {SMALLEST_DEFLECTION} mV"
    velocity = np.linalg.norm(np.gradient(leads[INDEPENDENT, :], dt, axis=1), axis=0)
    spread = np.where(_touched(stimulated, velocity.size, dt), 0.0, velocity)
    threshold = QRS_VELOCITY * spread.max()
    fast = np.flatnonzero(velocity > threshold)
    breaks = np.flatnonzero(np.diff(fast) * dt > LONGEST_GAP)
    firsts, lasts = fast[np.r_[0, breaks + 1]], fast[np.r_[breaks, fast.size - 1]]
    stretch = np.searchsorted(firsts, np.argmax(spread), side="right") - 1
    first, last = int(firsts[stretch]), int(lasts[stretch])
    if last == velocity.size - 1:
        return "the record ends within the QRS complex"
    onset = first - _beyond(velocity[first], velocity[first - 1], threshold) if first else 0.0
    return onset * dt, (last + _beyond(velocity[last], velocity[last + 1], threshold)) * dt


def _touched(stimulated: Spans, n: int, dt: float) -> NDArray[np.bool_]:
    """Return ``(n,)`` whether a sample's central difference has a stimulus in it."""
    time = dt * np.arange(n)
    touched = np.zeros(n, bool)
    for begin, end in stimulated:
        touched |= (time > begin - 1.5 * dt) & (time < end + 1.5 * dt)
    return touched


def _beyond(above: float, below: float, threshold: float) -> float:
    """Share of the sample after one above the threshold at which a line crosses it."""
    return (above - threshold) / (above - below)


def _t_end(magnitude: Floats, dt: float, qrs_end: float) -> float | str:
    """End of the T wave [ms], or why there is none."""
    start = int(np.ceil((qrs_end + ST_SEGMENT) / dt))
    if start >= magnitude.size - 1:
        return "the record ends before the T wave"
    before, middle, after = magnitude[start - 1 : -2], magnitude[start:-1], magnitude[start + 1 :]
    peaks = start + np.flatnonzero((middle >= before) & (middle > after))
    high = peaks[magnitude[peaks] > SMALLEST_T_WAVE * magnitude[:start].max()]
    if high.size == 0:
        return f"no T wave above {SMALLEST_T_WAVE:.0%} of the QRS complex"
    peak = int(high[np.argmax(magnitude[high])])
    falling = magnitude[peak:]
    if falling.min() > (1.0 - FALLEN) * magnitude[peak]:
        return "the record ends before the T wave has come down"
    slope = np.gradient(falling, dt)
    steepest = int(np.argmin(slope))
    return float((peak + steepest) * dt - falling[steepest] / slope[steepest])
