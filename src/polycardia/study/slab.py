"""The N-version benchmark slab on the cohort's own solver."""

import json

import numpy as np

from polycardia.config import CellModel, Numerics, Simulation, Stimulus, whole_steps
from polycardia.errors import BadStudy
from polycardia.io.folders import kernel_folder
from polycardia.physics import slab as problem
from polycardia.physics.heart import Site
from polycardia.physics.mesh import TetMesh
from polycardia.provenance import peak_memory
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import Beat, require_capture, simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import Comm, ownership, world
from polycardia.study.model import compiled
from polycardia.study.ranks import ranks_here, run_on
from polycardia.study.simulate import stimuli

CELL_MODEL = "tp06_epi"
REPORT_INTERVAL = 1.0  # [ms]
LONGEST = 200.0  # [ms], a multiple of it; the slowest published code takes 144 ms at 0.5 mm


def slab(*, spacing: float, dt: float, ranks: int | None, as_json: bool) -> None:
    """Run the benchmark and print the activation times of its nine points.

    Args:
        spacing: edge length of the bricks [mm].
        dt: time step [ms].
        ranks: MPI ranks to start; None takes those that this was started on.
        as_json: print one JSON object instead of a table.

    Raises:
        BadStudy: spacing or time step are unusable.
        NoCapture: some of the slab never activates.
    """
    if not 0.0 < spacing <= min(problem.EDGES):
        raise BadStudy(f"dx {spacing:g} mm, expected more than 0 and at most 3")
    settings = _settings(dt)
    if ranks is not None and ranks != ranks_here():
        json_flag = ["--json"] if as_json else []
        run_on(ranks, ["slab", "--dx", str(spacing), "--dt", str(dt), *json_flag])
        return
    comm = world()
    mesh = problem.slab_mesh(spacing)
    beat = _beat(mesh, settings, comm)
    require_capture(comm, beat.activation, settings.numerics.duration)
    memory = comm.allreduce(peak_memory())
    if beat.activation is not None:
        found = _findings(mesh, beat, comm.Get_size(), memory)
        print(json.dumps(found) if as_json else _as_text(found), flush=True)


def _settings(dt: float) -> Simulation:
    if not 0.0 < dt <= REPORT_INTERVAL:
        raise BadStudy(f"dt {dt:g} ms, expected more than 0 and at most {REPORT_INTERVAL:g}")
    try:
        whole_steps(REPORT_INTERVAL, dt, "the interval of reports,")
    except ValueError as error:
        raise BadStudy(str(error)) from None
    return Simulation(
        tissue=problem.TISSUE,
        numerics=Numerics(
            dt=dt, duration=LONGEST, report_interval=REPORT_INTERVAL, stop="when_activated"
        ),
        stimulus=Stimulus(amplitude=problem.STIMULUS_AMPLITUDE, duration=problem.STIMULUS_DURATION),
    )


def _beat(mesh: TetMesh, settings: Simulation, comm: Comm) -> Beat:
    owned = ownership(len(mesh.points), comm)
    kernel = compiled(CellModel(name=CELL_MODEL), kernel_folder())
    voltage, states = kernel.resting(1)
    cells = CellType(kernel, float(voltage[0]), states[:, 0])
    nodes = problem.stimulated_nodes(mesh.points)
    own_nodes = nodes[(nodes >= owned.first) & (nodes < owned.last)]
    return simulate_beat(
        comm,
        assemble(
            slice_of(mesh, owned),
            settings.tissue,
            mass_lumping=settings.numerics.mass_lumping,
            comm=comm,
        ),
        Membrane([cells], np.zeros(owned.count, np.int64)),
        stimuli([Site("cube", own_nodes, 0.0)], owned, settings),
        np.zeros((0, owned.count)),
        settings,
    )


def _findings(mesh: TetMesh, beat: Beat, ranks: int, memory: int) -> dict[str, object]:
    activation = np.asarray(beat.activation)
    cost = beat.cost
    return {
        "points": {
            name: float(activation[node])
            for name, node in problem.nearest_nodes(mesh.points).items()
        },
        "nodes": len(mesh.points),
        "steps": cost.n_steps,
        "seconds": cost.stepping,
        "ranks": ranks,
        "iterations": cost.iterations,
        "seconds_membrane": cost.membrane,
        "seconds_diffusion": cost.diffusion,
        "seconds_recording": cost.recording,
        "memory_bytes": memory,
    }


def _as_text(found: dict[str, object]) -> str:
    points = found["points"]
    assert isinstance(points, dict)
    lines = [f"{name}  {time:7.2f} ms" for name, time in points.items()]
    return "\n".join(lines)
