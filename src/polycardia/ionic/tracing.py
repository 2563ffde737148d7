"""The voltage of stimulated cells over time, sampled finely where it is steep."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import Floats, Kernel
from polycardia.ionic.pacing import STANDARD_STIMULUS, Stimulus, steps


@dataclass(frozen=True)
class Sampling:
    """Distances of samples; a sample costs about as much as 50 steps of a cell.

    Attributes:
        fine: while the upstroke is expected [ms].
        coarse: afterwards [ms].
        upstroke: how long it is expected after the stimulus [ms].
    """

    fine: float = 0.1
    coarse: float = 0.5
    upstroke: float = 20.0


@dataclass(frozen=True)
class Traces:
    """The voltage of several cells.

    Attributes:
        times: ``(m,)`` from the start of the stimulus, growing by uneven steps [ms].
        voltages: ``(m, n)`` [mV]; the first row is before the stimulus.
        magnitudes: ``(1 + n_states, n)``, largest of voltage and states among the samples.
    """

    times: Floats
    voltages: Floats
    magnitudes: Floats


def trace(
    kernel: Kernel,
    voltage: Floats,
    states: Floats,
    *,
    duration: float,
    dt: float,
    sampling: Sampling,
    stimulus: Stimulus = STANDARD_STIMULUS,
) -> Traces:
    """Stimulate all cells at once and advance them in place.

    Args:
        kernel: without node parameters.
        voltage: ``(n,)`` [mV].
        states: ``(n_states, n)``.
        duration: [ms], a multiple of ``dt``; the stimulus must end before it.
        dt: [ms].
        sampling: rounded to whole steps.
        stimulus: its duration is a multiple of ``dt``.

    Raises:
        BadStudy: a duration is not a multiple of ``dt``.
    """
    pulse, total = steps(stimulus.duration, dt), steps(duration, dt)
    if pulse > total:
        raise BadStudy(f"stimulus of {stimulus.duration} ms in a cycle of {duration} ms")
    counts = [0, *_intervals(pulse, total, dt, sampling)]
    voltages = np.empty((len(counts), voltage.size))
    voltages[0] = voltage
    magnitudes = np.abs(np.vstack([voltage, states]))
    taken = 0
    for sample, steps_to_it in enumerate(counts[1:], 1):
        if taken < pulse:
            for _ in range(steps_to_it):
                stimulus.push(kernel, voltage, states, dt)
        else:
            kernel.advance(voltage, states, dt, steps_to_it)
        taken += steps_to_it
        voltages[sample] = voltage
        np.maximum(magnitudes[0], np.abs(voltage), out=magnitudes[0])
        np.maximum(magnitudes[1:], np.abs(states), out=magnitudes[1:])
    return Traces(dt * np.cumsum(counts), voltages, magnitudes)


def _intervals(pulse: int, total: int, dt: float, sampling: Sampling) -> Iterator[int]:
    """Yield the steps from sample to sample: no sample's interval reaches over the pulse's end."""
    fine, coarse = (max(1, round(each / dt)) for each in (sampling.fine, sampling.coarse))
    upstroke = min(pulse + round(sampling.upstroke / dt), total)
    for first, last, step in ((0, pulse, fine), (pulse, upstroke, fine), (upstroke, total, coarse)):
        whole, rest = divmod(last - first, step)
        yield from [step] * whole
        if rest:
            yield rest
