"""Starts MPI: before PETSc does, and in a process that no MPI launcher has started, too."""

import os

LAUNCHED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK")
STEP, TASKS = "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS"


def start_mpi() -> None:
    """Initialise MPI.

    The only task of an ``srun`` is no rank of anything, and Open MPI takes it for one: where it was
    built without SLURM's PMI, as Debian's is, it would end the process.  So it does not see the
    step's number.
    """
    alone = os.environ.get(TASKS) == "1" and not any(name in os.environ for name in LAUNCHED)
    step = os.environ.pop(STEP, None) if alone else None
    from mpi4py import MPI  # noqa: F401 - importing it starts MPI

    if step is not None:
        os.environ[STEP] = step
