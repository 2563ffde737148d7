"""A cell model's waves: measured once for this user, whichever study asks."""

import hashlib
import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from polycardia import SOLVER_VERSION
from polycardia.config import Waves
from polycardia.errors import BadArchive, BadStudy, MachineTrouble
from polycardia.io.cell_state import CellState
from polycardia.io.seal import require_whole, sealed_file
from polycardia.ionic.generator import c_source
from polycardia.ionic.kernel import Kernel
from polycardia.ionic.model import CellModel
from polycardia.ionic.pacing import action_potential
from polycardia.solver.membrane import CellType
from polycardia.solver.resolution import CurrentFactor
from polycardia.study.calibration import Calibration, calibrate

log = logging.getLogger(__name__)


def with_waves(
    state: CellState, model: CellModel, kernel: Kernel, waves: Waves, cache: Path
) -> CellState:
    """Return a rest state with the measures of its cell's waves, from the cache if they are there.

    Args:
        state: that the tissue starts from.
        model: of the cell.
        kernel: of ``model``, without node parameters.
        waves: the tissue.
        cache: folder; what cannot be kept there is measured again.

    Raises:
        BadStudy: no wave propagates at the finest resolution.
    """
    cell = CellType(kernel, state.voltage, np.array(state.states))
    found = _calibrated(cell, model, state.steepest, waves, cache)
    return replace(
        state,
        speed=found.speed,
        resolution=found.resolution.tolist(),
        current_factors=found.factor.tolist(),
        velocity_along=found.along.tolist(),
        velocity_across=found.across.tolist(),
    )


def current_of(kernel: Kernel, model: CellModel, waves: Waves, cache: Path) -> CurrentFactor:
    """Return the factor of the current for a cell that starts as its text says.

    Args:
        kernel: of ``model``, without node parameters.
        model: of the cell.
        waves: the tissue.
        cache: folder; what cannot be kept there is measured again.

    Raises:
        BadStudy: no wave propagates at the finest resolution.
    """
    voltage, states = kernel.resting(1)
    start = float(voltage[0]), states[:, 0]
    upstroke = action_potential(kernel, *start, duration=20.0).steepest
    found = _calibrated(CellType(kernel, *start), model, upstroke, waves, cache)
    return CurrentFactor(found.resolution, found.factor)


def _calibrated(
    cell: CellType, model: CellModel, upstroke: float, waves: Waves, cache: Path
) -> Calibration:
    start = [cell.voltage, cell.states.tolist(), upstroke]
    parts = [SOLVER_VERSION, c_source(model), *start, waves.model_dump()]
    kept = cache / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}.json"
    found = _from_cache(kept)
    if found is None:
        try:
            found = calibrate(cell, upstroke=upstroke, dt=waves.dt, anisotropy=waves.anisotropy)
        except BadStudy as error:
            raise BadStudy(f"{model.name}: {error}") from None
        _keep(kept, found)
    return found


def _from_cache(path: Path) -> Calibration | None:
    """Return what was kept whole; None where there is none, or a broken one."""
    try:
        require_whole(path)
        kept = json.loads(path.read_text())
        del kept["seal"]
        speed = float(kept.pop("speed"))
        found = Calibration(speed, **{name: np.array(kept[name], float) for name in kept})
    except (BadArchive, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if len({getattr(found, name).shape[-1:] for name in kept}) == 1 else None


def _keep(path: Path, found: Calibration) -> None:
    """Keep for later; a folder that cannot be written costs time and nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with sealed_file(path) as part:
            lists = {name: np.asarray(value).tolist() for name, value in asdict(found).items()}
            part.write_text(json.dumps(lists) + "\n")
    except (MachineTrouble, OSError) as error:
        log.info("measured waves are not kept: %s", error)
