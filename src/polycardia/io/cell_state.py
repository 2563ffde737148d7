"""``models/<layer>.json``: the state that a cell model's tissue starts from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from polycardia.errors import BadArchive, BadStudy
from polycardia.io.seal import copy_of, require_whole, sealed_file


@dataclass(frozen=True)
class CellState:
    """A cell model at the end of its last diastole.

    Attributes:
        settings: JSON of the `Pacing` that led to it.
        model_sha256: digest of the model's text, overridden constants included.
        voltage: [mV].
        states: of the other state variables, in the units of the model's text.
        state_names: of ``states``.
        outcome: of the pacing, as in `ionic.limit_cycle.Settled`.
        beats: paced.
        apd90: of the beat that follows [ms], and where they alternate of the one after it; None
            where the voltage does not come back.
        peak: highest voltage of that beat [mV].
        steepest: its upstroke, the stimulus included [mV/ms].
        carrier: name of the state whose ions carry the stimulus, or nothing.
        change: largest relative change of a state over the last beat; None where none was asked.
        drifts: of the states that change most, a beat, in the units of the model's text.
        speed: k of ``c = k sqrt(D)``, as in `study.calibration.Calibration` [1/sqrt(ms)]; None
            where no waves were measured.
        resolution: of the table below, element length over sqrt(D) [sqrt(ms)].
        current_factors: of the current near the front, in elements along the front's way and in
            askew ones.
        velocity_along: numerical velocity over the right one, along the fibres.
        velocity_across: the same across the fibres.
    """

    settings: str
    model_sha256: str
    voltage: float
    states: Sequence[float]
    state_names: Sequence[str]
    outcome: str
    beats: int
    apd90: Sequence[float | None]
    peak: float
    steepest: float
    carrier: str
    change: float | None
    drifts: Mapping[str, float]
    speed: float | None = None
    resolution: Sequence[float] = field(default_factory=list)
    current_factors: Sequence[Sequence[float]] = field(default_factory=list)
    velocity_along: Sequence[float] = field(default_factory=list)
    velocity_across: Sequence[float] = field(default_factory=list)


def write_cell_state(path: Path, state: CellState) -> None:
    """Write a cell's state as JSON; floats keep every bit."""
    with sealed_file(path) as part:
        part.write_text(json.dumps(asdict(state), indent=1) + "\n")


def write_with_copy(path: Path, state: CellState) -> None:
    """Write a cell's state, and before it a copy: were it made again, so would be every heart."""
    write_cell_state(copy_of(path), state)
    write_cell_state(path, state)


def read_cell_state(path: Path) -> CellState:
    """Read a cell's state.

    Raises:
        BadStudy: the file is missing or is not one that `write_cell_state` wrote.
    """
    try:
        require_whole(path)
        kept = json.loads(path.read_text())
        del kept["seal"]
        return CellState(**kept)
    except BadArchive as fault:
        raise BadStudy(str(fault)) from None
    except OSError as error:
        raise BadStudy(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise BadStudy(f"{path}: not the state of a cell model; make it again") from None
