"""Starting a command again on several MPI ranks, for commands that a person types."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

from polycardia.errors import BadStudy

# Another launcher, such as "srun", is named in this variable.
LAUNCHER_VARIABLE = "POLYCARDIA_MPIRUN"
LAUNCHER = "mpirun --bind-to none --oversubscribe --mca mpi_yield_when_idle 1"
RANKS_A_CORE = 8  # more than anybody wants, and fewer than use up the memory
SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE")


def ranks_here() -> int:
    """Return how many ranks this process was started with, without starting MPI."""
    return next((int(os.environ[name]) for name in SIZE_VARIABLES if name in os.environ), 1)


def run_on(ranks: int, arguments: Sequence[str]) -> None:
    """Run ``polycardia ARGUMENTS`` on ranks of its own and pass its output through.

    Raises:
        BadStudy: fewer than one rank, no launcher, or the ranks ended with an error.
    """
    most = RANKS_A_CORE * (os.cpu_count() or 1)
    if ranks < 1 or (LAUNCHER_VARIABLE not in os.environ and ranks > most):
        raise BadStudy(
            f"found {ranks} ranks, expected 1 to {most} on this machine; {LAUNCHER_VARIABLE} names "
            "a launcher that has others"
        )
    launcher = shlex.split(os.environ.get(LAUNCHER_VARIABLE, LAUNCHER))
    command = [*launcher, "-n", str(ranks), sys.executable, "-m", "mpi4py", "-m", "polycardia"]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    if os.geteuid() == 0:
        # Containers and one-person machines: Open MPI refuses root unless told twice.
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    try:
        status = subprocess.run([*command, *arguments], env=environment).returncode
    except FileNotFoundError:
        raise BadStudy(f"found no {launcher[0]} on PATH, name one in {LAUNCHER_VARIABLE}") from None
    if status != 0:
        raise BadStudy(f"the ranks ended with status {status}")
