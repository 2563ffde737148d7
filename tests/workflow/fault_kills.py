"""SIGKILL at random moments: of a rank, of a job with all of its processes, of Snakemake."""

import contextlib
import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]
from fault_ground import Trial, Verdict
from tiny_cohort import LONGEST, Study

LINGER = 1.0  # [s] after a moment has come, at most


def _any(places: str, text: str = "") -> Callable[[Study, int], bool]:
    """Return what tells whether there is such a file below the results, with a text in it."""

    def seen(study: Study, process: int) -> bool:
        found = study.results.glob(places)
        return any(text in path.read_text() if text else True for path in found)

    return seen


def _planned(study: Study, process: int) -> bool:
    return f'"process": {process},' in (study.results / ".run").read_text(errors="replace")


# What is seen of a run from outside, in the order in which it comes.
MOMENTS: Mapping[str, Callable[[Study, int], bool]] = {
    "the plan": _planned,
    "the first job": _any("logs/**/*.log"),
    "a beat": _any("logs/simulate/*.log", " t "),
    "a heart's file": _any("hearts/.*.vtkhdf.*.part"),
    "a shard": _any("logs/shard/*.log"),
    "the archive": _any("logs/archive.log"),
}
HEARTS_MOMENTS = tuple(MOMENTS)
# What a run is given to do, by what is deleted, and the moments it has.
WORK: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "a heart": (("hearts/*s0001*",), HEARTS_MOMENTS),
    "two hearts": (("hearts/*s0001*", "hearts/*s0002*"), HEARTS_MOMENTS),
    "from a mesh": (("work/s0003/prepared.h5", "hearts/*s0003*"), HEARTS_MOMENTS),
    "gathering": (
        ("shards/*.h5", "cohort.h5", "report/index.html"),
        ("the plan", "the first job", "a shard", "the archive"),
    ),
}


class Plan(NamedTuple):
    """What a run has to do, and when harm comes to it.

    Attributes:
        work: of `WORK`.
        moment: of `MOMENTS`.
        after: that moment [s].
    """

    work: str
    moment: str
    after: float = 0.0


def drawn(
    chance: random.Random, works: Sequence[str] = tuple(WORK), moments: Sequence[str] = ()
) -> Plan:
    """Draw a plan, of some works and moments only if they are given."""
    work = chance.choice(works)
    return Plan(work, chance.choice(moments or WORK[work][1]), chance.uniform(0.0, LINGER))


def begun(trial: Trial, plan: Plan) -> subprocess.Popen[str]:
    """Take what a run has to do from a study, with all logs, and start it."""
    trial.without(*WORK[plan.work][0], "logs/**/*.log")
    return trial.study.start()


def has_come(trial: Trial, plan: Plan, running: subprocess.Popen[str]) -> bool:
    """Wait for the moment, or one that comes later; False if the run ended before."""
    names = list(MOMENTS)
    last = [MOMENTS[name] for name in names[names.index(plan.moment) :]]
    while running.poll() is None:
        with contextlib.suppress(FileNotFoundError):  # it was there a moment ago
            if any(seen(trial.study, running.pid) for seen in last):
                time.sleep(plan.after)
                return running.poll() is None
        time.sleep(0.01)
    return False


def killed_job(
    undisturbed: Study, folder: Path, plan: Plan, chance: random.Random, kind: str, times: int = 1
) -> Verdict:
    """Kill ranks, or whole jobs, of a run that goes on; then run once more, and judge.

    Args:
        undisturbed: the study.
        folder: of the copy.
        plan: of its run.
        chance: decides which.
        kind: ``rank`` or ``job``.
        times: fewer than the workflow tries a heart.
    """
    trial = Trial(undisturbed, folder, f"SIGKILL of a {kind}")
    running = begun(trial, plan)
    there = has_come(trial, plan, running)
    for number in range(times):
        if number:
            time.sleep(chance.uniform(0.0, LINGER))
        killed = _kill_some(running, kind, chance) if there else ""
        if killed:
            trial.injected(f"{plan.moment}: {killed}")
    output, _ = running.communicate(timeout=LONGEST)
    trial.told(output)
    return trial.judge(trial.finished())


def killed_snakemake(undisturbed: Study, folder: Path, plan: Plan, *, alone: bool) -> Verdict:
    """Kill Snakemake, with its jobs or without; then run once more, at once, and judge.

    Args:
        undisturbed: the study.
        folder: of the copy.
        plan: of its run.
        alone: whether its jobs live on.
    """
    trial = Trial(undisturbed, folder, "SIGKILL of Snakemake" + ("" if alone else " and its jobs"))
    running = begun(trial, plan)
    if has_come(trial, plan, running):
        snakemake = psutil.Process(running.pid)
        jobs = [] if alone else snakemake.children(recursive=True)
        _kill([snakemake, *jobs])
        trial.injected(f"{plan.moment} of {plan.work}: with {len(jobs)} processes of its jobs")
    running.wait(timeout=LONGEST)
    if running.stdout:
        if not alone:
            trial.told(running.stdout.read())
        running.stdout.close()  # jobs that live on hold the other end
    return trial.judge(trial.finished())


def _kill_some(running: subprocess.Popen[str], kind: str, chance: random.Random) -> str:
    """Wait for something to kill, and return what it was; '' if the run ends before."""
    snakemake = psutil.Process(running.pid)
    while running.poll() is None:
        with contextlib.suppress(psutil.Error):  # it was there a moment ago
            found = ranks(snakemake) if kind == "rank" else _jobs(snakemake)
            if found:
                victims = chance.choice(found)
                what = " ".join(victims[0].cmdline()[-14:])[:80]
                victims[0].kill()
                _kill(victims[1:])
                return f"{kind} of {len(victims)} processes: {what}"
        time.sleep(0.01)
    return ""


def ranks(snakemake: psutil.Process) -> list[list[psutil.Process]]:
    """Return all ranks that simulate, each by itself."""
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


def _kill(processes: Sequence[psutil.Process]) -> None:
    """Kill processes, and wait until none of them can do anything any more."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 30.0
    while any(map(_lives, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
