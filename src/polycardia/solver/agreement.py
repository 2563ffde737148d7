"""Turning one rank's trouble into everyone's exception."""

from mpi4py import MPI

from polycardia.errors import PatientFailure


def agree(comm: MPI.Comm, problem: PatientFailure | None) -> None:
    """Raise the same failure on all ranks if any rank has one.  Collective."""
    for report in comm.allgather(problem):
        if report is not None:
            raise report
