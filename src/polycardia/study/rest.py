"""The state that a cell settles to: computed once for this user, whichever study asks."""

import hashlib
import json
import logging
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from polycardia import SOLVER_VERSION
from polycardia.config import PACING_DT, Pacing
from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.cell_state import CellState, read_cell_state, write_cell_state
from polycardia.ionic.carrier import find_carrier
from polycardia.ionic.generator import c_source
from polycardia.ionic.kernel import Floats, Kernel
from polycardia.ionic.limit_cycle import Settled, settle
from polycardia.ionic.model import CellModel
from polycardia.ionic.pacing import ActionPotential, Stimulus, paced_state
from polycardia.ionic.tracing import Sampling, trace

log = logging.getLogger(__name__)

SAMPLING = Sampling(fine=PACING_DT, coarse=0.1)
LOWEST_PEAK = -20.0
"""[mV]; a stimulus after which no voltage is higher has started no action potential."""

MOVING = 3  # states whose drift is named


def rest_state(model: CellModel, kernel: Kernel, settings: Pacing, cache: Path) -> CellState:
    """Return a cell at the end of its last diastole, from the cache if it is there.

    Args:
        model: with its overridden constants.
        kernel: of ``model``, without node parameters.
        settings: rhythm and tolerance.
        cache: folder; what cannot be kept there is computed again.

    Raises:
        BadStudy: the cell has no limit cycle, or no action potential, and the settings do not
            accept that.
    """
    stimulus = stimulus_of(model, settings)
    key = _key(model, settings, stimulus)
    kept = cache / f"{key}.json"
    state = _from_cache(kept, kernel)
    if state is None:
        state = _computed(model, kernel, settings, stimulus)
        _keep(kept, state)
    else:
        log.info("cell model %s: rest state %s", model.name, kept)
    if settings.beats is None and settings.settling.unsettled == "refuse":
        require_settled(model.name, settings, state)
    return replace(state, settings=settings.model_dump_json())


def stimulus_of(model: CellModel, settings: Pacing) -> Stimulus:
    """Return what starts every beat of a single cell."""
    settling = settings.settling
    carrier = find_carrier(model, settling.stimulus_carrier)
    return Stimulus(settling.stimulus_amplitude, settling.stimulus_duration, carrier)


def text_digest(model: CellModel) -> str:
    """Return what names a model's text, overridden constants included."""
    return hashlib.sha256(model.text.encode()).hexdigest()


def action_potentials(
    kernel: Kernel, state: CellState, stimulus: Stimulus
) -> list[ActionPotential]:
    """Return the beat that follows a state, and the one after it where they alternate."""
    cycle_length = Pacing.model_validate_json(state.settings).cycle_length
    start = state.voltage, np.array(state.states)
    return _beats(kernel, *start, len(state.apd90), cycle_length, stimulus)


def one_line(state: CellState) -> str:
    """Return what pacing came to, for a log."""
    words = {
        "limit_cycle": f"repeats itself after {state.beats} beats",
        "alternans": f"alternates after {state.beats} beats",
        "unsettled": f"not settled after {state.beats} beats",
        "as_asked": f"{state.beats} beats as asked",
    }
    durations = " and ".join("none" if apd is None else f"{apd:.1f} ms" for apd in state.apd90)
    return f"{words[state.outcome]}; APD90 {durations}, rest {state.voltage:.2f} mV"


def require_settled(name: str, settings: Pacing, state: CellState) -> None:
    """Raise `BadStudy` unless tissue can start from a state."""
    where = f"cell model {name} at cycles of {settings.cycle_length:g} ms"
    if state.peak < LOWEST_PEAK:
        raise BadStudy(
            f"{where}: highest voltage {state.peak:.1f} mV, expected an action potential; "
            f"cells.pacing.stimulus_amplitude is {settings.settling.stimulus_amplitude:g} mV/ms"
        )
    if state.outcome == "alternans":
        found = " and ".join("none" if apd is None else f"{apd:.1f} ms" for apd in state.apd90)
        raise BadStudy(
            f"{where}: alternates, with APD90 of {found}, expected beats that repeat themselves; "
            "or cells.pacing.unsettled: accept"
        )
    if state.outcome == "unsettled":
        most, drift = next(iter(state.drifts.items()))
        raise BadStudy(
            f"{where}: not settled after {state.beats} beats: {most} changes by {drift:.2g} a "
            f"beat, {state.change:.1g} of its magnitude, expected at most "
            f"{settings.settling.tolerance:g}; or cells.pacing.unsettled: accept"
        )


def _computed(model: CellModel, kernel: Kernel, settings: Pacing, stimulus: Stimulus) -> CellState:
    if settings.beats is None:
        settled = _settled(kernel, settings, stimulus)
    else:
        voltage, states = paced_state(
            kernel,
            cycle_length=settings.cycle_length,
            beats=settings.beats,
            dt=PACING_DT,
            stimulus=stimulus,
        )
        settled = Settled("as_asked", voltage, states, settings.beats, (), {}, {})
    period = 2 if settled.outcome == "alternans" else 1
    start = settled.voltage, settled.states
    potentials = _beats(kernel, *start, period, settings.cycle_length, stimulus)
    moving = sorted(settled.changes, key=lambda name: -settled.changes[name])[:MOVING]
    return CellState(
        settings=settings.model_dump_json(),
        model_sha256=text_digest(model),
        voltage=settled.voltage,
        states=[float(value) for value in settled.states],
        state_names=list(kernel.state_names),
        outcome=settled.outcome,
        beats=settled.beats,
        apd90=[None if math.isnan(one.apd()) else one.apd() for one in potentials],
        peak=potentials[0].peak,
        steepest=potentials[0].steepest,
        carrier=stimulus.carrier.name if stimulus.carrier else "",
        change=max(settled.changes.values(), default=None),
        drifts={name: settled.drifts[name] for name in moving},
    )


def _settled(kernel: Kernel, settings: Pacing, stimulus: Stimulus) -> Settled:
    settling = settings.settling
    return settle(
        kernel,
        cycle_length=settings.cycle_length,
        tolerance=settling.tolerance,
        fewest_beats=settling.fewest_beats,
        most_beats=settling.most_beats,
        dt=PACING_DT,
        stimulus=stimulus,
    )


def _beats(
    kernel: Kernel,
    voltage: float,
    states: Floats,
    count: int,
    cycle_length: float,
    stimulus: Stimulus,
) -> list[ActionPotential]:
    """Pace so many beats on and return their voltages."""
    v, y = np.array([voltage]), np.array(states)[:, None].copy()
    traces = (
        trace(
            kernel, v, y, duration=cycle_length, dt=PACING_DT, sampling=SAMPLING, stimulus=stimulus
        )
        for _ in range(count)
    )
    return [ActionPotential(each.times, each.voltages[:, 0]) for each in traces]


def _key(model: CellModel, settings: Pacing, stimulus: Stimulus) -> str:
    """Return what names a rest state: everything that its numbers depend on.

    The processor is left out, which changes no more than rounding: a cohort on several types of
    node starts from one state.
    """
    settling = settings.settling
    parts = [
        SOLVER_VERSION,
        model.text,
        c_source(model),
        PACING_DT,
        asdict(stimulus),
        settings.cycle_length,
        settings.beats,
        [settling.tolerance, settling.fewest_beats, settling.most_beats],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _from_cache(path: Path, kernel: Kernel) -> CellState | None:
    """Return a state that was kept whole; None where there is none, or a broken one."""
    try:
        state = read_cell_state(path)
    except BadStudy:
        return None
    whole = list(state.state_names) == list(kernel.state_names) and len(state.states) == len(
        kernel.state_names
    )
    return state if whole else None


def _keep(path: Path, state: CellState) -> None:
    """Keep a state for later; a folder that cannot be written costs time and nothing else."""
    try:
        write_cell_state(path, state)
    except (BadStudy, MachineTrouble, OSError) as error:
        log.info("rest state is not kept: %s", error)
