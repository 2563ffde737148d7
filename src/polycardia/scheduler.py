"""What the batch system says of a job of its own."""

import os
import re
import subprocess
from collections.abc import Sequence

JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
NODES = ("SLURM_JOB_NODELIST", "PBS_NODEFILE", "LSB_HOSTS")
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
    """Return the nodes of this batch job as the batch system writes them, or ''."""
    return _first_set(NODES)


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


def _answer(question: Sequence[str]) -> str:
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _first_set(names: Sequence[str]) -> str:
    return next((os.environ[name] for name in names if name in os.environ), "")
