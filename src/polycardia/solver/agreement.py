"""Turning one rank's trouble into everyone's exception, before they wait for each other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mpi4py import MPI

from polycardia.errors import PolycardiaError

T = TypeVar("T")


def agree(comm: MPI.Comm, problem: PolycardiaError | None) -> None:
    """Raise the same error on all ranks if any rank has one.  Collective."""
    for report in comm.allgather(problem):
        if report is not None:
            raise report


@contextmanager
def agreed(comm: MPI.Comm) -> Iterator[None]:
    """Run a block on every rank; what it raises on purpose on one is raised on all.  Collective.

    Nothing in the block may be collective.
    """
    problem = None
    try:
        yield
    except PolycardiaError as error:
        problem = error
    agree(comm, problem)


def from_first(comm: MPI.Comm, make: Callable[[], T]) -> T:
    """Return on all ranks what rank 0 makes; what it raises is raised on all.  Collective."""
    made: T | PolycardiaError | None = None
    if comm.Get_rank() == 0:
        try:
            made = make()
        except PolycardiaError as error:
            made = error
    made = comm.bcast(made)
    if isinstance(made, PolycardiaError):
        raise made
    return made
