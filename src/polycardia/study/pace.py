"""One cell, paced: what it settles to, how it restitutes, and both as a picture."""

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import numpy as np

from polycardia.config import PACING_DT, Pacing, Study, checked
from polycardia.errors import BadStudy
from polycardia.io.cell_state import CellState
from polycardia.io.folders import kernel_folder, rest_folder
from polycardia.ionic.pacing import ActionPotential
from polycardia.ionic.restitution import Restitution, dynamic, s1_s2
from polycardia.report.cell_picture import CellCurves, draw_cells, picture_format
from polycardia.study.kernels import compiled, equations
from polycardia.study.rest import action_potentials, rest_state, stimulus_of

Protocol = Literal["s1s2", "dynamic"]

OUTCOMES = {
    "limit_cycle": "repeats itself",
    "alternans": "alternates, longer beat first",
    "unsettled": "not settled",
    "as_asked": "as many as asked, not compared",
}


@dataclass(frozen=True)
class Paced:
    """One cell model's findings.

    Attributes:
        name: of the model, or of the wall's layer.
        settings: that led to it.
        state: at the end of diastole.
        beats: the beat that follows, and where beats alternate the one after it.
        restitution: None where it was not asked for.
    """

    name: str
    settings: Pacing
    state: CellState
    beats: Sequence[ActionPotential]
    restitution: Restitution | None


def cell_settings(
    name: str, *, cycle_length: float | None, tolerance: float | None, beats: int | None
) -> Pacing:
    """Return the pacing of one model by what a person types; None is the default.

    Raises:
        BadStudy: the numbers make no sense.
    """
    settling = {} if tolerance is None else {"tolerance": tolerance}
    given: dict[str, object] = {"model": {"name": name}, "beats": beats, "settling": settling}
    if cycle_length is not None:
        given["cycle_length"] = cycle_length
    return checked(Pacing, given, "pace")


def study_settings(study: Study) -> dict[str, Pacing]:
    """Return the pacing of a study's layers, from inside to outside."""
    return {layer: study.cells.pacing_of(layer) for layer in study.cells.by_layer()}


def pace(
    cells: dict[str, Pacing],
    *,
    restitution: Protocol | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Pace cells and print what comes of it; a cell that does not settle is a finding here.

    Args:
        cells: by the name that they are shown under.
        restitution: protocol of the curve; None for no curve.
        picture: ``.svg`` or ``.png`` file to draw action potentials and curves in.
        as_json: print one JSON object instead of text.

    Raises:
        BadStudy: a setting or a model's text is unusable, or the picture cannot be written; all
            of that is told before minutes of pacing.
    """
    for settings in cells.values():
        equations(settings.model)
    if picture:
        _require_place_for(picture)
    found = [_paced(name, settings, restitution) for name, settings in cells.items()]
    if as_json:
        print(json.dumps({one.name: _as_data(one) for one in found}))
    else:
        print("\n\n".join(_as_text(one) for one in found))
    if picture:
        draw_cells(
            [
                CellCurves(one.name, one.beats, one.restitution, one.settings.cycle_length)
                for one in found
            ],
            picture,
        )


def _require_place_for(picture: Path) -> None:
    """Raise `BadStudy` unless a picture can be written there, and leave nothing behind."""
    picture_format(picture)
    # These two tell of no folder rather than raise where a name is too long, or may not be seen.
    if not os.path.isdir(picture.parent):
        raise BadStudy(f"{picture} cannot be written: there is no folder {picture.parent}")
    if os.path.isdir(picture):
        raise BadStudy(f"{picture} cannot be written: it is a folder")
    try:
        # Permissions alone do not say it: the disk may be read-only, or the name too long.
        with NamedTemporaryFile(dir=picture.parent, prefix=f".{picture.name}.", suffix=".part"):
            pass
    except OSError as error:
        raise BadStudy(f"{picture} cannot be written: {error.strerror}") from None


def _paced(name: str, settings: Pacing, protocol: Protocol | None) -> Paced:
    accepting = settings.model_copy(
        update={"settling": settings.settling.model_copy(update={"unsettled": "accept"})}
    )
    text, kernel = equations(settings.model), compiled(settings.model, kernel_folder())
    state = rest_state(text, kernel, accepting, rest_folder())
    stimulus = stimulus_of(text, settings)
    curve = None
    if protocol == "s1s2":
        curve = s1_s2(
            kernel,
            state.voltage,
            np.array(state.states),
            cycle_length=settings.cycle_length,
            dt=PACING_DT,
            stimulus=stimulus,
        )
    elif protocol == "dynamic":
        curve = dynamic(
            kernel,
            tolerance=settings.settling.tolerance,
            most_beats=settings.settling.most_beats,
            dt=PACING_DT,
            stimulus=stimulus,
        )
    return Paced(name, settings, state, action_potentials(kernel, state, stimulus), curve)


def _as_text(paced: Paced) -> str:
    state = paced.state
    lines = [
        paced.name,
        f"  cycle length    {paced.settings.cycle_length:g} ms",
        f"  beats           {state.beats}, {OUTCOMES[state.outcome]}",
        f"  APD90           {' and '.join(_duration(apd) for apd in state.apd90)}",
        f"  rest            {state.voltage:.2f} mV",
        f"  peak            {state.peak:.2f} mV",
        f"  dV/dt max       {state.steepest:.1f} mV/ms",
        f"  stimulus        carried by {state.carrier or 'no ions'}",
    ]
    lines += [
        f"  {'drift' if number == 0 else '':<16}{name} {drift:+.2g} a beat"
        for number, (name, drift) in enumerate(state.drifts.items())
    ]
    if paced.restitution:
        lines += ["  restitution     interval [ms]   APD90 [ms]"]
        lines += [
            f"  {'':<16}{interval:13.1f}   {_number(duration):>10}"
            for interval, duration in _points(paced.restitution)
        ]
        lines += [f"  steepest slope  {paced.restitution.steepest():.2f}"]
    return "\n".join(lines)


def _points(curve: Restitution) -> Iterator[tuple[float, float]]:
    yield from zip(curve.intervals.tolist(), curve.durations.tolist(), strict=True)


def _duration(apd: float | None) -> str:
    return "none" if apd is None else f"{apd:.2f} ms"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.1f}"


def _as_data(paced: Paced) -> dict[str, Any]:
    state, curve = paced.state, paced.restitution
    found: dict[str, Any] = {
        "model": paced.settings.model.name,
        "cycle_length": paced.settings.cycle_length,
        "outcome": state.outcome,
        "converged": state.outcome == "limit_cycle",
        "beats": state.beats,
        "apd90": list(state.apd90),
        "rest": state.voltage,
        "peak": state.peak,
        "steepest": state.steepest,
        "carrier": state.carrier or None,
        "change": state.change,
        "drifts": dict(state.drifts),
    }
    if curve:
        found["restitution"] = {
            "interval": curve.intervals.tolist(),
            "apd90": [None if math.isnan(each) else each for each in curve.durations.tolist()],
            "cycle_length": curve.cycle_lengths.tolist(),
            "steepest_slope": None if math.isnan(curve.steepest()) else curve.steepest(),
        }
    return found
