"""`polycardia simulate` on ranks of its own, to be signalled, killed and started again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import psutil  # type: ignore[import-untyped]
from numpy.typing import NDArray

from polycardia.study.ranks import LAUNCHER

BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {
    "PATH": f"{BIN}:{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
LONGEST = 200.0  # [s]


class Study:
    """A folder with one prepared heart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def polycardia(self, *arguments: str) -> None:
        done = subprocess.run(
            ("polycardia", *arguments, "--config", "study.yaml"),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        assert done.returncode == 0, done.stderr

    def start(
        self,
        name: str,
        ranks: int,
        *options: str,
        config: str = "study.yaml",
        program: Sequence[str] = ("-m", "polycardia"),
    ) -> "Job":
        log = self.folder / f"{name}.log"
        command = [*LAUNCHER.split(), "-n", str(ranks), sys.executable, "-m", "mpi4py", *program]
        command += ["simulate", "--config", config, "--patient", "s0001"]
        command += ["--output", f"{name}.vtkhdf", *options]
        with log.open("w") as stream:
            running = subprocess.Popen(
                command, cwd=self.folder, env=ENVIRONMENT, stdout=stream, stderr=subprocess.STDOUT
            )
        return Job(running, log)

    def run(self, name: str, ranks: int, *options: str, config: str = "study.yaml") -> str:
        job = self.start(name, ranks, *options, config=config)
        assert job.ended() == 0, job.text()
        return job.text()

    def contents(self, name: str) -> dict[str, NDArray[Any]]:
        """Return all that was computed, of both files of a heart."""
        found: dict[str, NDArray[Any]] = {}
        for ending in (".vtkhdf", ".voltage.vtkhdf"):

            def add(path: str, item: h5py.Group | h5py.Dataset, ending: str = ending) -> None:
                if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub":
                    found[f"{ending}/{path}"] = item[()]

            with h5py.File(self.folder / f"{name}{ending}") as file:
                file.visititems(add)
        return found


class Job:
    def __init__(self, running: subprocess.Popen[bytes], log: Path) -> None:
        self.running = running
        self._log = log

    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def ended(self) -> int:
        return self.running.wait(timeout=LONGEST)

    def wait_for(self, event: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + LONGEST
        while not event(self.text()):
            assert time.monotonic() < deadline
            assert self.running.poll() is None, self.text()
            time.sleep(0.02)

    def reach(self, reports: int) -> None:
        """Wait for so many lines of progress."""
        self.wait_for(lambda text: text.count("voltage ") >= reports)

    def a_rank(self) -> psutil.Process:
        """Return one rank.  mpirun itself passes a SIGTERM on after more than a whole beat."""
        ranks = psutil.Process(self.running.pid).children(recursive=True)
        return next(rank for rank in ranks if "simulate" in rank.cmdline())

    def kill(self) -> None:
        launcher = psutil.Process(self.running.pid)
        processes = [*launcher.children(recursive=True), launcher]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=30)
        self.running.wait(timeout=30)
