"""What a heart's resolution does to the velocity of its fronts."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadStudy
from polycardia.io.cell_state import read_cell_state
from polycardia.physics.mesh import Floats
from polycardia.physics.resolution import BINS, element_lengths, summary, tally, velocity_error
from polycardia.physics.topology import tet_volumes
from polycardia.solver.elements import Elements
from polycardia.solver.operators import TissueSlice
from polycardia.solver.partition import Comm
from polycardia.study.calibration import Calibration

log = logging.getLogger(__name__)

MOST = 0.95  # of the wall, which the limit must hold in
ERROR = "numerical_velocity_error"
CELLS_AT_ONCE = 25_000  # stay in the cache
DIRECTIONS = ("along", "across")


def calibration_of(path: Path) -> Calibration:
    """Return what a cell model's waves were measured to be.

    Args:
        path: ``models/<layer>.json``.

    Raises:
        BadStudy: there is no such file, or no waves were measured for it.
    """
    state = read_cell_state(path)
    if state.speed is None:
        raise BadStudy(
            f"{path}: found no velocity of the cell model's waves, expected one; run the model "
            "step again"
        )
    return Calibration(
        speed=state.speed,
        resolution=np.array(state.resolution),
        factor=np.array(state.current_factors),
        along=np.array(state.velocity_along),
        across=np.array(state.velocity_across),
    )


def mean_lengths(part: TissueSlice, comm: Comm) -> tuple[float, float]:
    """Return the mean length of a heart's elements along and across the fibres [mm].  Collective.

    Args:
        part: of this rank; an element counts by the share of its corners that the rank owns.
        comm: of all ranks that share the heart.
    """
    sums = np.zeros(3)
    for first in range(0, len(part.tetrahedra), CELLS_AT_ONCE):
        chunk = slice(first, first + CELLS_AT_ONCE)
        tetrahedra = part.tetrahedra[chunk]
        corners = np.searchsorted(part.touched, tetrahedra)
        own = (tetrahedra >= part.owned.first) & (tetrahedra < part.owned.last)
        weight = own.sum(axis=1) * tet_volumes(part.points, corners)
        lengths = element_lengths(part.points, corners, part.fibre[chunk])
        sums += [weight.sum(), *(weight @ length for length in lengths)]
    total, along, across = comm.allreduce(sums)
    return float(along / total), float(across / total)


def velocity_errors(
    elements: Elements,
    cell_type: NDArray[np.integer[Any]],
    waves: Sequence[Calibration],
    limit: float,
    comm: Comm,
    corrected: tuple[float, float] = (1.0, 1.0),
) -> dict[str, tuple[float, str]]:
    """Return the measures that say how far the mesh changes the velocity of fronts.  Collective.

    Along and across the fibres: the mean over the wall's volume, negative where fronts are too
    slow, and the magnitude that 95 % of it does not exceed, both of those elements that are as fine
    as any that waves were measured through; the share of the others; and whether in more than 5 %
    of the wall the error is beyond the limit or not known.

    Args:
        elements: of this rank.
        cell_type: ``(n_owned,)`` of the rank's own nodes.
        waves: of the cell models, from the inside of the wall to the outside.
        limit: ``numerics.velocity_error_limit`` [1].
        comm: of all ranks that share the heart.
        corrected: velocity that the tissue would have along and across the fibres without elements,
            over the right one.
    """
    counted = comm.allreduce(_counted(elements, cell_type, waves, limit, corrected))
    measures: dict[str, tuple[float, str]] = {}
    unknown = outside = 0.0
    for direction, row in zip(DIRECTIONS, counted, strict=True):
        mean, most, no_error, too_large = summary(row, MOST)
        measures[f"{ERROR}_{direction}"] = (mean, "1")
        measures[f"{ERROR}_{direction}_p95"] = (most, "1")
        unknown, outside = max(unknown, no_error), max(outside, too_large)
    measures[f"{ERROR}_unknown"] = (unknown, "1")
    measures["under_resolved"] = (float(outside > 1.0 - MOST), "1")
    if outside > 1.0 - MOST and comm.Get_rank() == 0:
        log.warning(
            "under-resolved: in %.0f %% of the wall the mesh changes the velocity by more than "
            "%g %% (in %.0f %% it is too coarse to say by how much), need at most 5 %%",
            100.0 * outside,
            100.0 * limit,
            100.0 * unknown,
        )
    return measures


def _counted(
    elements: Elements,
    cell_type: NDArray[np.integer[Any]],
    waves: Sequence[Calibration],
    limit: float,
    corrected: tuple[float, float],
) -> Floats:
    """Return ``(2, 3 + BINS)``, a tally of this rank's volume for each direction.

    Each corner stands for a quarter of its element, and counts where its node is owned.
    """
    kind = np.full(len(elements.points), -1)
    kind[: len(cell_type)] = cell_type
    sigma = (elements.diffusivity.fibre, elements.diffusivity.cross)
    counted = np.zeros((len(DIRECTIONS), 3 + BINS))
    for first in range(0, len(elements.corners), CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        corners = elements.corners[part]
        lengths = element_lengths(elements.points, corners, elements.fibre[part])
        speed = np.sqrt(elements.factor[part])
        for layer, own in enumerate(waves):
            n_corners = np.count_nonzero(kind[corners] == layer, axis=1)
            some = np.flatnonzero(n_corners)
            weight = 0.25 * n_corners[some] * elements.volume[part][some]
            for row, direction in enumerate(DIRECTIONS):
                coarseness = lengths[row][some] / (speed[some] * math.sqrt(sigma[row]))
                error = velocity_error(coarseness, own.resolution, getattr(own, direction))
                counted[row] += tally((1.0 + error) * corrected[row] - 1.0, weight, limit)
    return counted
