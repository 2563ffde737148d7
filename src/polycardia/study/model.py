"""From a cell model's text to a compiled kernel and the state that tissue starts from."""

import hashlib
import logging
from pathlib import Path

import numpy as np

from polycardia.config import PACING_DT, CellModel, Pacing
from polycardia.errors import BadStudy
from polycardia.io.cell_state import CellState, read_cell_state, write_cell_state
from polycardia.ionic.kernel import Kernel, build
from polycardia.ionic.model import load_model, with_constants
from polycardia.ionic.pacing import paced_state
from polycardia.solver.membrane import CellType

log = logging.getLogger(__name__)


def compiled(settings: CellModel, kernels: Path) -> Kernel:
    """Return the kernel of a cell model, compiled for this machine's processor.

    Args:
        settings: the model and what differs from its text.
        kernels: folder of compiled kernels; one that is there already is only loaded.

    Raises:
        BadModel: the text cannot be turned into a kernel.
        CompilerFailed: there is no compiler, or it refuses the kernel.
    """
    return build(load_model(settings.name), cache=kernels, overrides=settings.parameters)


def model(settings: Pacing, kernels: Path, output: Path) -> None:
    """Compile a cell model and pace a single cell to where the tissue's beat starts."""
    kernel = compiled(settings.model, kernels)
    log.info("kernel %s", kernel.digest)
    voltage, states = paced_state(
        kernel, cycle_length=settings.cycle_length, beats=settings.beats, dt=PACING_DT
    )
    log.info("voltage after %d beats %.3f mV", settings.beats, voltage)
    write_cell_state(
        output,
        CellState(
            settings=settings.model_dump_json(),
            model_sha256=_text_digest(settings.model),
            voltage=voltage,
            states=[float(value) for value in states],
            state_names=list(kernel.state_names),
        ),
    )


def cell_type(path: Path, kernels: Path) -> CellType:
    """Return a cell model as the solver takes it, from what `model` wrote.

    On a node whose processor is of another type the kernel is compiled once more.

    Raises:
        BadStudy: the model's text is not the one whose state was computed.
    """
    state = read_cell_state(path)
    settings = Pacing.model_validate_json(state.settings).model
    if _text_digest(settings) != state.model_sha256:
        raise BadStudy(
            f"{path}: the text of cell model {settings.name} has changed since its state was "
            "computed, expected the same; run the model step again"
        )
    return CellType(compiled(settings, kernels), state.voltage, np.array(state.states))


def _text_digest(settings: CellModel) -> str:
    text = with_constants(load_model(settings.name), settings.parameters).text
    return hashlib.sha256(text.encode()).hexdigest()
