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
from fault_kills import WORK, _ranks
from tiny_cohort import LONGEST, Study

DISK = 96 << 20  # [bytes]
MEMORY_LEFT = 1 << 20  # [bytes] that a rank may still take


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of `DISK` bytes in a folder; needs root."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "polycardia-faults", folder]
    subprocess.run(mount, check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=30)


def full_disk(undisturbed: Study, folder: Path, chance: random.Random) -> Verdict:
    """Let the disk run full during a run, Snakemake's records on it too; make room, and judge."""
    with small_disk(folder):
        trial = Trial(undisturbed, folder, "full disk")
        missing, _ = WORK[chance.choice(["a heart", "two hearts", "from a mesh", "gathering"])]
        trial.without(*missing)
        # Up to what is missing, so that it ends in the middle of one of the files.
        needed = chance.choice((20e3, 200e3, 2e6, 8e6))
        left = int(chance.uniform(0.0, needed)) & ~4095
        ballast = folder / "ballast"
        free = os.statvfs(folder)
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - left))
        ran = trial.study.run()
        if ran.status != 0:
            trial.injected(f"{left} bytes left")
        ballast.unlink()
        return trial.judge(trial.finished())


def little_memory(undisturbed: Study, folder: Path, chance: random.Random) -> Verdict:
    """Forbid a rank any more memory at a random moment of its beat; it is tried again."""
    trial = Trial(undisturbed, folder, "rank over its memory")
    trial.without("hearts/*s0001*")
    running = trial.study.start()
    snakemake = psutil.Process(running.pid)
    while running.poll() is None:
        with contextlib.suppress(psutil.Error):
            ranks = _ranks(snakemake)
            if ranks:
                time.sleep(chance.uniform(0.0, 1.5))
                (rank,) = chance.choice(ranks)
                most = rank.memory_info().vms + MEMORY_LEFT
                resource.prlimit(rank.pid, resource.RLIMIT_AS, (most, most))
                break
        time.sleep(0.02)
    output, _ = running.communicate(timeout=LONGEST)
    if "Error in rule simulate" in output:
        trial.injected(f"rank {rank.pid} held at {most >> 20} MiB")
    return trial.judge(trial.finished())


def two_runs(undisturbed: Study, folder: Path, chance: random.Random) -> Verdict:
    """Start a second run while the first is at work: in the same folder, or from another one."""
    trial = Trial(undisturbed, folder, "two runs at once")
    missing, longest = WORK[chance.choice(list(WORK))]
    trial.without(*missing)
    other = trial.study
    if chance.random() < 0.5:
        other = undisturbed.copy(folder.with_name(f"{folder.name}-other"))
        other.configure(lambda to: to.update(results=str(trial.study.results)))
    first = trial.study.start()
    time.sleep(chance.uniform(0.0, 0.7 * longest))
    second = other.start()
    said, _ = second.communicate(timeout=LONGEST)
    first_said, _ = first.communicate(timeout=LONGEST)
    refused = [text for text in (first_said, said) if "expected one run at a time" in text]
    if refused:
        trial.injected(f"{len(refused)} of two was refused")
    if len(refused) > 1:
        trial.verdict.not_completed.append("both runs were refused")
    if first.returncode and second.returncode:
        both = first_said[-1500:] + said[-1500:]
        trial.verdict.not_completed.append(f"neither run ended well: {both}")
    return trial.judge(trial.finished())
