"""SIGKILL at random moments: of a rank, of a job with all of its processes, of Snakemake."""

import random
import time
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from fault_ground import Trial, Verdict
from tiny_cohort import LONGEST, Study

# What a run is given to do, and how long that takes at most on an idle machine [s].
WORK: Mapping[str, tuple[tuple[str, ...], float]] = {
    "a heart": (("hearts/*s0001*",), 6.0),
    "two hearts": (("hearts/*s0001*", "hearts/*s0002*"), 10.0),
    "from a mesh": (("work/s0003/prepared.h5", "hearts/*s0003*"), 10.0),
    "gathering": (("shards/*.h5", "cohort.h5", "report/index.html"), 5.0),
}
PLANNED_AFTER = 1.0  # [s] before which Snakemake has no job to kill


def killed_job(
    undisturbed: Study, folder: Path, chance: random.Random, kind: str, times: int
) -> Verdict:
    """Kill ranks, or whole jobs, of a run that goes on; then run once more, and judge.

    Args:
        undisturbed: the study.
        folder: of the copy.
        chance: decides what and when.
        kind: ``rank`` or ``job``.
        times: fewer than the workflow tries a heart.
    """
    trial = Trial(undisturbed, folder, f"SIGKILL of a {kind}")
    name = "two hearts" if kind == "rank" else chance.choice(list(WORK))
    missing, longest = WORK[name]
    trial.without(*missing)
    running = trial.study.start()
    snakemake = psutil.Process(running.pid)
    for _ in range(times):
        time.sleep(chance.uniform(0.0, longest / times))
        victims = _some(snakemake, kind, chance)
        if victims:
            what = " ".join(victims[0].cmdline()[-14:])[:80]
            _kill(victims)
            trial.injected(f"{kind} of {len(victims)} processes: {what}")
    running.communicate(timeout=LONGEST)
    return trial.judge(trial.finished())


def killed_snakemake(
    undisturbed: Study, folder: Path, chance: random.Random, *, alone: bool
) -> Verdict:
    """Kill Snakemake, with its jobs or without; then run once more, at once, and judge.

    Args:
        undisturbed: the study.
        folder: of the copy.
        chance: decides when.
        alone: whether its jobs live on.
    """
    trial = Trial(undisturbed, folder, "SIGKILL of Snakemake" + ("" if alone else " and its jobs"))
    missing, longest = WORK[chance.choice(list(WORK))]
    trial.without(*missing)
    running = trial.study.start()
    delay = chance.uniform(0.2, longest)
    time.sleep(delay)
    if running.poll() is None:
        snakemake = psutil.Process(running.pid)
        jobs = [] if alone else snakemake.children(recursive=True)
        _kill([snakemake, *jobs])
        trial.injected(f"after {delay:.2f} s, with {len(jobs)} processes of its jobs")
    if not alone:
        running.communicate(timeout=LONGEST)
    elif running.stdout:
        running.stdout.close()  # its jobs hold the other end
    return trial.judge(trial.finished())


def _some(snakemake: psutil.Process, kind: str, chance: random.Random) -> list[psutil.Process]:
    """Wait for something to kill and return it; nothing if the run ends before."""
    while snakemake.is_running() and snakemake.status() != psutil.STATUS_ZOMBIE:
        try:
            found = _ranks(snakemake) if kind == "rank" else _jobs(snakemake)
            if found:
                return chance.choice(found)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.02)
    return []


def _ranks(snakemake: psutil.Process) -> list[list[psutil.Process]]:
    return [
        [process]
        for process in snakemake.children(recursive=True)
        if process.name().startswith("python") and "simulate" in process.cmdline()
    ]


def _jobs(snakemake: psutil.Process) -> list[list[psutil.Process]]:
    """Return each job's shell with all that it started."""
    return [
        [shell, *shell.children(recursive=True)]
        for shell in snakemake.children()
        if "polycardia" in " ".join(shell.cmdline())
    ]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes[1:], timeout=30)
