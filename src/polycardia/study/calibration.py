"""How fast a cell model's wave is, and how a mesh's resolution changes that.

Both are measured, once for a model and a time step, on bars of disordered tetrahedra with the
cohort's own solver.  Lengths are in units of ``sqrt(D)``, D = sigma / (chi C_m): stretching all
lengths of a bar and its sqrt(D) alike changes nothing, so one table serves all conductivities.
"""

import logging
import math
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
FEWEST_CELLS = 32
ACROSS = 4  # cells of a bar's section
FINE_ACROSS = 2  # of a fine bar's: its wave hardly feels the elements
MEASURED = (0.45, 0.85)  # part of a bar's length where the wave is steady
CLOSE = 0.015  # of the velocity, where the search for a factor ends
TRIES = 4
USUAL_SLOPE = 0.6  # of the logarithm of the velocity over that of the factor
STIMULUS = 60.0  # [mV/ms]
STIMULUS_DURATION = 2.0  # [ms]


@dataclass(frozen=True)
class Calibration:
    """Velocities of one cell model's plane waves, at one time step.

    Attributes:
        speed: k in ``c = k sqrt(D)``, of the equations themselves [1/sqrt(ms)].
        resolution: ``(n,)`` ascending, element length over sqrt(D) [sqrt(ms)].
        factor: ``(n,)`` of the current near the front, with which a wave through tissue that
            conducts alike in all directions has the right velocity.
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
    current = _together(bench, dt, speed, _one_by_one(bench, dt, speed))
    if not len(current.resolution):
        raise BadStudy(
            f"no wave of the cell model propagates through elements of "
            f"{RESOLUTIONS[0]} widths of its front at a time step of {dt:g} ms"
        )
    found = []
    for resolution in current.resolution:
        along, across = (
            bench.velocity(resolution, dt, current, fibre, anisotropy) / speed
            for fibre in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        )
        log.info(
            "resolution %.2f sqrt(ms): factor %.3f; along the fibres %+.1f %%, across %+.1f %%",
            resolution,
            current.at(resolution),
            100.0 * (along - 1.0),
            100.0 * (across - 1.0),
        )
        found.append((along, across))
    return Calibration(speed, current.resolution, current.factor, *np.array(found).T)


def _one_by_one(bench: "_Bench", dt: float, speed: float) -> CurrentFactor:
    """Return for each resolution the factor that suits it, alike for all elements of a bar."""
    found = []
    guess = 1.0
    for units in RESOLUTIONS:
        resolution = units * math.sqrt(bench.upstroke)
        guess, error = bench.factor(resolution, dt, speed, guess)
        if not error < CLOSE:
            break
        found.append((resolution, guess))
    return CurrentFactor(*np.array(found).reshape(-1, 2).T)


def _together(bench: "_Bench", dt: float, speed: float, apart: CurrentFactor) -> CurrentFactor:
    """Return factors that suit bars whose elements have each the factor of its own length."""
    velocities = [bench.velocity(resolution, dt, apart) for resolution in apart.resolution]
    factor = apart.factor * (speed / np.array(velocities)) ** (1.0 / USUAL_SLOPE)
    return CurrentFactor(apart.resolution, factor)


class _Bench:
    """Bars of one cell model with D = 1 mm^2/ms across the wave's way."""

    def __init__(self, cell: CellType, upstroke: float) -> None:
        self._cell = cell
        self.upstroke = upstroke

    def converged(self, dt: float) -> float:
        """Return the velocity that finer and finer elements lead to [mm/ms]."""
        units, width = np.array(FINE), math.sqrt(self.upstroke)
        found = [
            self.velocity(each * width, dt, UNCHANGED, fronts=FINE_FRONTS, across=FINE_ACROSS)
            for each in units
        ]
        # The error is of second order in the elements' length, and that in time is gone.
        slope = (found[1] - found[0]) / (units[1] ** 2 - units[0] ** 2)
        speed = found[0] - slope * units[0] ** 2
        if not speed > 0.0:
            raise BadStudy("the cell model conducts no wave through fine elements")
        return float(speed)

    def factor(
        self, resolution: float, dt: float, speed: float, guess: float
    ) -> tuple[float, float]:
        """Return the factor of the current that gives the right velocity, and what is left.

        A search on logarithms by the secant of the last two tries.
        """
        tried: list[tuple[float, float]] = []
        logarithm = math.log(guess)
        for _ in range(TRIES):
            factor = _constant(math.exp(logarithm))
            error = math.log(self.velocity(resolution, dt, factor) / speed)
            tried.append((logarithm, error))
            if abs(error) < CLOSE or math.isnan(error):
                break
            slope = USUAL_SLOPE
            if len(tried) > 1:
                (x0, y0), (x1, y1) = tried[-2:]
                slope = max(0.2, (y1 - y0) / (x1 - x0))
            logarithm -= error / slope
        return math.exp(tried[-1][0]), abs(tried[-1][1])

    def velocity(
        self,
        resolution: float,
        dt: float,
        factor: CurrentFactor,
        fibre: tuple[float, float, float] = (1.0, 0.0, 0.0),
        anisotropy: float = 1.0,
        fronts: float = FRONTS,
        across: int = ACROSS,
    ) -> float:
        """Return the velocity of a wave along the bar [mm/ms], NaN where it does not arrive."""
        width = math.sqrt(self.upstroke)
        counts = max(FEWEST_CELLS, math.ceil(fronts * width / resolution))
        points, cells = _bar(counts, across)
        points = points * resolution
        along = fibre[0] == 1.0
        sigma = (1.0, 1.0 / anisotropy) if along else (anisotropy, 1.0)
        length = float(points[:, 0].max())
        start = np.flatnonzero(points[:, 0] <= max(STIMULATED * width, 2.5 * resolution))
        mesh = TetMesh(
            points, cells, np.zeros(len(cells), np.int64), np.broadcast_to(fibre, (len(cells), 3))
        )
        activation = self._activation(mesh, sigma, start, dt, factor, length)
        x = points[:, 0] / length
        steady = (x > MEASURED[0]) & (x < MEASURED[1])
        if not np.isfinite(activation[steady]).all():
            return math.nan
        return float(1.0 / np.polyfit(points[steady, 0], activation[steady], 1)[0])

    def _activation(
        self,
        mesh: TetMesh,
        sigma: tuple[float, float],
        start: Integers,
        dt: float,
        factor: CurrentFactor,
        length: float,
    ) -> Floats:
        # A wave takes some two thirds of its width to rise.
        longest = STIMULUS_DURATION + 4.0 * length / (0.5 / math.sqrt(self.upstroke))
        tissue = _tissue(*sigma)
        comm = alone()
        operators = assemble(slice_of(mesh, ownership(len(mesh.points), comm)), tissue, comm=comm)
        duration = math.ceil(longest / dt) * dt
        settings = Simulation(
            tissue=tissue,
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
        membrane = Membrane(
            [replace(self._cell, current=factor)], np.zeros(operators.halo.n_local, np.int64)
        )
        recorders = Recorders(membrane.resting_voltage(), np.zeros((0, len(mesh.points))), settings)
        stimulus = Stimulus(start, 0, round(STIMULUS_DURATION / dt), STIMULUS)
        beat = simulate_beat(comm, operators, membrane, [stimulus], recorders, settings)
        return np.asarray(beat.recorded.activation)


def _constant(factor: float) -> CurrentFactor:
    """Return the same factor for all resolutions."""
    return CurrentFactor(np.zeros(1), np.array([factor]))


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
