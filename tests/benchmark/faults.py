"""The campaign of ``make faults``, as JSON: what is left after at least 200 faults.

Each is done to a copy of a study that was computed undisturbed, on this machine or on a real SLURM
cluster of two nodes that is started here, and is followed by one plain run of Snakemake.  The
figures count faults, and by `fault_ground.Verdict` what must not be: ``lost``, ``taken_for_whole``,
``differing``, ``not_completed``.  All of them are drawn from one seed; moments are the clock's.
Runs with tests/workflow on PYTHONPATH; takes about 40 minutes on two cores.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fault_cluster import cluster_trials
from fault_damage import batches, damages, unfinished_beat
from fault_ground import Verdict, computed, figures
from fault_kills import drawn, killed_job, killed_snakemake
from fault_machine import full_disk, little_memory, two_runs
from tiny_cohort import Study

SEED = 4
DAMAGES = 210  # of which a quarter has no such file to damage: a checkpoint in a finished study
# How often each of these is tried; a kind may hurt a run twice.
LOCAL: tuple[tuple[Callable[[Study, Path, random.Random], Verdict], int], ...] = (
    (lambda study, folder, chance: killed_job(
        study, folder, drawn(chance, ["two hearts"], ["the first job", "a beat"]), chance, "rank", 2
    ), 3),
    (lambda study, folder, chance: killed_job(
        study, folder, drawn(chance), chance, "job", 2
    ), 4),
    (lambda study, folder, chance: killed_snakemake(
        study, folder, drawn(chance), alone=True
    ), 5),
    (lambda study, folder, chance: killed_snakemake(
        study, folder, drawn(chance), alone=False
    ), 5),
    (lambda study, folder, chance: little_memory(
        study, folder, drawn(chance, ["a heart"], ["the first job"])
    ), 2),
    (lambda study, folder, chance: two_runs(study, folder, drawn(chance), chance), 4),
    (full_disk, 4),
)  # fmt: skip


def local_trials(undisturbed: Study, folder: Path, chance: random.Random) -> Iterator[Verdict]:
    """Yield what becomes of a study on this machine."""
    checkpoint = unfinished_beat(undisturbed, folder / "unfinished")
    for number, kinds in enumerate(batches(chance, DAMAGES)):
        yield damages(undisturbed, folder / f"damage-{number}", chance, checkpoint, kinds)
    for kind, (trial, times) in enumerate(LOCAL):
        for number in range(times):
            yield trial(undisturbed, folder / f"{kind}-{number}", chance)


PARTS = {"local": local_trials, "cluster": cluster_trials}


def main() -> int:
    """Print the figures; the exit status says whether all that must hold does."""
    typed = argparse.ArgumentParser(description=__doc__)
    typed.add_argument("--seed", type=int, default=SEED)
    typed.add_argument("--part", choices=PARTS, action="append", help="all of them by default")
    asked = typed.parse_args()
    verdicts = []
    ground = Path(tempfile.mkdtemp(prefix="polycardia-faults-"))
    undisturbed = computed(ground)
    for part in asked.part or PARTS:
        trials = ground / part
        chance = random.Random(f"{asked.seed} {part}")
        kept = {trials / "unfinished", trials / "slurm"}
        for verdict in PARTS[part](undisturbed, trials, chance):
            verdicts.append(verdict)
            print(told(verdict), file=sys.stderr, flush=True)
            used = set(trials.iterdir()) - kept
            for folder in used if verdict.survived else ():
                shutil.rmtree(folder, ignore_errors=True)
            kept |= used
    print(figures(verdicts, asked.seed))
    if all(verdict.survived for verdict in verdicts):
        shutil.rmtree(ground)
    else:
        print(f"what is left of the others is in {ground}", file=sys.stderr)
    return 0 if all(verdict.survived for verdict in verdicts) else 1


def told(verdict: Verdict) -> str:
    """Return a line on a trial, for who watches."""
    outcome = "survived" if verdict.survived else f"NOT survived: {vars(verdict)}"
    return f"{verdict.seconds:5.0f} s  {verdict.kind}: {'; '.join(verdict.injected)}: {outcome}"


if __name__ == "__main__":
    sys.exit(main())
