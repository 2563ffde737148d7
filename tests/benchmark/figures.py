"""The figures of ``make bench``, as JSON: the solver, the kernels, the preparation, the machine.

Seconds differ between machines and hours; beside them stand the memory bandwidth and the rate of
the vectorised exponential, measured in the same run, to compare by.  What is compared with one
another is measured in turn, several times, and the least of each is taken.

``TORCHCOR_PYTHON`` names the interpreter of an environment that TorchCor is installed in; without
it that comparison is left out (`torchcor_slab`).
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import communication
import h5py
import numpy as np
from ionic_bench import measure

from polycardia.physics import slab as problem
from polycardia.solver.operators import diffusivity

HEART = Path(__file__).resolve().parents[3] / "shared/hearts/heart-a/heart-a.pts"
EDGE_LENGTH = 1.0  # [mm] of the heart whose partition is counted
DT = 0.02  # [ms]
SPACING = 0.2  # [mm] of the slab that others publish
SHARED, SHARED_UNTIL = 0.12, 5.0  # [mm], [ms]: 258,000 nodes, on one rank and on two
SIZES, SIZES_UNTIL = (0.2, 0.12, 0.0755, 0.047), 2.0  # [mm], [ms]: 58 thousand to 4.2 million
REPEATS = 3
PARTS = ("processor", "reaction", "front", "diffusion", "halo", "output", "control")
LOOK_EVERY = 0.2  # [ms], as `solver.stepping` has it
TORCHCOR_UNTIL = 10.0  # [ms]

Run = dict[str, float]


def main() -> None:
    """Print all figures, what they were measured on first."""
    figures: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        figures["core_and_kernels"] = measure(Path(folder))
        figures["prepare"], tetrahedra = prepare(Path(folder))
        figures["torchcor"] = torchcor(Path(folder))
    whole = least([slab(SPACING) for _ in range(REPEATS)])
    figures["slab"] = summary(whole)
    pairs = [(slab(SHARED, SHARED_UNTIL), slab(SHARED, SHARED_UNTIL, 2)) for _ in range(REPEATS)]
    one, two = (least(runs) for runs in zip(*pairs, strict=True))
    figures["two_ranks"] = [summary(one), summary(two)]
    for clock in ("seconds", "seconds_processor"):
        figures[f"two_ranks_speed_up_{clock}"] = one[clock] / two[clock]
    sizes = [slab(spacing, SIZES_UNTIL) for spacing in SIZES]
    figures["sizes"] = [summary(run) for run in sizes]
    # Libraries and buffers are in all of them; what grows with the mesh is in the difference.
    grown = sizes[-1]["memory_bytes"] - sizes[0]["memory_bytes"]
    figures["memory_bytes_per_node"] = grown / (sizes[-1]["nodes"] - sizes[0]["nodes"])
    figures["communication"] = ranks_predicted(tetrahedra, whole, two)
    print(json.dumps(figures, indent=1))


def machine() -> dict[str, object]:
    """Return what the processor calls itself, and how much else is running on it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    widest = next((w for w in ("avx512f", "avx2", "sse2") if f" {w} " in " ".join(lines)), "")
    return {
        "processor": name,
        "vectors": widest,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def slab(spacing: float, until: float | None = None, ranks: int = 1) -> Run:
    """Run the benchmark slab through the command line."""
    command = ["polycardia", "slab", "--dx", str(spacing), "--dt", str(DT), "--ranks", str(ranks)]
    command += [] if until is None else ["--until", str(until)]
    # Without what MPI, initialised here by an import, has added behind Python's back.
    environment = dict(os.environ)
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    found: Run = json.loads(done.stdout.strip().splitlines()[-1])
    return {"spacing": spacing, **found}


def least(runs: Sequence[Run]) -> Run:
    """Return the one of several runs that took the processor least; ranks spin while they wait."""
    return min(runs, key=lambda run: run["seconds_processor"])


def summary(run: Run) -> Run:
    """Return a slab run's cost, in all and by part [core ns per node and step]."""
    node_steps = run["nodes"] * run["steps"] * 1e-9 / run["ranks"]
    seconds = {"all": run["seconds"], **{part: run[f"seconds_{part}"] for part in PARTS}}
    return {
        "spacing_mm": run["spacing"],
        "nodes": run["nodes"],
        "ranks": run["ranks"],
        "steps": run["steps"],
        "stages_per_step": run["stages"] / run["steps"],
        "exchanges_per_step": run["exchanges"] / run["steps"],
        **{f"ns_per_node_step_{part}": spent / node_steps for part, spent in seconds.items()},
        "memory_bytes": run["memory_bytes"],
    }


def prepare(folder: Path) -> tuple[dict[str, object], np.ndarray | None]:
    """Prepare the real heart, where it lies beside the checkout: as it is, and finer.

    Returns:
        What the first took, and the tetrahedra of the second.
    """
    if not HEART.exists():
        return {"skipped": "the real heart is not beside this checkout (../shared/hearts)"}, None
    seconds = _prepared(folder, 3.0)
    _prepared(folder, EDGE_LENGTH)
    with h5py.File(folder / "p.h5") as file:
        tetrahedra: np.ndarray = file["mesh/tetrahedra"][()]
    return {"tetrahedra": 146_615, "cpu_seconds": seconds}, tetrahedra


def _prepared(folder: Path, edge_length: float) -> float:
    """Prepare the heart at an edge length [mm] and return the processor's time [s]."""
    table, config = folder / "cohort.tsv", folder / "config.yaml"
    table.write_text(f"patient\tmesh\nheart-a\t{HEART}\n")
    config.write_text(
        f"cohort: {table}\nmeshes_outside: true\nanatomy: {{edge_length: {edge_length}}}\n"
    )
    command = ["prepare", "--config", config, "--patient", "heart-a", "--output", folder / "p.h5"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "polycardia", *command], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ranks_predicted(tetrahedra: np.ndarray | None, whole: Run, two: Run) -> object:
    """Return what many ranks would send on the heart, or else on a slab, and how long they take."""
    if tetrahedra is None:
        tetrahedra = problem.slab_mesh(SHARED).tetrahedra
    node_steps = whole["nodes"] * whole["steps"] * 1e-9
    reaction = whole["seconds_reaction"] / node_steps
    measured = {
        "reaction_ns": reaction,
        "other_ns": whole["seconds"] / node_steps - reaction,
        "exchanges": two["exchanges"] / two["steps"],
        "steps_a_look": LOOK_EVERY / DT,
    }
    n_nodes = int(tetrahedra.max()) + 1
    constants = {"latency_s": communication.LATENCY, "bytes_per_s": communication.BANDWIDTH}
    table = communication.prediction(tetrahedra, n_nodes, measured)
    return {"nodes": n_nodes, **constants, **measured, "table": table}


def torchcor(folder: Path) -> dict[str, object]:
    """Run TorchCor on the mesh of the 0.2 mm slab, on one thread of this machine."""
    interpreter = os.environ.get("TORCHCOR_PYTHON")
    if interpreter is None:
        return {"skipped": "TORCHCOR_PYTHON is not set"}
    mesh, sigma = problem.slab_mesh(SPACING), diffusivity(problem.TISSUE)
    scale = problem.TISSUE.surface_to_volume * problem.TISSUE.capacitance
    np.savez(
        folder / "slab.npz",
        points=mesh.points,
        tetrahedra=mesh.tetrahedra,
        stimulated=np.flatnonzero(problem.stimulated_share(mesh) > 0.5),
        amplitude=problem.STIMULUS_AMPLITUDE,
        duration=problem.STIMULUS_DURATION,
        conductivity=[scale * sigma.fibre, scale * sigma.cross],
    )
    script = Path(__file__).with_name("torchcor_slab.py")
    command = [interpreter, script, folder / "slab.npz", str(DT), str(TORCHCOR_UNTIL)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    cost = found["cpu_seconds"] / (found["nodes"] * found["steps"])
    return {**found, "ns_per_node_step": 1e9 * cost}


if __name__ == "__main__":
    main()
