"""How long an action potential lasts that follows another closely.

All action potentials of a curve are cut at one level, that of 90 % repolarisation of the first:
a premature one does not start from rest and would have a level of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import Floats, Kernel
from polycardia.ionic.limit_cycle import settle
from polycardia.ionic.pacing import STANDARD_STIMULUS, Stimulus, steps
from polycardia.ionic.tracing import Sampling, Traces, trace

INTERVALS = (
    *(10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 125.0, 150.0, 200.0, 250.0),
    *(300.0, 400.0, 500.0, 700.0, 1000.0),
)
"""Diastolic intervals of S1-S2 protocols [ms]."""

CYCLE_LENGTHS = (1000.0, 800.0, 600.0, 500.0, 450.0, 400.0, 360.0, 330.0, 300.0, 280.0, 260.0)
"""Of dynamic protocols [ms]."""

REPOLARISED = 0.1
"""Share of the amplitude that is left at the level where action potentials are cut."""

CAPTURED = 0.6
"""Share of S1's amplitude above which a stimulus has started an action potential; the standard
stimulus alone lifts a cell by half of it."""

SAMPLING = Sampling(fine=0.05, coarse=0.2)
LONGEST_REPOLARISATION = 2.0  # of an action potential after S2, in those of S1


@dataclass(frozen=True)
class Restitution:
    """Points of a curve, by growing diastolic interval.

    Attributes:
        intervals: ``(n,)`` from the previous action potential's end to the stimulus [ms].
        durations: ``(n,)`` of the action potential that follows [ms], NaN where none does.
        cycle_lengths: ``(n,)`` at which a dynamic point was taken, two where it alternates; S1's
            everywhere in an S1-S2 curve [ms].
    """

    intervals: Floats
    durations: Floats
    cycle_lengths: Floats

    def steepest(self) -> float:
        """Return the largest slope between neighbouring points; NaN for fewer than two.

        Above one, a small disturbance grows from beat to beat (Nolasco and Dahl, J Appl Physiol
        25 (1968) 191) in a cell that remembers nothing else.
        """
        there = np.isfinite(self.durations)
        intervals, durations = self.intervals[there], self.durations[there]
        apart = np.diff(intervals) > 0.0
        slopes = np.diff(durations)[apart] / np.diff(intervals)[apart]
        return float(slopes.max()) if slopes.size else math.nan


def s1_s2(
    kernel: Kernel,
    voltage: float,
    states: Floats,
    *,
    cycle_length: float,
    intervals: Sequence[float] = INTERVALS,
    dt: float = 0.01,
    stimulus: Stimulus = STANDARD_STIMULUS,
) -> Restitution:
    """Let one more beat follow a limit cycle's, once for every interval.

    All second beats are cells of one kernel call, and all come from the same first one.

    Args:
        kernel: without node parameters.
        voltage: where the limit cycle's beats start [mV].
        states: ``(n_states,)``, there; not changed.
        cycle_length: of the limit cycle [ms]; only written into the curve.
        intervals: diastolic intervals [ms], rounded to steps.
        dt: [ms].
        stimulus: S1 and S2.

    Raises:
        BadStudy: S1 starts no action potential that ends, or an interval is not above zero.
    """
    if not intervals or not all(0.0 < each < math.inf for each in intervals):
        raise BadStudy("S1-S2: expected diastolic intervals above 0 ms")
    v, y = np.array([voltage]), np.array(states)[:, None].copy()
    duration = steps(cycle_length, dt) * dt
    first = trace(
        kernel, v.copy(), y.copy(), duration=duration, dt=dt, sampling=SAMPLING, stimulus=stimulus
    )
    level, capture = _levels(kernel, first)
    end = _fall(first.times, first.voltages[:, 0], level)
    waits = [round((end + each) / dt) for each in sorted(intervals)]
    starts_v, starts_y = _snapshots(kernel, v, y, waits, dt, stimulus)
    window = steps(round(LONGEST_REPOLARISATION * end / dt) * dt + stimulus.duration, dt) * dt
    second = trace(
        kernel, starts_v, starts_y, duration=window, dt=dt, sampling=SAMPLING, stimulus=stimulus
    )
    durations = [_duration(second, cell, level, capture) for cell in range(len(waits))]
    return Restitution(
        np.array(waits) * dt - end, np.array(durations), np.full(len(waits), cycle_length)
    )


def dynamic(
    kernel: Kernel,
    *,
    cycle_lengths: Sequence[float] = CYCLE_LENGTHS,
    tolerance: float,
    most_beats: int,
    dt: float = 0.01,
    stimulus: Stimulus = STANDARD_STIMULUS,
) -> Restitution:
    """Pace to a limit cycle at one cycle length after the other, longest first.

    Each starts from the one before.  Where beats alternate there are two points; it ends where
    beats repeat themselves neither every time nor every second time, or one of two fails.

    Args:
        kernel: without node parameters.
        cycle_lengths: [ms].
        tolerance: as for `limit_cycle.settle`.
        most_beats: at each cycle length.
        dt: [ms].
        stimulus: of every beat.

    Raises:
        BadStudy: the first stimulus starts no action potential that ends.
    """
    points: list[tuple[float, float, float]] = []
    start = None
    levels = None
    for cycle_length in sorted(cycle_lengths, reverse=True):
        settled = settle(
            kernel, cycle_length=cycle_length, tolerance=tolerance, most_beats=most_beats,
            fewest_beats=0, dt=dt, stimulus=stimulus, start=start,
        )  # fmt: skip
        if settled.outcome == "unsettled":
            break
        start = settled.voltage, settled.states
        v, y = np.array([settled.voltage]), settled.states[:, None].copy()
        beats = [
            trace(kernel, v, y, duration=cycle_length, dt=dt, sampling=SAMPLING, stimulus=stimulus)
            for _ in range(3 if settled.outcome == "alternans" else 2)
        ]
        levels = levels or _levels(kernel, beats[0])
        ends = [_fall(each.times, each.voltages[:, 0], levels[0]) for each in beats]
        lasts = [_duration(each, 0, *levels) for each in beats]
        if not np.isfinite(lasts).all():
            break
        points += [
            (cycle_length - ends[k], lasts[k + 1], cycle_length) for k in range(len(beats) - 1)
        ]
    table = np.array(sorted(points)).reshape(-1, 3)
    return Restitution(table[:, 0], table[:, 1], table[:, 2])


def _levels(kernel: Kernel, first: Traces) -> tuple[float, float]:
    """Return the voltages where action potentials are cut and above which there is one [mV]."""
    voltages = first.voltages[:, 0]
    rest, peak = float(voltages[0]), float(voltages.max())
    level = rest + REPOLARISED * (peak - rest)
    if math.isnan(_fall(first.times, voltages, level)):
        raise BadStudy(
            f"cell model {kernel.name}: the action potential does not end within "
            f"{first.times[-1]:g} ms"
        )
    return level, rest + CAPTURED * (peak - rest)


def _snapshots(
    kernel: Kernel, voltage: Floats, states: Floats, waits: list[int], dt: float, stimulus: Stimulus
) -> tuple[Floats, Floats]:
    """Return voltage ``(n,)`` and states ``(n_states, n)`` so many steps after a stimulus."""
    pulse = steps(stimulus.duration, dt)
    for _ in range(pulse):
        stimulus.push(kernel, voltage, states, dt)
    voltages, columns, taken = [], [], pulse
    for wait in waits:
        kernel.advance(voltage, states, dt, wait - taken)
        taken = wait
        voltages.append(voltage[0])
        columns.append(states[:, 0].copy())
    return np.array(voltages), np.ascontiguousarray(np.stack(columns, axis=1))


def _duration(traces: Traces, cell: int, level: float, capture: float) -> float:
    """Return the time from the steepest upstroke to the level [ms]; NaN without capture."""
    voltages = traces.voltages[:, cell]
    if voltages.max() < capture:
        return math.nan
    steepest = int(np.argmax(np.diff(voltages) / np.diff(traces.times)))
    upstroke = 0.5 * (traces.times[steepest] + traces.times[steepest + 1])
    return float(_fall(traces.times, voltages, level) - upstroke)


def _fall(times: Floats, voltages: Floats, level: float) -> float:
    """Return when the voltage falls below a level after its peak [ms]; NaN if it does not."""
    top = int(np.argmax(voltages))
    below = np.flatnonzero(voltages[top:] < level)
    if below.size == 0:
        return math.nan
    after = top + int(below[0])
    if after == top:
        return math.nan
    v0, v1 = voltages[after - 1 : after + 1]
    t0, t1 = times[after - 1 : after + 1]
    return float(t0 + (t1 - t0) * (level - v0) / (v1 - v0))
