"""One cell, paced: the state that tissue starts from, and the action potential itself."""

import math
from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import Floats, Kernel


@dataclass(frozen=True)
class Carrier:
    """The concentration whose ions carry a stimulus: `polycardia.ionic.carrier` finds it.

    Attributes:
        name: of the state, ``component.variable``.
        row: of the state among the kernel's.
        gain: how far the concentration moves with the voltage that the stimulus adds [mM/mV].
    """

    name: str
    row: int
    gain: float


@dataclass(frozen=True)
class Stimulus:
    """A rectangular pulse at the start of every beat.

    The default is that of ten Tusscher & Panfilov (Am J Physiol Heart Circ Physiol 291:H1088,
    2006), 52 pA/pF for 1 ms.

    Attributes:
        amplitude: [mV/ms = A/F], positive depolarises.
        duration: [ms].
        carrier: None where the charge comes without ions.
    """

    amplitude: float = 52.0
    duration: float = 1.0
    carrier: Carrier | None = None

    def push(self, kernel: Kernel, voltage: Floats, states: Floats, dt: float) -> None:
        """Advance cells by one step of ``dt`` [ms] under this stimulus, in place."""
        kernel.advance(voltage, states, dt)
        voltage += self.amplitude * dt
        if self.carrier:
            states[self.carrier.row] += self.carrier.gain * self.amplitude * dt


STANDARD_STIMULUS = Stimulus()


@dataclass(frozen=True)
class ActionPotential:
    """The voltage of one beat.

    Attributes:
        times: ``(n,)`` from the start of the stimulus [ms].
        voltages: ``(n,)`` [mV]; the first is the resting voltage.
    """

    times: Floats
    voltages: Floats

    @property
    def peak(self) -> float:
        """Highest voltage [mV]."""
        return float(self.voltages.max())

    @property
    def steepest(self) -> float:
        """Highest rate of the voltage between two samples, the stimulus included [mV/ms]."""
        return float(self._rates().max())

    def apd(self, fraction: float = 0.9) -> float:
        """Return the time from the steepest upstroke to ``fraction`` of repolarisation [ms].

        Repolarised is the lowest voltage of the trace: a premature beat does not start from
        rest.  NaN where the voltage does not come back that far.
        """
        lowest = float(self.voltages.min())
        level = self.peak - fraction * (self.peak - lowest)
        upstroke = int(np.argmax(self._rates()))
        top = int(np.argmax(self.voltages))
        below = np.flatnonzero(self.voltages[top:] < level)
        if below.size == 0:
            return math.nan
        after = top + int(below[0])
        v0, v1 = self.voltages[after - 1 : after + 1]
        t0, t1 = self.times[after - 1 : after + 1]
        crossing = t0 + (t1 - t0) * (level - v0) / (v1 - v0)
        return float(crossing - 0.5 * (self.times[upstroke] + self.times[upstroke + 1]))

    def _rates(self) -> Floats:
        return np.asarray(np.diff(self.voltages) / np.diff(self.times))


def paced_state(
    kernel: Kernel,
    *,
    cycle_length: float,
    beats: int,
    dt: float = 0.02,
    stimulus: Stimulus = STANDARD_STIMULUS,
) -> tuple[float, Floats]:
    """Return voltage [mV] and states ``(n_states,)`` at the end of the last diastole.

    However many beats, it need not be where the cell settles: `limit_cycle.settle` looks for that.
    Where no ions carry the stimulus, ten Tusscher-Panfilov's cells never settle; they lose
    potassium, 0.3 mM over 20 beats of 1000 ms, 7 mM (1.3 mV of rest) over 1000.

    Args:
        kernel: without node parameters.
        cycle_length: [ms], a multiple of ``dt``.
        beats: 0 gives the values of the model's text.
        dt: [ms].
        stimulus: of every beat; its duration is a multiple of ``dt``.

    Raises:
        BadStudy: a duration is not a multiple of ``dt``, or the cell's voltage is lost.
    """
    cycle, pulse = steps(cycle_length, dt), steps(stimulus.duration, dt)
    if pulse > cycle:
        raise BadStudy(f"stimulus of {stimulus.duration} ms in a cycle of {cycle_length} ms")
    voltage, states = kernel.resting(1)
    for beat in range(beats):
        for _ in range(pulse):
            stimulus.push(kernel, voltage, states, dt)
        kernel.advance(voltage, states, dt, cycle - pulse)
        require_finite(kernel, voltage, states, beat + 1, dt)
    return float(voltage[0]), states[:, 0].copy()


def require_finite(kernel: Kernel, voltage: Floats, states: Floats, beat: int, dt: float) -> None:
    """Raise `BadStudy` where a cell is lost after its ``beat``-th beat."""
    if not (np.isfinite(voltage).all() and np.isfinite(states).all()):
        raise BadStudy(f"cell model {kernel.name}: not finite after beat {beat} at dt {dt} ms")


def action_potential(
    kernel: Kernel,
    voltage: float,
    states: Floats,
    *,
    duration: float,
    dt: float = 0.02,
    sampling: float = 0.1,
    stimulus: Stimulus = STANDARD_STIMULUS,
) -> ActionPotential:
    """Stimulate a cell once and return its voltage.

    Args:
        kernel: without node parameters.
        voltage: at the start [mV].
        states: ``(n_states,)`` at the start; not changed.
        duration: of the trace [ms], a multiple of ``sampling``.
        dt: [ms].
        sampling: [ms], a multiple of ``dt``.
        stimulus: its duration is a multiple of ``sampling``.

    Raises:
        BadStudy: a duration is not such a multiple.
    """
    samples, pulse = steps(duration, sampling), steps(stimulus.duration, sampling)
    between = steps(sampling, dt)
    v, y = np.array([voltage]), np.array(states)[:, None].copy()
    trace = np.empty(samples + 1)
    trace[0] = voltage
    for sample in range(samples):
        if sample < pulse:
            for _ in range(between):
                stimulus.push(kernel, v, y, dt)
        else:
            kernel.advance(v, y, dt, between)
        trace[sample + 1] = v[0]
    return ActionPotential(sampling * np.arange(samples + 1), trace)


def steps(duration: float, step: float) -> int:
    """Return how many steps a duration is [ms]; `BadStudy` where it is not a whole number."""
    count = round(duration / step)
    if not math.isclose(count * step, duration, rel_tol=1e-9, abs_tol=1e-12):
        raise BadStudy(f"{duration} ms is not a whole number of steps of {step} ms")
    return count
