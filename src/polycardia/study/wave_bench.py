"""Plane waves of one cell model through bars of tetrahedra, and their velocities."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

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
from polycardia.physics.bar import bar, mean_length, rough_bar
from polycardia.physics.bricks import along_the_diagonal
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.solver.crossing import crossing
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import simulate_beat
from polycardia.solver.operators import Operators, assemble, slice_of
from polycardia.solver.partition import alone, ownership
from polycardia.solver.recorders import Recorders
from polycardia.solver.resolution import UNCHANGED, CurrentFactor, shares
from polycardia.solver.stimulus import Stimulus

# In units of the front's width sqrt(D upstroke time), about half the part that rises.
FINE = (0.25, 0.5)  # elements that the velocity without any is extrapolated from
FRONTS = 30.0  # length of a bar, at least
FINE_FRONTS = 80.0  # of fine ones: a wave takes long to become steady, and coarse bars are long
STIMULATED = 6.0  # length of the part that starts the wave
FEWEST_CELLS = 12
BARS = 3  # of disordered tetrahedra along and across the fibres, of bricks askew to these
SECTION, HEIGHT = 6, 8  # cells of a bar's section; bricks that are as high
ROUGH_SECTION = 8  # cells of a rough bar's, whose elements are larger than the lattice's
FINE_SECTION = 2  # of a fine bar's: its wave hardly feels the elements
MEASURED = (0.45, 0.85)  # part of a bar's length where the wave is steady
ALONG, ACROSS = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)  # fibres of bars with the wave along x
STIMULUS = 60.0  # [mV/ms]
STIMULUS_DURATION = 2.0  # [ms]


class WaveBench:
    """Bars of one cell model's tissue, D being 1 mm^2/ms along the wave's way.

    Args:
        cell: at rest; without node parameters.
        upstroke: how long it takes [ms].

    Attributes:
        upstroke: as given.
    """

    def __init__(self, cell: CellType, upstroke: float) -> None:
        self._cell = cell
        self.upstroke = upstroke

    def converged(self, dt: float) -> float:
        """Return the velocity that finer and finer elements lead to [mm/ms].

        Raises:
            BadStudy: no wave gets through.
        """
        units, found = np.array(FINE), []
        for each in FINE:
            length = self._cells(FINE_FRONTS, each)
            fine = _Bar(*_disordered(length, FINE_SECTION), ALONG)
            bars = _Bars([fine], each * math.sqrt(self.upstroke))
            found.append(self._steady(bars, dt, [UNCHANGED])[0])
        # The error is of second order in the elements' length, and that in time is gone.
        slope = (found[1] - found[0]) / (units[1] ** 2 - units[0] ** 2)
        speed = found[0] - slope * units[0] ** 2
        if not speed > 0.0:
            raise BadStudy("the cell model conducts no wave through fine elements")
        return float(speed)

    def velocities(
        self, resolution: float, dt: float, factors: Sequence[CurrentFactor], anisotropy: float
    ) -> Floats:
        """Return velocities along and across fibres, and across such at 45 degrees to bricks.

        Args:
            resolution: of the elements [sqrt(ms)].
            dt: [ms].
            factors: of the current in each of the three bars.
            anisotropy: conductivity along the fibres over that across them.

        Returns:
            ``(3,)`` [mm/ms], NaN where no wave arrives.
        """
        bars = _Bars(_three(self._cells_at(resolution)), resolution, anisotropy)
        return self._steady(bars, dt, factors)

    def rough_velocities(
        self, resolution: float, dt: float, factor: CurrentFactor, anisotropy: float
    ) -> Floats:
        """Return velocities along and across fibres in bars that `velocities` has nothing of.

        Args:
            resolution: of the elements [sqrt(ms)].
            dt: [ms].
            factor: of the current in both.
            anisotropy: conductivity along the fibres over that across them.

        Returns:
            Both [mm/ms], NaN where no wave arrives.
        """
        rough = _rough(self._cells_at(resolution), ROUGH_SECTION)
        bars = _Bars([_Bar(*rough, ALONG), _Bar(*rough, ACROSS)], resolution, anisotropy)
        return self._steady(bars, dt, (factor, factor))

    @staticmethod
    def shares(anisotropy: float) -> Floats:
        """Return ``(3, 3)`` what the rows of a `CurrentFactor` count for, on average, in each bar.

        Args:
            anisotropy: conductivity along the fibres over that across them.
        """
        bars = _Bars(_three(FEWEST_CELLS), 1.0, anisotropy)
        operators = bars.operators()
        place, cells = bars.mesh.points[:, 0], bars.mesh.tetrahedra
        counted = shares(crossing(operators, np.arange(len(cells)), place))
        middle = np.abs(place[cells].mean(axis=1) / FEWEST_CELLS - 0.5) < 0.25
        found = []
        for number in range(BARS):
            own = middle & (bars.of_node[cells[:, 0]] == number)
            found.append(
                np.average(counted[:, own], axis=1, weights=operators.elements.volume[own])
            )
        return np.array(found)

    def _cells_at(self, resolution: float) -> int:
        return self._cells(FRONTS, resolution / math.sqrt(self.upstroke))

    def _cells(self, fronts: float, units: float) -> int:
        return max(FEWEST_CELLS, math.ceil(fronts / units))

    def _steady(self, bars: "_Bars", dt: float, factors: Sequence[CurrentFactor]) -> Floats:
        """Return the velocity of the wave in the steady part of each bar [mm/ms]."""
        place = bars.mesh.points[:, 0]
        start = max(STIMULATED * math.sqrt(self.upstroke), 2.5 * bars.resolution)
        excited = np.flatnonzero(place <= start)
        activation = self._activation(bars, excited, dt, factors, float(place.max()))
        found = []
        for number in range(len(factors)):
            own = bars.of_node == number
            length = float(place[own].max())
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
        operators = bars.operators()
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


class _Bar(NamedTuple):
    """A bar whose elements have a mean length of 1, and the way of its fibres."""

    points: Floats
    cells: Integers
    fibre: tuple[float, float, float]


class _Bars:
    """Bars that do not touch, in one mesh: a step of many small ones costs that of one.

    Args:
        bars: along the first axis.
        resolution: mean length of the elements, D being 1 along the bars [sqrt(ms)].
        anisotropy: conductivity along the fibres over that across them.

    Attributes:
        resolution: as given.
        mesh: of all.
        of_node: ``(n_points,)`` each node's bar.
        factor: ``(n_cells,)`` of the conductivity.
        tissue: that they are of.
    """

    def __init__(self, bars: Sequence[_Bar], resolution: float, anisotropy: float = 1.0) -> None:
        sizes = [len(bar.points) for bar in bars]
        counts = [len(bar.cells) for bar in bars]
        first = np.cumsum([0, *sizes[:-1]])
        self.resolution = resolution
        self.mesh = TetMesh(
            np.concatenate([bar.points for bar in bars]) * resolution,
            np.concatenate([bar.cells + start for bar, start in zip(bars, first, strict=True)]),
            np.zeros(sum(counts), np.int64),
            np.repeat([bar.fibre for bar in bars], counts, axis=0),
        )
        self.of_node = np.repeat(np.arange(len(bars)), sizes)
        own = [1.0 / anisotropy if bar.fibre == ALONG else 1.0 for bar in bars]
        self.factor = np.repeat(own, counts)
        self.tissue = _tissue(anisotropy, 1.0)

    def operators(self) -> Operators:
        """Return those of the whole mesh, on one rank."""
        comm = alone()
        part = slice_of(self.mesh, ownership(len(self.mesh.points), comm))
        return assemble(replace(part, factor=self.factor), self.tissue, comm=comm)


def _three(length: int) -> list[_Bar]:
    disordered, bricks = _disordered(length, SECTION), _bricks(length)
    return [_Bar(*disordered, ALONG), _Bar(*disordered, ACROSS), _Bar(*bricks, ACROSS)]


@lru_cache(maxsize=8)
def _disordered(length: int, across: int) -> tuple[Floats, Integers]:
    return bar((length, across, across))


@lru_cache(maxsize=8)
def _rough(length: int, across: int) -> tuple[Floats, Integers]:
    return rough_bar((length, across, across))


@lru_cache(maxsize=8)
def _bricks(length: int) -> tuple[Floats, Integers]:
    points, cells = along_the_diagonal((length, SECTION, HEIGHT))
    return points / mean_length(points, cells), cells


def _tissue(fibre: float, cross: float) -> Tissue:
    """Return tissue with these D [mm^2/ms]: chi C_m is one, and the outside conducts freely."""
    free = 1e6 * max(fibre, cross)
    return Tissue(
        surface_to_volume=1.0,
        capacitance=1.0,
        intracellular=Intracellular(fibre=fibre, cross=cross),
        extracellular=Extracellular(fibre=free, cross=free),
    )
