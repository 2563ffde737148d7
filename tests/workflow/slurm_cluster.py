"""The real cluster of `slurm/cluster`, for tests."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = f"{os.environ['PATH']}:/usr/sbin"  # where Debian puts daemons
MISSING = [
    name
    for name in ("slurmctld", "slurmd", "munged", "mpirun")
    if not shutil.which(name, path=PROGRAMS)
]

# Of every test that starts it.
NEEDS_SLURM = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="SLURM's daemons need root"),
]


@dataclass(frozen=True)
class Cluster:
    state: Path

    def __call__(self, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            [ROOT / "slurm" / "cluster", *arguments],
            env=os.environ | {"POLYCARDIA_SLURM_STATE": str(self.state), "PATH": path},
            cwd=self.state.parent,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run(self, *command: str, timeout: float = 30) -> str:
        finished = self("run", "--", *command, timeout=timeout)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout.strip()

    def daemons(self) -> dict[str, psutil.Process]:
        found = re.findall(r"^(\S+) +process (\d+)$", self("status").stdout, re.MULTILINE)
        return {name: psutil.Process(int(pid)) for name, pid in found}

    def job_processes(self) -> list[psutil.Process]:
        def of_job(process: psutil.Process) -> bool:
            try:
                environment = process.environ()
            except psutil.Error:
                return False
            ours = environment.get("SLURM_CONF") == str(self.state / "slurm.conf")
            return ours and "SLURM_JOB_ID" in environment

        return [process for process in psutil.process_iter() if of_job(process)]


@contextmanager
def running(state: Path) -> Iterator[Cluster]:
    """Start a cluster, and stop it with all that it has started."""
    built = Cluster(state)
    started = built("start")
    assert started.returncode == 0, started.stderr
    yield built
    assert built("stop").returncode == 0
    assert not built.daemons()
    assert not built.job_processes()
