"""Pacing a cell until a beat changes nothing any more.

The state at the end of diastole is compared beat by beat.  Concentrations settle over hundreds of
beats, everything else within tens, so the slow remainder is leapt over now and then: projective
integration (Gear and Kevrekidis, SIAM J Sci Comput 24 (2003) 1091, doi 10.1137/S1064827501388157)
with the beat as its step.  What a leap leaves is paced away, and the last beats are always real.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polycardia.errors import BadStudy
from polycardia.ionic.kernel import Floats, Kernel
from polycardia.ionic.pacing import STANDARD_STIMULUS, ActionPotential, Stimulus, require_finite
from polycardia.ionic.tracing import Sampling, trace

Outcome = Literal["limit_cycle", "alternans", "unsettled", "as_asked"]

CALM_BEATS = 3
"""Beats in a row that must change nothing: one alone may be where a change turns its sign."""

WINDOW = 10
"""Beats whose average is compared with that of as many before, where single beats jitter."""

JITTER = 5e-4
"""Largest relative spread of a state that is taken for the time step's and not the cell's: where
an equation has a switch, the switch turns at a whole step.  Mitchell-Schaeffer's gate spreads by
1e-4 at cycles of 300 ms and dt 0.01 ms."""

JITTER_STEPS = 10
"""The same of the APD, in steps."""

BEATS_BETWEEN_LEAPS = 12
"""What a leap stirs up in the fast states is gone after these."""

LONGEST_LEAP = 100.0  # [beats]
SHORTEST_LEAP = 5.0  # [beats], less is not worth the stir
SLOWEST = 1000.0  # [beats], time constant beyond which a change is drift and nothing to leap over
LARGEST_SHARE = 0.2  # of its own value, by which a leap may move a state
STRAIGHTNESS = 0.8  # cosine between changes; in a bent course there is no one time constant

SAMPLING = Sampling(fine=0.1, coarse=0.5)
VOLTAGE = "voltage"


@dataclass(frozen=True)
class Settled:
    """Where pacing ended.

    Attributes:
        outcome: ``alternans`` repeats every second beat and not every beat; ``as_asked`` is of a
            fixed number of beats, which nobody compared.
        voltage: at the end of a diastole [mV].
        states: ``(n_states,)``.
        beats: paced, without those that were leapt over.
        apd: at 90 % of the last beat [ms], NaN where it has none; under alternans of the beat
            that follows the state, the longer one, and of the one after it.
        changes: relative change of each state over the last beat (of alternans: over the last
            two) in `VOLTAGE` and the kernel's names: see `settle`.
        drifts: the same in the states' own units a beat.
    """

    outcome: Outcome
    voltage: float
    states: Floats
    beats: int
    apd: tuple[float, ...]
    changes: Mapping[str, float]
    drifts: Mapping[str, float]


def settle(
    kernel: Kernel,
    *,
    cycle_length: float,
    tolerance: float = 1e-4,
    fewest_beats: int = 20,
    most_beats: int = 1000,
    dt: float = 0.01,
    stimulus: Stimulus = STANDARD_STIMULUS,
    start: tuple[float, Floats] | None = None,
) -> Settled:
    """Pace one cell until it repeats itself.

    It does when over `CALM_BEATS` beats in a row no state at the end of diastole changes by more
    than ``tolerance`` of the largest magnitude that it has during the beat, and the APD90 by no
    more than ``tolerance`` of itself.  A gate that is shut in diastole is thus compared with how
    far it opens, and a concentration with itself.  Where beats only jitter, by no more than
    `JITTER`, averages over `WINDOW` beats are compared instead, at the same change a beat.

    Alternans is the same over two beats, where one beat differs from the next by more than that
    jitter.  Of its two states the one is returned that the longer action potential follows.

    Args:
        kernel: without node parameters.
        cycle_length: [ms], a multiple of ``dt``.
        tolerance: relative change a beat.
        fewest_beats: paced in any case.
        most_beats: after which the cell is called unsettled.
        dt: [ms].
        stimulus: of every beat; its duration is a multiple of ``dt``.
        start: voltage [mV] and states ``(n_states,)``; None takes those of the model's text.

    Raises:
        BadStudy: a duration is not a multiple of ``dt``, or the cell's voltage is lost.
    """
    if most_beats < max(fewest_beats, 2 * CALM_BEATS):
        raise BadStudy(
            f"pacing: found most_beats {most_beats}, expected at least fewest_beats "
            f"{fewest_beats}, and at least {2 * CALM_BEATS}"
        )
    course = _Course(kernel, cycle_length, dt, stimulus, start)
    calm = _Calm(course, tolerance)
    for beat in range(1, most_beats + 1):
        course.pace()
        outcome = calm.after_beat()
        if beat >= fewest_beats and outcome != "unsettled":
            if outcome == "alternans" and course.shorter_is_next():
                course.pace()
            return course.ended(outcome)
        if course.since_leap >= BEATS_BETWEEN_LEAPS and most_beats - beat >= BEATS_BETWEEN_LEAPS:
            course.leap()
    return course.ended("unsettled")


class _Calm:
    """Counts the beats in a row that changed nothing, from the one before or over two."""

    def __init__(self, course: "_Course", tolerance: float) -> None:
        self._course, self._tolerance = course, tolerance
        self._over_one = self._over_two = 0

    def after_beat(self) -> Outcome:
        """Count the last beat, once, and return what the cell has settled to by now."""
        course, tolerance = self._course, self._tolerance
        self._over_one = self._over_one + 1 if course.repeats(1, tolerance) else 0
        self._over_two = self._over_two + 1 if course.repeats(2, tolerance) else 0
        if self._over_one >= CALM_BEATS or course.only_jitters(tolerance):
            return "limit_cycle"
        # A drift is below the tolerance over two beats only after it is over one.
        if self._over_two >= 2 * CALM_BEATS and course.spread_is_the_cells(2):
            return "alternans"
        return "unsettled"


class _Course:
    """The beats of one cell, and the states between the last few of them."""

    def __init__(
        self,
        kernel: Kernel,
        cycle_length: float,
        dt: float,
        stimulus: Stimulus,
        start: tuple[float, Floats] | None,
    ) -> None:
        self._kernel, self._dt = kernel, dt
        self._cycle_length, self._stimulus = cycle_length, stimulus
        voltage, states = start or (kernel.initial_voltage, np.array(kernel.initial_states))
        self._beats = 0
        self._between = [np.array([voltage, *states])]  # since the last leap
        self._apds: list[float] = []
        self._magnitudes = np.abs(self._between[0])

    @property
    def since_leap(self) -> int:
        """Beats, no more than are remembered."""
        return len(self._between) - 1

    def pace(self) -> None:
        """Take one beat from the last state."""
        self._beats += 1
        voltage, states = self._between[-1][:1].copy(), self._between[-1][1:, None].copy()
        traced = trace(
            self._kernel, voltage, states,
            duration=self._cycle_length, dt=self._dt, sampling=SAMPLING, stimulus=self._stimulus,
        )  # fmt: skip
        require_finite(self._kernel, voltage, states, self._beats, self._dt)
        self._between.append(np.array([voltage[0], *states[:, 0]]))
        self._apds.append(ActionPotential(traced.times, traced.voltages[:, 0]).apd())
        # A state that is zero throughout has no magnitude and does not change either.
        self._magnitudes = np.maximum(traced.magnitudes[:, 0], np.finfo(float).tiny)
        del self._between[: -2 * WINDOW - 1], self._apds[: -2 * WINDOW]

    def repeats(self, beats: int, tolerance: float) -> bool:
        """Tell whether the last beat is the one some beats before."""
        if len(self._apds) <= beats or self.since_leap <= beats:
            return False
        now, then = self._apds[-1], self._apds[-1 - beats]
        # Beats that never repolarise are alike in that.
        same = abs(now - then) <= tolerance * abs(now) or (np.isnan(now) and np.isnan(then))
        return bool(same and self._changes(beats).max() <= tolerance)

    def only_jitters(self, tolerance: float) -> bool:
        """Tell whether the averages of many beats repeat themselves, and the beats nearly do."""
        if self.since_leap < 2 * WINDOW or self.spread_is_the_cells(2 * WINDOW):
            return False
        beats = np.array(self._between[-2 * WINDOW :])
        moved = np.abs(beats[WINDOW:].mean(axis=0) - beats[:WINDOW].mean(axis=0)) / WINDOW
        return bool((moved <= tolerance * self._magnitudes).all())

    def spread_is_the_cells(self, beats: int) -> bool:
        """Tell whether the last beats differ by more than the time step makes them."""
        apds = np.array(self._apds[-beats:])
        if np.isnan(apds).any():
            return not np.isnan(apds).all()
        spread = np.ptp(np.array(self._between[-beats:]), axis=0) / self._magnitudes
        return bool(spread.max() > JITTER or np.ptp(apds) > JITTER_STEPS * self._dt)

    def shorter_is_next(self) -> bool:
        """Tell whether the longer of two alternating action potentials is the last one.

        One that does not end before the next stimulus is the longer.
        """
        before, last = np.nan_to_num(self._apds[-2:], nan=self._cycle_length)
        return bool(last > before)

    def leap(self) -> None:
        """Go to where the slow remainder of the course is heading, if that is far.

        Changes are taken over two beats, so that alternans neither shows in them nor is damped.
        """
        step = self._between[-1] - self._between[-3]
        later = step / self._magnitudes
        earlier = (self._between[-3] - self._between[-5]) / self._magnitudes
        lengths = np.linalg.norm(earlier), np.linalg.norm(later)
        if not 0.0 < lengths[1] < lengths[0] or later @ earlier < STRAIGHTNESS * np.prod(lengths):
            return
        kept = float(np.sqrt(later @ earlier / (earlier @ earlier)))  # of a change, beat by beat
        left = kept / (1.0 - kept)  # [beats] at the present pace
        change = step / 2.0
        moving = np.abs(change) > 0.0
        room = LARGEST_SHARE * np.abs(self._between[-1][moving]) / np.abs(change[moving])
        length = min(left, LONGEST_LEAP, float(room.min(initial=np.inf)))
        if length >= SHORTEST_LEAP and left <= SLOWEST:
            self._between = [self._between[-1] + length * change]

    def ended(self, outcome: Outcome) -> Settled:
        """Return what came of it."""
        period = 2 if outcome == "alternans" else 1
        names = (VOLTAGE, *self._kernel.state_names)
        drift = (self._between[-1] - self._between[-1 - period]) / period
        return Settled(
            outcome=outcome,
            voltage=float(self._between[-1][0]),
            states=self._between[-1][1:].copy(),
            beats=self._beats,
            # Under alternans the beat before the last is the one that comes next.
            apd=tuple(self._apds[-period:]),
            changes=dict(zip(names, self._changes(period).tolist(), strict=True)),
            drifts=dict(zip(names, drift.tolist(), strict=True)),
        )

    def _changes(self, beats: int) -> Floats:
        """Return ``(1 + n_states,)``, the relative change since some beats ago."""
        return np.asarray(np.abs(self._between[-1] - self._between[-1 - beats]) / self._magnitudes)
