"""What the machine and its people do: a full disk, too little memory, two runs at once."""

import contextlib
import os
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from fault_ground import Trial, Verdict
from fault_kills import WORK, Plan, begun, drawn, has_come, ranks
from tiny_cohort import LONGEST, Study

DISK = 96 << 20  # [bytes]
MEMORY_LEFT = 1 << 20  # [bytes] that a rank may still take


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of `DISK` bytes in a folder; needs root."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "faults", str(folder)]
    subprocess.run(mount, check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)


def full_disk(undisturbed: Study, folder: Path, chance: random.Random) -> Verdict:
    """Let the disk run full during a run, Snakemake's records on it too; make room, and judge."""
    with small_disk(folder):
        trial = Trial(undisturbed, folder, "full disk")
        plan = drawn(chance)
        needed = trial.without(*WORK[plan.work][0])
        # Less than all of it, so that it ends in the middle of one of the files.
        left = int(chance.uniform(0.0, 0.9 * needed)) & ~4095
        ballast = folder / "ballast"
        free = os.statvfs(folder)
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - left))
        ran = trial.study.run()
        trial.told(ran.output)
        if ran.status != 0:
            trial.injected(f"{plan.work}: {left} bytes left of {needed}")
        ballast.unlink()
        return trial.judge(trial.finished())


def little_memory(undisturbed: Study, folder: Path, plan: Plan) -> Verdict:
    """Forbid a rank any more memory; it is tried again."""
    trial = Trial(undisturbed, folder, "rank over its memory")
    running = begun(trial, plan)
    held = 0
    if has_come(trial, plan, running):
        snakemake = psutil.Process(running.pid)
        while running.poll() is None and not held:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                for (rank,) in ranks(snakemake)[:1]:
                    most = rank.memory_info().vms + MEMORY_LEFT
                    resource.prlimit(rank.pid, resource.RLIMIT_AS, (most, most))
                    held = most
            time.sleep(0.01)
    output, _ = running.communicate(timeout=LONGEST)
    trial.told(output)
    if "Error in rule simulate" in output:
        trial.injected(f"a rank held at {held >> 20} MiB")
    return trial.judge(trial.finished())


def two_runs(undisturbed: Study, folder: Path, plan: Plan, chance: random.Random) -> Verdict:
    """Start a second run while the first is at work: in the same folder, or from another one."""
    trial = Trial(undisturbed, folder, "two runs at once")
    other = trial.study
    if chance.random() < 0.5:
        other = undisturbed.copy(folder.with_name(f"{folder.name}-other"))
        other.configure(lambda to: to.update(results=str(trial.study.results)))
    first = begun(trial, plan)
    has_come(trial, plan, first)
    second = other.start()
    said, _ = second.communicate(timeout=LONGEST)
    first_said, _ = first.communicate(timeout=LONGEST)
    both = f"{first_said}\n{said}"
    trial.told(both)
    refused = [text for text in (first_said, said) if "expected one run at a time" in text]
    if refused:
        trial.injected(f"{plan.moment} of {plan.work}: {len(refused)} of two was refused")
    if len(refused) > 1:
        trial.verdict.not_completed.append("both runs were refused")
    if first.returncode and second.returncode:
        trial.verdict.not_completed.append(f"neither run ended well: {both}")
    return trial.judge(trial.finished())
