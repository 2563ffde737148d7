"""The figures of ``make bench``, as JSON: the solver, the kernels, the preparation, the machine.

Seconds differ between machines and hours; beside them stand the memory bandwidth and the rate of
the vectorised exponential, measured in the same run, to compare by.
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from ionic_bench import measure

HEART = Path(__file__).resolve().parents[3] / "shared/hearts/heart-a/heart-a.pts"
DT = 0.02  # [ms]
SPACING, FINER = 0.2, 0.125  # [mm] of the slabs; the finer one is there for its memory


def main() -> None:
    """Print all figures, what they were measured on first."""
    figures: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        figures["core_and_kernels"] = measure(Path(folder))
        figures["prepare"] = prepare(Path(folder))
    one, two = slab(SPACING, 1), slab(SPACING, 2)
    figures["slab"] = [summary(one), summary(two)]
    figures["two_ranks_speed_up"] = one["seconds"] / two["seconds"]
    finer = slab(FINER, 1)
    # Libraries and buffers are in both; what grows with the mesh is in the difference.
    grown = finer["memory_bytes"] - one["memory_bytes"]
    figures["memory_bytes_per_node"] = grown / (finer["nodes"] - one["nodes"])
    print(json.dumps(figures, indent=1))


def machine() -> dict[str, object]:
    """Return what the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    widest = next((w for w in ("avx512f", "avx2", "sse2") if f" {w} " in " ".join(lines)), "")
    return {"processor": name, "vectors": widest, "python": platform.python_version()}


def slab(spacing: float, ranks: int) -> dict[str, float]:
    """Run the benchmark slab through the command line."""
    command = ["polycardia", "slab", "--dx", str(spacing), "--dt", str(DT), "--ranks", str(ranks)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def summary(run: dict[str, float]) -> dict[str, float]:
    """Return a slab run's cost, in all and by part [ns per node and step]."""
    steps = run["nodes"] * run["steps"] * 1e-9
    parts = ("seconds", "seconds_membrane", "seconds_diffusion", "seconds_recording")
    costs = {part.replace("seconds", "ns_per_node_step"): run[part] / steps for part in parts}
    per_step = {"iterations_per_step": run["iterations"] / run["steps"]}
    return {"spacing_mm": SPACING, "ranks": run["ranks"], **costs, **per_step}


def prepare(folder: Path) -> dict[str, object]:
    """Prepare the real heart as it is, where it lies beside the checkout."""
    if not HEART.exists():
        return {"skipped": "the real heart is not beside this checkout (../shared/hearts)"}
    table, config = folder / "cohort.tsv", folder / "config.yaml"
    table.write_text(f"patient\tmesh\nheart-a\t{HEART}\n")
    config.write_text(f"cohort: {table}\nmeshes_outside: true\nanatomy: {{edge_length: 3.0}}\n")
    command = ["prepare", "--config", config, "--patient", "heart-a", "--output", folder / "p.h5"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "polycardia", *command], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"tetrahedra": 146_615, "cpu_seconds": seconds}


if __name__ == "__main__":
    main()
