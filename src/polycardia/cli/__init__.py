"""From argv to one use case to an exit status.

Status 0 is a result (a heart without an answer is one), 1 an error of the study or the machine,
2 a command line that cannot be understood.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from polycardia.cli.commands import Arguments
from polycardia.cli.parser import parser
from polycardia.errors import PolycardiaError
from polycardia.io.contained import bounded
from polycardia.io.run_lock import join
from polycardia.study.ranks import ranks_here

RANKS = "polycardia.solver.partition"
"""Where a command that has loaded it may have other ranks, which wait for this one."""

READERS = {"shard", "archive", "report", "status", "plan", "failed", "pack", "verify", "diff",
           "view", "export", "crate", "prune"}  # fmt: skip
"""Commands that read result files and compute nothing: their memory has a limit."""

PRIVATE = 0o027  # Whatever is written, others than user and group may not look at it.
PATIENCE = 20  # [s] with MPI's own way to end all ranks, which takes a second


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    command: Callable[[Arguments], None] = arguments.command
    os.umask(os.umask(PRIVATE) | PRIVATE)
    try:
        join()
        with bounded() if command.__name__ in READERS else nullcontext():
            command(arguments)
    except PolycardiaError as error:
        _tell(f"polycardia: {error}")
        return 1
    except Exception:
        # What nobody expected ends all ranks, which takes memory: without any, MPI may wait for
        # ever for an answer from itself.  The alarm then ends this rank, and so the others.
        if _has_other_ranks():
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
        raise
    return 0


def _has_other_ranks() -> bool:
    """Whether other ranks may wait for this one."""
    return RANKS in sys.modules or ranks_here() > 1


def _tell(sentence: str) -> None:
    """Write why the command ends to standard error; other ranks of it end too."""
    if _has_other_ranks():
        # Not before: commands of one process do without MPI.
        from polycardia.solver.partition import end_all

        end_all(sentence)
    else:
        print(sentence, file=sys.stderr)
