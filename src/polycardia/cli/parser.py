"""The commands that can be written on the command line."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import polycardia
from polycardia.cli import archive_arguments, archive_commands, arguments, commands
from polycardia.cli.commands import Arguments


@dataclass(frozen=True)
class Command:
    """What is typed as the function's name.

    Attributes:
        run: takes what was typed.
        help: one line.
        declare: adds the arguments to the command's own parser.
    """

    run: Callable[[Arguments], None]
    help: str
    declare: Callable[[argparse.ArgumentParser], None]


COMMANDS = (
    Command(
        commands.model, "compile the cell models and pace them to their rhythm", arguments.model
    ),
    Command(
        commands.pace, "pace a single cell to its limit cycle and say what it does", arguments.pace
    ),
    Command(commands.prepare, "check one heart's mesh and find all it needs", arguments.prepare),
    Command(
        commands.simulate, "simulate one heart's beat; start it with mpirun", arguments.simulate
    ),
    Command(commands.shard, "gather the rows of one shard's patients", arguments.shard),
    Command(commands.archive, "join shards into the archive", arguments.archive),
    Command(commands.report, "write the archive as a page for people", arguments.report),
    Command(commands.plan, "say what the rest will cost, and where it fits", arguments.plan),
    Command(commands.status, "say how far a run is", arguments.status),
    Command(commands.failed, "list hearts without an answer, and free them", arguments.failed),
    Command(commands.attempt, "write down that a job tries a heart", arguments.attempt),
    Command(commands.conclude, "write down why a heart's last attempt failed", arguments.conclude),
    Command(commands.slab, "run the N-version benchmark (Niederer et al. 2011)", arguments.slab),
    Command(commands.synthesise, "make a cohort of hearts from statistics", arguments.synthesise),
    Command(
        commands.pack, "make one self-contained file of an archive and its hearts", arguments.pack
    ),
    Command(commands.verify, "check every promise of docs/archive-format.md", arguments.verify),
    Command(archive_commands.diff, "say how two archives differ", archive_arguments.diff),
    Command(
        archive_commands.view, "make one file of links to chosen hearts", archive_arguments.view
    ),
    Command(archive_commands.export, "write an archive as CSV or so", archive_arguments.export),
    Command(
        archive_commands.crate,
        "write a Workflow Run RO-Crate of the study",
        archive_arguments.crate,
    ),
    Command(
        archive_commands.prune, "delete what is left of removed patients", archive_arguments.prune
    ),
    Command(
        commands.defaults,
        "print every setting with its default, unit and source",
        arguments.defaults,
    ),
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of `polycardia`'s command line."""
    root = argparse.ArgumentParser(prog="polycardia", description=polycardia.__doc__)
    root.add_argument("--version", action="version", version=polycardia.__version__)
    known = root.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        name = command.run.__name__
        added = known.add_parser(name, help=command.help, description=command.help)
        added.set_defaults(command=command.run)
        command.declare(added)
    return root
