"""From a cell model's text to a compiled kernel and the state that tissue starts from."""

import logging
from pathlib import Path

import numpy as np

from polycardia.config import Pacing
from polycardia.errors import BadStudy
from polycardia.io.cell_state import read_cell_state, write_with_copy
from polycardia.io.folders import rest_folder, wave_folder
from polycardia.solver.membrane import CellType
from polycardia.solver.resolution import CurrentFactor
from polycardia.study.kernels import compiled, equations, tissue_kernel
from polycardia.study.rest import one_line, rest_state, text_digest
from polycardia.study.waves import with_waves

log = logging.getLogger(__name__)


def model(settings: Pacing, kernels: Path, output: Path) -> None:
    """Compile a cell model and pace a single cell to where the tissue's beat starts.

    Raises:
        BadStudy: the cell has no limit cycle, and the settings do not accept that.
    """
    text = equations(settings.model)
    for sentence in text.found:
        log.info("%s: %s", settings.model.name, sentence)
    kernel = compiled(settings.model, kernels)
    # Before the pacing, so that a constant which does not exist is told at once.
    tissue, _ = tissue_kernel(settings, kernels)
    log.info("kernel %s of the cell, %s of the tissue", kernel.digest, tissue.digest)
    state = rest_state(text, kernel, settings, rest_folder())
    log.info("%s: %s", settings.model.name, one_line(state))
    if settings.waves is not None:
        state = with_waves(state, text, kernel, settings.waves, wave_folder())
    write_with_copy(output, state)


def cell_type(path: Path, kernels: Path) -> CellType:
    """Return a cell model as the solver takes it, from what `model` wrote.

    On a node whose processor is of another type the kernel is compiled once more.

    Raises:
        BadStudy: the model's text is not the one whose state was computed.
    """
    state = read_cell_state(path)
    settings = Pacing.model_validate_json(state.settings)
    if text_digest(equations(settings.model)) != state.model_sha256:
        raise BadStudy(
            f"{path}: the text of cell model {settings.model.name} has changed since its state "
            "was computed, expected the same; run the model step again"
        )
    kernel, factors = tissue_kernel(settings, kernels)
    current = CurrentFactor(np.array(state.resolution), np.array(state.current_factors))
    return CellType(kernel, state.voltage, np.array(state.states), factors, current)
