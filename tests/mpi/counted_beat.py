"""What the ranks of a slab's beat really send each other, as MPI's callers count it.

``counted_beat.py UNTIL ...`` prints, from the first rank and as a line of JSON for each beat of
that length [ms], what PETSc's own log and the solver's calls of mpi4py add up to, set-up included,
and beside it the solver's account of the steps.
"""

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any, ClassVar

from mpi4py import MPI
from petsc4py import PETSc

from polycardia.physics import slab as problem
from polycardia.solver.partition import world
from polycardia.study.slab import slab_beat, slab_settings

SPACING, DT = 0.5, 0.02  # [mm], [ms]
COLLECTIVE = {
    *("allgather", "allreduce", "alltoall", "barrier", "bcast", "gather", "reduce", "scatter"),
    *("allgatherv", "gatherv", "scatterv", "scan", "exscan"),
}


class Counted(MPI.Intracomm):
    """A communicator that counts what is asked of it."""

    __module__ = MPI.__name__  # by which PETSc knows what is a communicator
    calls: ClassVar[Counter[str]] = Counter()

    def __getattribute__(self, name: str) -> Any:
        if name.lower() in COLLECTIVE:
            Counted.calls[name] += 1
        return super().__getattribute__(name)


def counted(until: float) -> dict[str, Any]:
    """Run a beat that lasts so long [ms]."""
    comm = world()
    mesh = problem.slab_mesh(SPACING)
    settings = slab_settings(DT, until)
    Counted.calls.clear()
    event = PETSc.Log.Event(f"beat of {until} ms")
    event.begin()
    beat = slab_beat(mesh, problem.stimulated_share(mesh), settings, Counted(comm), corrected=False)
    event.end()
    log = event.getPerfInfo()
    return {
        "calls": dict(Counted.calls),
        "petsc_reductions": log["numReductions"],
        # It counts what is sent and what is received.
        "petsc_messages": 0.5 * comm.allreduce(log["numMessages"]),
        "petsc_bytes": 0.5 * comm.allreduce(log["messageLength"]),
        "cost": asdict(beat.cost),
    }


def main() -> None:
    PETSc.Log.begin()
    for until in sys.argv[1:]:
        found = counted(float(until))
        if world().Get_rank() == 0:
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
