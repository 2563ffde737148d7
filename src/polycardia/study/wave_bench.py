"""Plane waves of one cell model through bars of tetrahedra, and their velocities."""

import math
from collections.abc import Sequence
from dataclasses import replace
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

# In units of the front's width sqrt(D upstroke time), about half the part that rises.
FINE = (0.25, 0.5)  # elements that the velocity without any is extrapolated from
FRONTS = 30.0  # length of a bar, at least
FINE_FRONTS = 80.0  # of fine ones: a wave takes long to become steady, and coarse bars are long
STIMULATED = 6.0  # length of the part that starts the wave
FEWEST_CELLS = 12
SECTION = 6  # cells of a bar's section
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
            bars = _Bars(each * math.sqrt(self.upstroke), length, FINE_SECTION)
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
        """Return the velocities along and across the fibres [mm/ms], NaN for none.

        Args:
            resolution: of the elements [sqrt(ms)].
            dt: [ms].
            factors: of the current along and across the fibres.
            anisotropy: conductivity along the fibres over that across them.
        """
        length = self._cells(FRONTS, resolution / math.sqrt(self.upstroke))
        bars = _Bars(resolution, length, SECTION, (ALONG, ACROSS), anisotropy)
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
