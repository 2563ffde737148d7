"""From argv to one use case to an exit status.

Status 0 is a result (a heart without an answer is one), 1 an error of the study or the machine,
2 a command line that cannot be understood.
"""

import logging
import sys
from collections.abc import Callable, Sequence

from polycardia.cli.commands import Arguments
from polycardia.cli.parser import parser
from polycardia.errors import PolycardiaError
from polycardia.study.ranks import ranks_here

RANKS = "polycardia.solver.partition"
"""Where a command that has loaded it may have other ranks, which wait for this one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    command: Callable[[Arguments], None] = arguments.command
    try:
        command(arguments)
    except PolycardiaError as error:
        _tell(f"polycardia: {error}")
        return 1
    return 0


def _tell(sentence: str) -> None:
    """Write why the command ends to standard error; other ranks of it end too."""
    if RANKS in sys.modules or ranks_here() > 1:
        # Not before: commands of one process do without MPI.
        from polycardia.solver.partition import end_all

        end_all(sentence)
    else:
        print(sentence, file=sys.stderr)
