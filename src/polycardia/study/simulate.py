"""One beat of one heart, on however many ranks share it."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Intracellular, Simulation
from polycardia.errors import BadStudy, PatientFailure
from polycardia.io.atomic import require_writable
from polycardia.io.heart_file import HeartResult, write_heart
from polycardia.io.origin import PREPARED, SOLVED, Outcome
from polycardia.io.prepared import PreparedFile
from polycardia.io.voltage_file import VoltageWriter, discard_voltage, voltage_path
from polycardia.provenance import peak_memory
from polycardia.scheduler import energy
from polycardia.solver.agreement import agreed, from_first
from polycardia.solver.clock import table
from polycardia.solver.diffusion import free_rate
from polycardia.solver.monodomain import Beat, require_capture, simulate_beat
from polycardia.solver.operators import Operators, TissueSlice, assemble
from polycardia.solver.partition import Comm, Ownership, ownership, versions
from polycardia.solver.recorders import Recorders
from polycardia.solver.softening import Allowance
from polycardia.study.calibration import Calibration
from polycardia.study.cells import membrane
from polycardia.study.checkpoint import NO_CHECKPOINT, CheckpointPlan, Run, discard, go_on
from polycardia.study.damage import require_whole_input
from polycardia.study.model import cell_type
from polycardia.study.outputs import probe_recorder, requested, snapshots
from polycardia.study.probes import PlacedProbe, place_probes
from polycardia.study.record import heart_record
from polycardia.study.resolution import calibration_of, mean_lengths, velocity_errors
from polycardia.study.result import heart_result
from polycardia.study.stimulation import (
    Response,
    capture_measures,
    not_captured,
    require_mapped_capture,
    responses,
    stimuli,
    watches,
)
from polycardia.study.tissue import (
    REFERENCE_LAYER,
    conductivities,
    described,
    faster,
    on_mesh,
    resolved,
)

log = logging.getLogger(__name__)


def simulate(
    heart: Path,
    settings: Simulation,
    *,
    models: Sequence[Path],
    kernels: Path,
    output: Path,
    comm: Comm,
    checkpoint: CheckpointPlan = NO_CHECKPOINT,
) -> None:
    """Simulate one heart; having no answer is also a result.  Collective.

    Args:
        heart: ``prepared.h5``.
        settings: everything that decides the numbers.
        models: states of the cell models, from the inside of the wall to the outside.
        kernels: folder of compiled kernels.
        output: ``<id>.vtkhdf``.
        comm: of all ranks that share the heart.
        checkpoint: to go on from and to write; it goes when the heart's file is written.

    Raises:
        BadStudy: on all ranks; the models do not fit, or a checkpoint that has to, or a file
            cannot be written.
        BadArchive: on all ranks; one of them cannot read the heart, or it is damaged.
        MachineTrouble: on all ranks; one of them has neither a kernel nor a compiler, or a signal
            asked for the end.
    """
    started, began = time.monotonic(), datetime.now(UTC)
    layers = settings.cells.by_layer()
    if len(models) != len(layers):
        raise BadStudy(f"found {len(models)} cell models, need one each for {', '.join(layers)}")
    run = Run(heart, settings, dict(zip(layers, models, strict=True)), output)
    written = [output, voltage_path(output), checkpoint.path or output]
    from_first(comm, lambda: require_whole_input(heart))
    with agreed(comm):
        opened = PreparedFile(heart)
    with opened as prepared:
        from_first(comm, lambda: _require_writable(written))
        outcome, solved = prepared.outcome, None
        if outcome.status == PREPARED:
            try:
                outcome, solved = Outcome(SOLVED), _solve(prepared, run, kernels, comm, checkpoint)
            except PatientFailure as failure:
                outcome = Outcome(failure.outcome, str(failure))
        memory = comm.allreduce(peak_memory())
        if comm.Get_rank() > 0:
            return
        if outcome.detail:
            log.warning("%s: %s", outcome.status, outcome.detail)
        record = (
            heart_record(prepared.provenance, settings)
            | versions()
            | {
                "ranks": comm.Get_size(),
                "memory": memory,
                "began": began.isoformat(timespec="seconds"),
                "seconds": time.monotonic() - started,
                "energy": energy(),
            }
        )
        result = None
        if solved is not None:
            record |= _record_of(solved)
            result = _result(prepared, solved, settings, record)
        if result is None or settings.outputs.voltage is None:
            discard_voltage(output)
        write_heart(output, result, outcome, record)
    discard(checkpoint)


def _require_writable(files: Sequence[Path]) -> None:
    """Raise now what would cost the whole beat when it is written."""
    for file in files:
        require_writable(file)


@dataclass(frozen=True)
class _Solved:
    """What `simulate` puts into a solved heart's file, beside what was prepared.

    Nothing else of the solver's outlives `_solve`: its memory is free when the result is written.
    """

    beat: Beat
    responses: Sequence[Response]
    probes: Sequence[PlacedProbe]
    tissue: Mapping[str, object]
    softened: float
    kernels: Mapping[str, str]
    errors: Mapping[str, tuple[float, str]]
    writer: VoltageWriter | None


def _solve(
    prepared: PreparedFile, run: Run, kernels: Path, comm: Comm, checkpoint: CheckpointPlan
) -> _Solved:
    """Step the heart through its protocol.  Collective."""
    settings = run.settings
    with agreed(comm):
        cells = [cell_type(path, kernels) for path in run.models.values()]
        waves = {layer: calibration_of(path) for layer, path in run.models.items()}
    owned = ownership(prepared.n_nodes, comm)
    probes = place_probes(prepared, settings, comm)
    nodes = prepared.read_nodes(owned.first, owned.last)
    wall = _wall(prepared, settings, waves, nodes.cell_type, owned, comm)
    tissue = membrane(prepared, nodes, wall.operators.halo, settings.cells, cells)
    recorders = Recorders(
        tissue.resting_voltage()[: owned.count],
        prepared.read_leads(
            owned.first, owned.last, fibre=wall.inside.fibre, cross=wall.inside.cross
        ),
        settings,
        probe_recorder(probes, settings, owned, tissue),
        watches(nodes.sites, owned, settings),
    )
    acts = stimuli(nodes.sites, owned, settings)
    checkpoints, writer = go_on(checkpoint, run, prepared, cells, recorders, comm)
    with ExitStack() as stack:
        if writer is not None:
            stack.callback(writer.close)
        taken = snapshots(settings, writer)
        beat = simulate_beat(
            comm, wall.operators, tissue, acts, recorders, settings, taken, checkpoints
        )
        found = responses(prepared.read_sites(), beat.recorded.captured, settings)
        require_mapped_capture(found, settings)
        require_capture(comm, beat.recorded.activation, settings.numerics.duration)
        stack.pop_all()  # what was taken is not a file yet
    compiled = {layer: cell.kernel.digest for layer, cell in zip(run.models, cells, strict=True)}
    softened = wall.operators.softened
    return _Solved(beat, found, probes, wall.described, softened, compiled, wall.errors, writer)


@dataclass(frozen=True)
class _Wall:
    """What conducts.

    Attributes:
        operators: of this rank's part.
        inside: intracellular conductivities [mS/mm].
        described: the tissue, for the provenance.
        errors: measures of how far the mesh changes velocities.
    """

    operators: Operators
    inside: Intracellular
    described: Mapping[str, object]
    errors: Mapping[str, tuple[float, str]]


def _wall(
    prepared: PreparedFile,
    settings: Simulation,
    waves: Mapping[str, Calibration],
    layers: NDArray[np.uint8],
    owned: Ownership,
    comm: Comm,
) -> _Wall:
    """Assemble the tissue, as fast as its mesh lets it be.  Collective."""
    speed = waves[REFERENCE_LAYER].speed
    inside, _ = conductivities(settings.tissue, speed)
    part = tissue_slice(prepared, owned)
    physical = conducting = resolved(settings.tissue, speed)
    if settings.tissue.velocities is not None:
        conducting = on_mesh(physical, mean_lengths(part, comm), waves[REFERENCE_LAYER])
    allowed = Allowance(settings.numerics.softened_volume, free_rate(settings.numerics.dt))
    operators = assemble(part, conducting, comm=comm, allowed=allowed)
    del part  # as large as the matrix
    errors = velocity_errors(
        operators.elements,
        layers,
        list(waves.values()),
        settings.numerics.velocity_error_limit,
        comm,
        corrected=faster(conducting, physical),
    )
    return _Wall(operators, inside, described(physical, conducting, waves), errors)


def _result(
    prepared: PreparedFile,
    solved: _Solved,
    settings: Simulation,
    record: Mapping[str, object],
) -> HeartResult:
    """Write the file of snapshots, if they were asked for, and put the heart's together."""
    heart, recorded, asked = prepared.stored(), solved.beat.recorded, settings.outputs.voltage
    times = None
    if solved.writer is not None and asked is not None:
        times = solved.writer.finish(heart, asked.start, asked.interval, record)
        if times is None:
            log.warning(
                "the beat ended before outputs.voltage.start %g ms: no snapshots of the voltage",
                asked.start,
            )
    extra = {**capture_measures(solved.responses, settings), **solved.errors}
    wanted = requested(prepared, recorded, solved.probes, settings, times)
    return heart_result(heart, recorded, settings, wanted, extra)


def tissue_slice(prepared: PreparedFile, owned: Ownership) -> TissueSlice:
    """Read what a rank assembles from."""
    part = prepared.read_cells(owned.first, owned.last)
    return TissueSlice(owned, part.tetrahedra, part.points, part.touched, part.fibre, part.factor)


def _record_of(solved: _Solved) -> dict[str, object]:
    """Return what only a solved heart's provenance says."""
    cost = solved.beat.cost
    log.info("where the time went\n%s", table(cost))
    return {
        **{f"cost_{name}": value for name, value in asdict(cost).items()},
        "not_captured": not_captured(solved.responses),
        "tissue": json.dumps(solved.tissue),
        "softened_volume": solved.softened,
        "kernels": json.dumps(solved.kernels),
    }
