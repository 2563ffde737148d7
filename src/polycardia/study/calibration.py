"""How fast a cell model's wave is, and how a mesh's resolution changes that.

Both are measured, once for a model and a time step, on bars of disordered tetrahedra with the
cohort's own solver.  Lengths are in units of ``sqrt(D)``, D = sigma / (chi C_m): stretching all
lengths of a bar and its sqrt(D) alike changes nothing, so one table serves all conductivities.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from polycardia.config import (
    Extracellular,
    Intracellular,
    Numerics,
    Simulation,
    Stimulation,
    Tissue,
)
from polycardia.errors import BadStudy
from polycardia.physics.bar import bar
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import alone, ownership
from polycardia.solver.recorders import Recorders
from polycardia.solver.resolution import UNCHANGED, CurrentFactor
from polycardia.solver.stimulus import Stimulus

log = logging.getLogger(__name__)

AMPLITUDE = 110.0  # [mV] of an action potential, about
SHORTEST_UPSTROKE = 0.25  # [ms]
# In units of the front's width sqrt(D upstroke time), about half the part that rises.
RESOLUTIONS = (0.7, 1.5, 2.7, 4.7, 8.0, 13.0)
FINE = (0.25, 0.5)  # from these the velocity without elements is extrapolated
FINE_STEP = 0.03  # of the upstroke's time, for the same
FRONTS = 30.0  # length of a bar, at least
FINE_FRONTS = 80.0  # of fine ones: a wave takes long to become steady, and coarse bars are long
STIMULATED = 6.0  # length of the part that starts the wave
FEWEST_CELLS = 12
ACROSS = 6  # cells of a bar's section
FINE_ACROSS = 2  # of a fine bar's: its wave hardly feels the elements
MEASURED = (0.45, 0.85)  # part of a bar's length where the wave is steady
ALONG, ACROSS_FIBRES = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)  # fibres of bars with the wave along x
LEAST_ANISOTROPY = 3.0  # of the bars: elements along the fibres are hardly askew, across them are
CLOSE = 0.03  # of the velocity, where the search for a factor by itself ends
CLOSER = 0.01  # the same for all of them together
TRIES = 5
USUAL_SLOPE = 0.6  # of the logarithm of the velocity over that of the factor
SLOPES = (0.25, 2.5)  # that the search believes
STIMULUS = 60.0  # [mV/ms]
STIMULUS_DURATION = 2.0  # [ms]


@dataclass(frozen=True)
class Calibration:
    """Velocities of one cell model's plane waves, at one time step.

    Attributes:
        speed: k in ``c = k sqrt(D)``, of the equations themselves [1/sqrt(ms)].
        resolution: ``(n,)`` ascending, element length over sqrt(D) [sqrt(ms)].
        factor: ``(2, n)`` of the current near the front, with which waves through elements that
            lie along their way, and through askew ones, have the right velocity; as
            `solver.resolution.CurrentFactor` has it.
        along: ``(n,)`` numerical velocity along the fibres over the right one, at the study's
            anisotropy; by the resolution along the fibres.
        across: ``(n,)`` the same across the fibres.
    """

    speed: float
    resolution: Floats
    factor: Floats
    along: Floats
    across: Floats


def calibrate(cell: CellType, *, upstroke: float, dt: float, anisotropy: float) -> Calibration:
    """Measure the waves of a cell model.

    Args:
        cell: at rest; without node parameters.
        upstroke: steepest rise of its action potential [mV/ms].
        dt: time step of the tissue while a front moves [ms].
        anisotropy: conductivity along the fibres over that across them.

    Raises:
        BadStudy: no wave propagates at the finest resolution.
    """
    bench = _Bench(cell, max(SHORTEST_UPSTROKE, AMPLITUDE / upstroke))
    speed = bench.converged(min(dt, FINE_STEP * bench.upstroke))
    of_bars = max(anisotropy, LEAST_ANISOTROPY)
    current = _together(bench, dt, speed, of_bars, _one_by_one(bench, dt, speed, of_bars))
    if not len(current.resolution):
        raise BadStudy(
            f"no wave of the cell model propagates through elements of "
            f"{RESOLUTIONS[0]} widths of its front at a time step of {dt:g} ms"
        )
    found = []
    for resolution, *factors in zip(current.resolution, *current.factor, strict=True):
        ratio = bench.velocities(resolution, dt, (current, current), anisotropy) / speed
        log.info(
            "resolution %.2f sqrt(ms): factors %.3f and %.3f; along the fibres %+.1f %%, "
            "across %+.1f %%",
            resolution,
            *factors,
            *(100.0 * (ratio - 1.0)),
        )
        found.append(ratio)
    return Calibration(speed, current.resolution, current.factor, *np.array(found).T)


def _one_by_one(bench: "_Bench", dt: float, speed: float, anisotropy: float) -> CurrentFactor:
    """Return for each resolution the factors that suit it, alike for all elements of a bar."""
    resolutions: list[float] = []
    factors: list[Floats] = []
    for units in RESOLUTIONS:
        resolution = units * math.sqrt(bench.upstroke)
        guess = _next(resolutions, factors, resolution)

        def error(tried: Floats, resolution: float = resolution) -> Floats:
            alike = [_constant(factor) for factor in tried]
            ratio: Floats = bench.velocities(resolution, dt, alike, anisotropy) / speed
            return np.log(ratio)

        found, left = _search(error, guess, CLOSE)
        if not left < CLOSE:
            break
        resolutions.append(resolution)
        factors.append(found)
    return CurrentFactor(np.array(resolutions), np.array(factors).reshape(-1, 2).T)


def _next(resolutions: Sequence[float], factors: Sequence[Floats], resolution: float) -> Floats:
    """Return a guess of the factors for the next resolution: by a power of it."""
    if len(factors) < 2:
        return factors[-1] if factors else np.ones(2)
    step = math.log(resolution / resolutions[-1]) / math.log(resolutions[-1] / resolutions[-2])
    guess: Floats = factors[-1] * (factors[-1] / factors[-2]) ** step
    return guess


def _together(
    bench: "_Bench", dt: float, speed: float, anisotropy: float, apart: CurrentFactor
) -> CurrentFactor:
    """Return factors that suit bars whose elements have each the factor that it lies for."""

    def error(tried: Floats) -> Floats:
        table = replace(apart, factor=tried)
        found = [
            bench.velocities(resolution, dt, (table, table), anisotropy)
            for resolution in apart.resolution
        ]
        ratio: Floats = np.array(found).reshape(-1, 2).T / speed
        return np.log(ratio)

    return replace(apart, factor=_search(error, apart.factor, CLOSER)[0])


def _search(error: Callable[[Floats], Floats], start: Floats, close: float) -> tuple[Floats, float]:
    """Return the best of a few tries to make errors small, and the largest that it leaves.

    Each factor has its own error; both are logarithms to the secant of the last two tries.

    Args:
        error: of factors of any shape, of the same shape; NaN where no wave arrives.
        start: the first factors.
        close: where the search ends [1].
    """
    best, least = start, math.inf
    logarithm, slope = np.log(start), np.full(start.shape, USUAL_SLOPE)
    before = logarithm, np.zeros(start.shape)
    for attempt in range(TRIES):
        left = error(np.exp(logarithm))
        largest = float(np.abs(left).max(initial=0.0))
        if largest < least:
            best, least = np.exp(logarithm), largest
        if largest < close or math.isnan(largest):
            break
        if attempt:
            moved = logarithm - before[0]
            np.divide(left - before[1], moved, out=slope, where=np.abs(moved) > 1e-6)
            slope = np.clip(slope, *SLOPES)
        before = logarithm, left
        logarithm = logarithm - left / slope
    return best, least


class _Bench:
    """Bars of one cell model with D = 1 mm^2/ms along the wave's way."""

    def __init__(self, cell: CellType, upstroke: float) -> None:
        self._cell = cell
        self.upstroke = upstroke

    def converged(self, dt: float) -> float:
        """Return the velocity that finer and finer elements lead to [mm/ms]."""
        units = np.array(FINE)
        found = [
            self._steady(
                _Bars(each * math.sqrt(self.upstroke), self._cells(FINE_FRONTS, each), FINE_ACROSS),
                dt,
                [UNCHANGED],
            )[0]
            for each in units
        ]
        # The error is of second order in the elements' length, and that in time is gone.
        slope = (found[1] - found[0]) / (units[1] ** 2 - units[0] ** 2)
        speed = found[0] - slope * units[0] ** 2
        if not speed > 0.0:
            raise BadStudy("the cell model conducts no wave through fine elements")
        return float(speed)

    def velocities(
        self, resolution: float, dt: float, factors: Sequence[CurrentFactor], anisotropy: float
    ) -> Floats:
        """Return the velocities along and across the fibres [mm/ms], NaN for none.

        Args:
            resolution: of the elements [sqrt(ms)].
            dt: [ms].
            factors: of the current along and across the fibres.
            anisotropy: conductivity along the fibres over that across them.
        """
        length = self._cells(FRONTS, resolution / math.sqrt(self.upstroke))
        bars = _Bars(resolution, length, ACROSS, (ALONG, ACROSS_FIBRES), anisotropy)
        return self._steady(bars, dt, factors)

    def _cells(self, fronts: float, units: float) -> int:
        return max(FEWEST_CELLS, math.ceil(fronts / units))

    def _steady(self, bars: "_Bars", dt: float, factors: Sequence[CurrentFactor]) -> Floats:
        """Return the velocity of the wave in the steady part of each bar [mm/ms]."""
        place = bars.mesh.points[:, 0]
        length = float(place.max())
        start = max(STIMULATED * math.sqrt(self.upstroke), 2.5 * bars.resolution)
        excited = np.flatnonzero(place <= start)
        activation = self._activation(bars, excited, dt, factors, length)
        found = []
        for number in range(len(factors)):
            own = bars.of_node == number
            steady = own & (place > MEASURED[0] * length) & (place < MEASURED[1] * length)
            arrived = bool(np.isfinite(activation[steady]).all())
            delay = np.polyfit(place[steady], activation[steady], 1)[0] if arrived else math.nan
            found.append(1.0 / delay if delay > 0.0 else math.nan)
        return np.array(found)

    def _activation(
        self,
        bars: "_Bars",
        excited: Integers,
        dt: float,
        factors: Sequence[CurrentFactor],
        length: float,
    ) -> Floats:
        # A wave takes some two thirds of its width to rise.
        longest = STIMULUS_DURATION + 4.0 * length / (0.5 / math.sqrt(self.upstroke))
        comm = alone()
        n_nodes = len(bars.mesh.points)
        part = replace(slice_of(bars.mesh, ownership(n_nodes, comm)), factor=bars.factor)
        operators = assemble(part, bars.tissue, comm=comm)
        duration = math.ceil(longest / dt) * dt
        settings = Simulation(
            tissue=bars.tissue,
            numerics=Numerics(
                dt=dt,
                dt_quiet=dt,
                duration=duration,
                report_interval=duration,
                stop="when_activated",
            ),
            stimulation=Stimulation(),
            sampling_interval=dt,
        )
        types = [replace(self._cell, current=factor) for factor in factors]
        membrane = Membrane(types, bars.of_node)
        recorders = Recorders(membrane.resting_voltage(), np.zeros((0, n_nodes)), settings)
        stimulus = Stimulus(excited, 0, round(STIMULUS_DURATION / dt), STIMULUS)
        beat = simulate_beat(comm, operators, membrane, [stimulus], recorders, settings)
        return np.asarray(beat.recorded.activation)


class _Bars:
    """Bars that do not touch, in one mesh: a step of many small ones costs that of one.

    Args:
        resolution: mean length of the elements, D being 1 along the bars [sqrt(ms)].
        length: cells along each bar.
        across: cells of its section.
        fibres: of each bar.
        anisotropy: conductivity along the fibres over that across them.

    Attributes:
        resolution: as given.
        mesh: of all.
        of_node: ``(n_points,)`` each node's bar.
        factor: ``(n_cells,)`` of the conductivity.
        tissue: that they are of.
    """

    def __init__(
        self,
        resolution: float,
        length: int,
        across: int,
        fibres: Sequence[tuple[float, float, float]] = (ALONG,),
        anisotropy: float = 1.0,
    ) -> None:
        points, cells = _bar(length, across)
        n = len(fibres)
        shifted = [cells + bar * len(points) for bar in range(n)]
        self.resolution = resolution
        self.mesh = TetMesh(
            np.tile(points * resolution, (n, 1)),
            np.concatenate(shifted),
            np.zeros(n * len(cells), np.int64),
            np.repeat(fibres, len(cells), axis=0),
        )
        self.of_node = np.repeat(np.arange(n), len(points))
        own = [1.0 / anisotropy if fibre == ALONG else 1.0 for fibre in fibres]
        self.factor = np.repeat(own, len(cells))
        self.tissue = _tissue(anisotropy, 1.0)


def _constant(factor: float) -> CurrentFactor:
    """Return the same factor for all elements."""
    return CurrentFactor(np.zeros(1), np.full((2, 1), factor))


@lru_cache(maxsize=8)
def _bar(length: int, across: int) -> tuple[Floats, Integers]:
    return bar((length, across, across))


def _tissue(fibre: float, cross: float) -> Tissue:
    """Return tissue with these D [mm^2/ms]: chi C_m is one, and the outside conducts freely."""
    free = 1e6 * max(fibre, cross)
    return Tissue(
        surface_to_volume=1.0,
        capacitance=1.0,
        intracellular=Intracellular(fibre=fibre, cross=cross),
        extracellular=Extracellular(fibre=free, cross=free),
    )
