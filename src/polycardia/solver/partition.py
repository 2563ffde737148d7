"""Who owns which nodes: contiguous slices, so that no partitioner is needed at run time."""

import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import mpi4py
import numpy as np
import petsc4py
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Integers

Comm = MPI.Comm

PATIENCE = 5.0
"""[s] that other ranks leave the first one to tell what most often all of them have to tell."""


@dataclass(frozen=True)
class Ownership:
    """One rank's nodes ``first <= node < last`` of ``n_nodes``."""

    n_nodes: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first


def ownership(n_nodes: int, comm: Comm) -> Ownership:
    """Split nodes evenly over the ranks, in the order of the prepared mesh.

    Raises:
        BadStudy: on all ranks; there are more of them than nodes.
    """
    size, rank = comm.Get_size(), comm.Get_rank()
    if size > n_nodes:
        raise BadStudy(f"{size} ranks for {n_nodes} nodes, expected at most one for each")
    return Ownership(n_nodes, n_nodes * rank // size, n_nodes * (rank + 1) // size)


def owners(nodes: Integers, n_nodes: int, size: int) -> Integers:
    """Return which of ``size`` ranks owns each of some nodes."""
    return ((nodes + 1) * size - 1) // n_nodes


def gathered(comm: Comm, owned: NDArray[Any]) -> NDArray[Any] | None:
    """Return the owned values of all ranks in order, on rank 0 alone.  Collective."""
    owned = np.ascontiguousarray(owned)
    counts = comm.gather(owned.size)
    whole = None if counts is None else np.empty(sum(counts), owned.dtype)
    comm.Gatherv(owned, None if whole is None else (whole, counts))
    return whole


def versions() -> dict[str, str]:
    """Return the versions of what the ranks run on, for the provenance."""
    petsc = ".".join(str(part) for part in PETSc.Sys.getVersion())
    mpi = MPI.Get_library_version().split(",")[0].split("\n")[0].strip("\0 ")
    return {
        "petsc_version": petsc,
        "petsc4py_version": petsc4py.__version__,
        "mpi4py_version": mpi4py.__version__,
        "mpi_version": mpi,
    }


def world() -> Comm:
    """Return the communicator of all ranks that this program was started on.

    From here on an exception that nobody expects on one rank ends them all.
    """
    if MPI.COMM_WORLD.Get_size() > 1:
        sys.excepthook = _abort
    return MPI.COMM_WORLD


def _abort(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what happened and end all ranks.

    mpi4py's launcher would do so when the program ends, but PETSc's last collective call comes
    first and waits for ever for ranks that are somewhere else.
    """
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(1)


def end_all(sentence: str) -> None:
    """Say why this rank ends, and end all ranks: those that have not failed would wait for ever.

    The first rank speaks first, so that what all have to say is said once.  Returns only where
    there is no other rank.
    """
    several = MPI.COMM_WORLD.Get_size() > 1
    if several and MPI.COMM_WORLD.Get_rank() > 0:
        time.sleep(PATIENCE)
    print(sentence, file=sys.stderr, flush=True)
    if several:
        MPI.COMM_WORLD.Abort(1)


def alone() -> Comm:
    """Return the communicator of this process by itself."""
    return MPI.COMM_SELF
