"""What the batch system says of a job of its own."""

import math
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
NODES = ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "PBS_NODEFILE", "LSB_HOSTS")
TIMEOUT = 30  # [s] of a question; a scheduler that has just come back takes its time
SLURM_JOB = re.compile(r"[0-9]+(_[0-9]+)?")
# Both know a job by its number; the first forgets it after a while, the second needs a database.
QUESTIONS = (
    (("scontrol", "show", "job", "--oneliner"), re.compile(r"\bJobState=([A-Z_]+)")),
    (
        ("sacct", "--noheader", "--parsable2", "--allocations", "--format=State", "--jobs"),
        re.compile(r"\A([A-Z_]+)"),
    ),
)


def job_id() -> str:
    """Return the number of the batch job that this process belongs to, or ''."""
    return _first_set(JOB_IDS)


def job_nodes() -> str:
    """Return the nodes of this step or batch job, as the batch system writes them, or ''."""
    return _first_set(NODES)


def cores_of_a_step() -> int | None:
    """Return how many cores a step may take: a node's; None where jobs are not steps.

    They are where slurm/allocation says what each job's command begins with.
    """
    return int(os.environ["SLURM_CPUS_ON_NODE"]) if os.environ.get("POLYCARDIA_STEP") else None


def state_of(job: str) -> str:
    """Return SLURM's word for how a job is or ended, such as ``TIMEOUT``; '' if nobody knows.

    Args:
        job: as `job_id` has it; of another batch system nothing is known.
    """
    if not SLURM_JOB.fullmatch(job):
        return ""
    for question, word in QUESTIONS:
        if state := word.search(_answer([*question, job])):
            return state[1]
    return ""


@dataclass(frozen=True)
class Partition:
    """Nodes that are alike, as the scheduler lends them.

    Attributes:
        name: of the partition; its kinds of nodes are told apart by the rest.
        nodes: how many.
        cores: of a node.
        memory: of a node [MB].
        minutes: that a job may take; infinity where there is no limit.
    """

    name: str
    nodes: int
    cores: int
    memory: int
    minutes: float


def energy() -> float:
    """Return what the nodes of this step or job have used since it began [J]; NaN if nobody knows.

    SLURM counts whole nodes, and only where a site has set up ``AcctGatherEnergyType``.  The step
    that spans a job's nodes for logins only, ``extern``, would count them twice.
    """
    job, step = job_id(), os.environ.get("SLURM_STEP_ID", "")
    if not SLURM_JOB.fullmatch(job):
        return math.nan
    which = ["--jobs", f"{job}.{step}"] if step.isdigit() else ["--allsteps", "--jobs", job]
    said = _answer(
        ["sstat", "--noheader", "--parsable2", "--format=JobID,ConsumedEnergyRaw", *which]
    )
    rows = (line.partition("|") for line in said.splitlines())
    used = [float(joules) for name, _, joules in rows if joules.isdigit() and "extern" not in name]
    return sum(used) or math.nan  # a site without meters says 0


def partitions() -> list[Partition]:
    """Return what SLURM lends, as `sinfo` tells; nothing where there is none."""
    found = []
    for line in _answer(["sinfo", "--noheader", "--format=%P|%D|%c|%m|%l"]).splitlines():
        name, *numbers, limit = line.split("|")
        # Of kinds of nodes that sinfo sums up it tells the least, with a plus.
        nodes, cores, memory = (int(number.rstrip("+")) for number in numbers)
        found.append(Partition(name.rstrip("*"), nodes, cores, memory, _minutes(limit)))
    return found


def _minutes(limit: str) -> float:
    """Return a limit that SLURM writes as ``days-hours:minutes:seconds``, or less of it."""
    if not limit[:1].isdigit():  # infinite, n/a
        return math.inf
    days, _, clock = limit.rpartition("-")
    hours, minutes, seconds = ([0.0, 0.0] + [float(part) for part in clock.split(":")])[-3:]
    return 1440.0 * float(days or 0) + 60.0 * hours + minutes + seconds / 60.0


def _answer(question: Sequence[str]) -> str:
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _first_set(names: Sequence[str]) -> str:
    return next((os.environ[name] for name in names if name in os.environ), "")
