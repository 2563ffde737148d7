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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    command: Callable[[Arguments], None] = arguments.command
    try:
        command(arguments)
    except PolycardiaError as error:
        print(f"polycardia: {error}", file=sys.stderr)
        return 1
    return 0
