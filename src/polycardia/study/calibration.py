"""How fast a cell model's wave is, and how a mesh's resolution changes that.

Both are measured, once for a model and a time step, on bars of disordered tetrahedra with the
cohort's own solver (`polycardia.study.wave_bench`).  Lengths are in units of ``sqrt(D)``, D = sigma
/ (chi C_m): stretching all lengths of a bar and its sqrt(D) alike changes nothing, so one table
serves all conductivities.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.membrane import CellType
from polycardia.solver.resolution import CurrentFactor
from polycardia.study.factor_search import search
from polycardia.study.wave_bench import BARS, WaveBench

log = logging.getLogger(__name__)

AMPLITUDE = 110.0  # [mV] of an action potential, about
SHORTEST_UPSTROKE = 0.25  # [ms]
# In units of the front's width sqrt(D upstroke time), about half the part that rises.
RESOLUTIONS = (0.7, 1.5, 2.7, 4.7, 8.0, 13.0)
FINE_STEP = 0.03  # of the upstroke's time, for the velocity without elements
LEAST_ANISOTROPY = 3.0  # of the bars: elements along the fibres are hardly askew, across them are
CLOSE = 0.03  # of the velocity, where the search for a factor by itself ends
CLOSER = 0.005  # the same for all of them together


@dataclass(frozen=True)
class Calibration:
    """Velocities of one cell model's plane waves, at one time step.

    Attributes:
        speed: k in ``c = k sqrt(D)``, of the equations themselves [1/sqrt(ms)].
        resolution: ``(n,)`` ascending, element length over sqrt(D) [sqrt(ms)].
        factor: ``(3, n)`` of the current near the front, with which waves through elements that
            lie along their way, askew, and unevenly have the right velocity; as
            `solver.resolution.CurrentFactor` has it.
        along: ``(n,)`` numerical velocity along the fibres over the right one, at the study's
            anisotropy; by the resolution along the fibres.  Measured in rough bars, which the
            factors know nothing of.
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
    bench = WaveBench(cell, max(SHORTEST_UPSTROKE, AMPLITUDE / upstroke))
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
        ratio = bench.rough_velocities(resolution, dt, current, anisotropy) / speed
        log.info(
            "resolution %.2f sqrt(ms): factors %.3f, %.3f and %.3f; along the fibres %+.1f %%, "
            "across %+.1f %%",
            resolution,
            *factors,
            *(100.0 * (ratio - 1.0)),
        )
        found.append(ratio)
    return Calibration(speed, current.resolution, current.factor, *np.array(found).T)


def _one_by_one(bench: WaveBench, dt: float, speed: float, anisotropy: float) -> CurrentFactor:
    """Return for each resolution the factors that suit it, alike for all elements of a bar."""
    resolutions: list[float] = []
    factors: list[Floats] = []
    for units in RESOLUTIONS:
        resolution = units * math.sqrt(bench.upstroke)
        guess = _next(resolutions, factors, resolution)

        def error(tried: Floats, _: Integers, resolution: float = resolution) -> Floats:
            alike = [_constant(factor) for factor in tried[:, 0]]
            ratio: Floats = bench.velocities(resolution, dt, alike, anisotropy) / speed
            return np.log(ratio)[:, None]

        found, left = search(error, guess[:, None], CLOSE)
        if not left < CLOSE:
            break
        resolutions.append(resolution)
        factors.append(found[:, 0])
    return CurrentFactor(np.array(resolutions), np.array(factors).reshape(-1, BARS).T)


def _next(resolutions: Sequence[float], factors: Sequence[Floats], resolution: float) -> Floats:
    """Return a guess of the factors for the next resolution: by a power of it."""
    if len(factors) < 2:
        return factors[-1] if factors else np.ones(BARS)
    step = math.log(resolution / resolutions[-1]) / math.log(resolutions[-1] / resolutions[-2])
    guess: Floats = factors[-1] * (factors[-1] / factors[-2]) ** step
    return guess


def _together(
    bench: WaveBench, dt: float, speed: float, anisotropy: float, apart: CurrentFactor
) -> CurrentFactor:
    """Return factors that suit bars whose elements have each the factor that it lies for."""
    count = np.linalg.inv(bench.shares(anisotropy))

    def table_of(of_bars: Floats) -> CurrentFactor:
        """Return the table whose logarithms are, on average over a bar, that bar's own factors."""
        return replace(apart, factor=np.exp(count @ np.log(of_bars)))

    def error(tried: Floats, columns: Integers) -> Floats:
        table = table_of(tried)
        found = [
            bench.velocities(resolution, dt, BARS * (table,), anisotropy)
            for resolution in apart.resolution[columns]
        ]
        ratio: Floats = np.array(found).reshape(-1, BARS).T / speed
        return np.log(ratio)

    return table_of(search(error, apart.factor, CLOSER)[0])


def _constant(factor: float) -> CurrentFactor:
    """Return the same factor for all elements."""
    return CurrentFactor(np.zeros(1), np.full((BARS, 1), factor))
