"""``models/<layer>.json``: the state that a cell model's tissue starts from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from polycardia.errors import BadStudy
from polycardia.io.atomic import whole_file


@dataclass(frozen=True)
class CellState:
    """A cell model at the end of its last diastole.

    Attributes:
        settings: JSON of the `Pacing` that led to it.
        model_sha256: digest of the model's text, overridden constants included.
        voltage: [mV].
        states: of the other state variables, in the units of the model's text.
        state_names: of ``states``.
    """

    settings: str
    model_sha256: str
    voltage: float
    states: Sequence[float]
    state_names: Sequence[str]


def write_cell_state(path: Path, state: CellState) -> None:
    """Write a cell's state as JSON; floats keep every bit."""
    with whole_file(path) as part:
        part.write_text(json.dumps(asdict(state), indent=1) + "\n")


def read_cell_state(path: Path) -> CellState:
    """Read a cell's state.

    Raises:
        BadStudy: the file is missing or is not one that `write_cell_state` wrote.
    """
    try:
        return CellState(**json.loads(path.read_text()))
    except OSError as error:
        raise BadStudy(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise BadStudy(f"{path}: not the state of a cell model; make it again") from None
