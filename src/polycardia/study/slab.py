"""The N-version benchmark slab on the cohort's own solver."""

import json
import math
from dataclasses import replace

import numpy as np

from polycardia.config import (
    FEWEST_SAMPLES,
    LONGEST_DT,
    SHORTEST_DT,
    CellModel,
    Numerics,
    Simulation,
    Stimulation,
    Stimulus,
    Waves,
    whole_steps,
)
from polycardia.errors import BadStudy
from polycardia.io.folders import kernel_folder, wave_folder
from polycardia.physics import slab as problem
from polycardia.physics.heart import Site
from polycardia.physics.mesh import Floats, TetMesh
from polycardia.provenance import peak_memory
from polycardia.solver.agreement import agreed, from_first
from polycardia.solver.clock import PARTS, Cost, table
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import Beat, require_capture, simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import Comm, ownership, world
from polycardia.solver.recorders import Recorders
from polycardia.solver.resolution import UNCHANGED, CurrentFactor
from polycardia.study.kernels import compiled, equations
from polycardia.study.ranks import ranks_here, run_on
from polycardia.study.stimulation import stimuli
from polycardia.study.waves import current_of

CELL_MODEL = "tp06_epi"
CORNER = "corner"  # where it is stimulated
REPORT_INTERVAL = 1.0  # [ms]
FINEST = 0.01  # [mm], 4e8 nodes
LONGEST = 200.0  # [ms], a multiple of it; the slowest published code takes 144 ms at 0.5 mm


def slab(
    *,
    spacing: float,
    dt: float,
    ranks: int | None,
    as_json: bool,
    kind: problem.MeshKind = "bricks",
    until: float | None = None,
    corrected: bool = True,
) -> None:
    """Run the benchmark and print the activation times of its nine points.

    Args:
        spacing: edge length of the bricks [mm].
        dt: time step [ms].
        ranks: MPI ranks to start; None takes those that this was started on.
        as_json: print one JSON object instead of a table.
        kind: of the mesh.
        until: [ms] to stop at, whatever has not been activated by then; None waits for all of it.
        corrected: whether the current near the front is corrected for the elements' length; without
            that the error is of second order, as an extrapolation to no length at all needs it.

    Raises:
        BadStudy: spacing, time step or end are unusable.
        NoCapture: some of the slab never activates.
        CompilerFailed: on all ranks; a rank has neither the kernel nor a compiler.
    """
    if not FINEST <= spacing <= min(problem.EDGES):
        raise BadStudy(f"dx {spacing:g} mm, expected {FINEST:g} to 3")
    settings = slab_settings(dt, until)
    if ranks is not None and ranks != ranks_here():
        given = [] if until is None else ["--until", str(until)]
        given += [] if corrected else ["--uncorrected"]
        given += ["--json"] if as_json else []
        run_on(ranks, ["slab", "--dx", str(spacing), "--dt", str(dt), "--mesh", kind, *given])
        return
    comm = world()
    mesh = problem.slab_mesh(spacing, kind)
    beat = slab_beat(mesh, problem.stimulated_share(mesh), settings, comm, corrected)
    if until is None:
        require_capture(comm, beat.recorded.activation, settings.numerics.duration)
    memory = comm.allreduce(peak_memory())
    if beat.recorded.activation is not None:
        found = _findings(mesh, beat, comm.Get_size(), memory)
        print(json.dumps(found) if as_json else _as_text(found, beat.cost), flush=True)


def slab_settings(dt: float, until: float | None = None) -> Simulation:
    if not SHORTEST_DT <= dt <= LONGEST_DT:
        raise BadStudy(f"dt {dt:g} ms, expected {SHORTEST_DT:g} to {LONGEST_DT:g}")
    try:
        whole_steps(REPORT_INTERVAL, dt, "the interval of reports,")
    except ValueError as error:
        raise BadStudy(str(error)) from None
    first = math.ceil(FEWEST_SAMPLES * dt)
    if until is not None and not (first <= until <= LONGEST and until.is_integer()):
        raise BadStudy(f"until {until:g} ms, expected {first}, {first + 1}, ... {LONGEST:g}")
    return Simulation(
        tissue=problem.TISSUE,
        sampling_interval=dt,
        numerics=Numerics(
            dt=dt,
            dt_quiet=dt,
            duration=LONGEST if until is None else until,
            report_interval=REPORT_INTERVAL,
            stop="when_activated",
        ),
        stimulation=Stimulation(
            stimulus=Stimulus(
                amplitude=problem.STIMULUS_AMPLITUDE, duration=problem.STIMULUS_DURATION
            ),
            delays={CORNER: 0.0},
        ),
    )


def slab_beat(
    mesh: TetMesh,
    stimulated: Floats,
    settings: Simulation,
    comm: Comm,
    corrected: bool = True,
) -> Beat:
    """Run the benchmark on a mesh of the slab, however it lies.  Collective.

    Args:
        mesh: the same on all ranks.
        stimulated: ``(n_points,)`` share of each node's volume that takes part.
        settings: from `slab_settings`.
        comm: of all ranks.
        corrected: as in `slab`.
    """
    owned = ownership(len(mesh.points), comm)
    share = stimulated[owned.first : owned.last]
    stimulated_here = np.flatnonzero(share)
    site = Site(CORNER, owned.first + stimulated_here, owned.first + stimulated_here)
    acts = [
        replace(act, amplitude=act.amplitude * share[stimulated_here])
        for act in stimuli([site], owned, settings)
    ]
    operators = assemble(slice_of(mesh, owned), settings.tissue, comm=comm)
    cells = Membrane([_cell(settings, comm, corrected)], np.zeros(operators.halo.n_local, np.int64))
    recorders = Recorders(
        cells.resting_voltage()[: owned.count], np.zeros((0, owned.count)), settings
    )
    return simulate_beat(comm, operators, cells, acts, recorders, settings)


def _cell(settings: Simulation, comm: Comm, corrected: bool) -> CellType:
    """Return the benchmark's cell, from the state that it prescribes.  Collective.

    Raises:
        CompilerFailed: on all ranks; one of them has no compiler, or it refuses the kernel.
        BadStudy: on all ranks; no wave propagates at this time step.
    """
    model = CellModel(name=CELL_MODEL)
    waves = Waves(dt=settings.numerics.dt, anisotropy=settings.tissue.anisotropy)

    def measured() -> CurrentFactor:
        return current_of(compiled(model, kernel_folder()), equations(model), waves, wave_folder())

    current = from_first(comm, measured) if corrected else UNCHANGED
    with agreed(comm):
        kernel = compiled(model, kernel_folder())
    voltage, states = kernel.resting(1)
    return CellType(kernel, float(voltage[0]), states[:, 0], current=current)


def _findings(mesh: TetMesh, beat: Beat, ranks: int, memory: int) -> dict[str, object]:
    activation = np.asarray(beat.recorded.activation)
    cost = beat.cost
    return {
        "points": {
            name: None if math.isnan(time) else time
            for name, time in problem.at_points(mesh, activation).items()
        },
        "nodes": len(mesh.points),
        "steps": cost.n_steps,
        "seconds": cost.stepping,
        "seconds_processor": cost.processor,
        "ranks": ranks,
        "stages": cost.stages,
        "exchanges": cost.exchanges,
        "messages": cost.messages,
        "message_bytes": cost.message_bytes,
        **{f"seconds_{part}": getattr(cost, part) for part in PARTS},
        "memory_bytes": memory,
    }


def _as_text(found: dict[str, object], cost: Cost) -> str:
    points = found["points"]
    assert isinstance(points, dict)
    lines = [
        f"{name}  not activated" if time is None else f"{name}  {time:7.2f} ms"
        for name, time in points.items()
    ]
    return "\n".join([*lines, "", table(cost)])
