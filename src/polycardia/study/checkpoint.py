"""Which checkpoint a heart may go on from: only its own, with nothing else changed."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from polycardia import SOLVER_VERSION
from polycardia.config import Simulation
from polycardia.errors import BadArchive, BadStudy, MachineTrouble, PolycardiaError
from polycardia.io.checkpoint_file import (
    CheckpointFile,
    digest_of_contents,
    discard_checkpoint,
    require_whole,
    write_checkpoint,
)
from polycardia.io.prepared import PreparedFile
from polycardia.io.voltage_file import NOTHING_TAKEN, Taken, VoltageWriter
from polycardia.provenance import digest_of_files
from polycardia.solver.agreement import agreed, from_first
from polycardia.solver.checkpoint import START, Checkpoints, Keep, Mark, Named, layout
from polycardia.solver.membrane import CellType
from polycardia.solver.partition import Comm
from polycardia.solver.recorders import Recorders
from polycardia.study.outputs import voltage_writer

log = logging.getLogger(__name__)

MINUTES = 10.0
"""Between two checkpoints, of wall time.  A checkpoint of a million nodes takes a second or two."""

Identity = Mapping[str, Any]


@dataclass(frozen=True)
class CheckpointPlan:
    """Where a heart's checkpoint is.

    Attributes:
        path: of the file; None where there is none.
        minutes: of wall time between two of them.
        required: whether it is an error if it cannot be gone on from; it is told otherwise.
    """

    path: Path | None = None
    minutes: float = MINUTES
    required: bool = False


NO_CHECKPOINT = CheckpointPlan()


@dataclass(frozen=True)
class Run:
    """What decides a heart's numbers; all of it has to be as it was to go on.

    Attributes:
        heart: ``prepared.h5``.
        settings: of the simulation.
        models: states of the cell models, by layer.
        output: ``<id>.vtkhdf``.
    """

    heart: Path
    settings: Simulation
    models: Mapping[str, Path]
    output: Path


def identity(run: Run, cells: Sequence[CellType], recorders: Recorders) -> dict[str, Any]:
    """Return what has to be equal, the most telling things first.

    The kernels' text follows from the models' and the solver's version.  Their compiled form does
    not count: it differs where a job is tried again on a node with another processor.
    """
    models = {f"model {layer}": digest_of_files([path]) for layer, path in run.models.items()}
    states = {
        f"states {layer}": ", ".join(cell.kernel.state_names)
        for layer, cell in zip(run.models, cells, strict=True)
    }
    return {
        **flat(run.settings.model_dump(mode="json")),
        "heart": digest_of_contents(run.heart),
        **models,
        "solver version": SOLVER_VERSION,
        **states,
        **{f"recorded {name}": kind for name, kind in layout(recorders).items()},
    }


def difference(kept: Identity, now: Identity) -> str | None:
    """Name the first thing that differs, with both values; None if nothing does."""
    for name in dict.fromkeys([*now, *kept]):
        if name not in kept or name not in now or kept[name] != now[name]:
            both = (
                json.dumps(which[name]) if name in which else "nothing" for which in (kept, now)
            )
            return f"{name} differs: the checkpoint has {next(both)}, this run {next(both)}"
    return None


def go_on(
    plan: CheckpointPlan,
    run: Run,
    prepared: PreparedFile,
    cells: Sequence[CellType],
    recorders: Recorders,
    comm: Comm,
) -> tuple[Checkpoints, VoltageWriter | None]:
    """Return a beat's checkpoints, with what to go on from, and what takes snapshots.  Collective.

    Args:
        plan: where the checkpoint is.
        run: what decides the numbers.
        prepared: the heart.
        cells: of the layers.
        recorders: of this rank.
        comm: of all ranks that share the heart.

    Raises:
        BadStudy: on all ranks; a checkpoint that has to be gone on from differs or is damaged.
        BadArchive: on all ranks; one of them cannot read the heart or the checkpoint.
    """
    first = comm.Get_rank() == 0
    wanted = plan.path is not None
    now = from_first(comm, lambda: identity(run, cells, recorders) if wanted else {})
    mark = from_first(comm, lambda: _usable(plan, now))
    try:
        kept = from_first(comm, lambda: _snapshots(plan, mark))
        writer = voltage_writer(run.output, prepared, run.settings, comm, kept)
    except BadArchive as fault:
        if plan.required:
            raise BadStudy(str(fault)) from None
        if first:
            _tell_of(fault)
        mark = START
        writer = voltage_writer(run.output, prepared, run.settings, comm)
    checkpoints = Checkpoints(every=60.0 * plan.minutes, wanted=plan.path is not None, start=mark)
    if plan.path is not None:
        if mark != START:
            with agreed(comm):
                checkpoints.kept = CheckpointFile(plan.path)
            if first:
                time = mark.tick * run.settings.numerics.dt
                log.info("goes on at %g ms from %s", time, plan.path)
        if first:
            checkpoints.keep = _keeper(plan.path, now, run.settings.numerics.dt, writer)
    return checkpoints, writer


def _keeper(path: Path, now: Identity, dt: float, writer: VoltageWriter | None) -> Keep:
    """Return what writes checkpoints, on the first rank."""

    def keep(mark: Mark, arrays: Named) -> None:
        try:
            taken = NOTHING_TAKEN
            if writer is not None:
                writer.sync()
                taken = writer.taken
            about = {"run": now, "mark": asdict(mark), "snapshots": asdict(taken)}
            write_checkpoint(path, about, arrays)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error
            raise MachineTrouble(f"{path} cannot be written: {reason}") from None
        log.info("checkpoint at %g ms in %s", mark.tick * dt, path)

    return keep


def discard(plan: CheckpointPlan) -> None:
    """Remove a checkpoint that is no longer needed."""
    if plan.path is None:
        return
    try:
        discard_checkpoint(plan.path)
    except OSError as error:
        log.warning("%s cannot be removed: %s", plan.path, error.strerror)


def _usable(plan: CheckpointPlan, now: Identity) -> Mark:
    """Return where the checkpoint is that can be gone on from, or `START`.

    Raises:
        BadStudy: there is none, and there has to be.
    """
    if plan.path is None or not (plan.required or plan.path.exists()):
        return START
    try:
        return _mark(plan.path, now)
    except BadArchive as fault:
        if plan.required:
            raise BadStudy(str(fault)) from None
        _tell_of(fault)
        return START


def _mark(path: Path, now: Identity) -> Mark:
    """Return where a checkpoint was written.

    Raises:
        BadArchive: it is damaged, or of another run; what differs is named.
    """
    require_whole(path)
    with CheckpointFile(path) as file:
        differs = difference(file.about["run"], now)
        mark = Mark(**file.about["mark"])
    if differs:
        raise BadArchive(f"{path}: {differs}")
    return mark


def _snapshots(plan: CheckpointPlan, mark: Mark) -> Taken:
    """Return the snapshots that a checkpoint counts on."""
    if plan.path is None or mark == START:
        return NOTHING_TAKEN
    with CheckpointFile(plan.path) as file:
        return Taken(**file.about["snapshots"])


def _tell_of(fault: PolycardiaError) -> None:
    log.warning("%s; starts at 0 ms", fault)


def flat(settings: Any, name: str = "") -> dict[str, Any]:
    """Return settings by their dotted names."""
    if not isinstance(settings, dict) or not settings:
        return {name: settings}
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flat(value, f"{name}.{key}" if name else str(key))
    return found
