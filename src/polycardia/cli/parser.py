"""What can be written on the command line."""

import argparse
from collections.abc import Callable
from pathlib import Path

import polycardia
from polycardia.cli import commands
from polycardia.cli.commands import Arguments


def _minutes(text: str) -> float:
    minutes = float(text)
    if not minutes > 0.0:
        raise argparse.ArgumentTypeError(f"found {text} minutes, need more than 0")
    return minutes


def parser() -> argparse.ArgumentParser:
    """Return the parser of `polycardia`'s command line."""
    root = argparse.ArgumentParser(prog="polycardia", description=polycardia.__doc__)
    root.add_argument("--version", action="version", version=polycardia.__version__)
    known = root.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable[[Arguments], None], help_text: str) -> argparse.ArgumentParser:
        added = known.add_parser(function.__name__, help=help_text, description=help_text)
        added.set_defaults(command=function)
        return added

    model = command(commands.model, "compile the cell models and pace them to their rhythm")
    _add_study(model)
    model.add_argument("--kernels", type=Path, help="folder of compiled kernels")

    pace = command(commands.pace, "pace a single cell to its limit cycle and say what it does")
    paced = pace.add_mutually_exclusive_group(required=True)
    paced.add_argument("--model", help="a shipped cell model's name, or a file")
    paced.add_argument("--config", type=Path, help="config.yaml, whose three layers are paced")
    pace.add_argument("--cycle-length", type=float, help="[ms], 1000 by default")
    pace.add_argument("--tolerance", type=float, help="relative change a beat, 1e-4 by default")
    pace.add_argument("--beats", type=int, help="so many, settled or not")
    pace.add_argument(
        "--restitution", nargs="?", const="s1s2", choices=("s1s2", "dynamic"),
        help="how long action potentials last after a shorter diastole; s1s2 by default",
    )  # fmt: skip
    pace.add_argument("--picture", type=Path, help="file to draw, .svg or .png")
    pace.add_argument("--json", action="store_true", help="print one JSON object")

    prepare = command(commands.prepare, "check one heart's mesh and find all it needs")
    _add_study(prepare)
    prepare.add_argument("--patient", help="identifier in the cohort table")
    prepare.add_argument("--source", help="JSON, as the workflow hands it over")

    simulate = command(commands.simulate, "simulate one heart's beat; start it with mpirun")
    _add_study(simulate)
    simulate.add_argument("--patient", help="identifier in the cohort table")
    simulate.add_argument("--heart", type=Path, help="prepared.h5")
    simulate.add_argument("--models", type=Path, nargs="+", help="from inside to outside")
    simulate.add_argument("--kernels", type=Path, help="folder of compiled kernels")
    kept = simulate.add_mutually_exclusive_group()
    kept.add_argument(
        "--checkpoint", type=Path, help="file to go on from, if it fits, and to go on to"
    )
    kept.add_argument("--resume", type=Path, help="the same, and an error if it does not fit")
    simulate.add_argument(
        "--checkpoint-minutes", type=_minutes, default=10.0,
        help="wall time between two checkpoints, 10 by default",
    )  # fmt: skip

    shard = command(commands.shard, "gather the rows of one shard's patients")
    shard.add_argument("--cohort", type=Path, required=True, help="cohort.tsv")
    shard.add_argument("--hearts", type=Path, required=True, help="folder of heart files")
    shard.add_argument("--shard", type=int, required=True, help="number of the shard")
    shard.add_argument("--of", type=int, required=True, help="how many shards there are")
    shard.add_argument("--output", type=Path, required=True)

    archive = command(commands.archive, "join shards into the archive")
    archive.add_argument("--shards", type=Path, nargs="+", required=True)
    archive.add_argument("--most-failed", type=float, default=1.0, help="tolerated fraction")
    archive.add_argument("--output", type=Path, required=True, help="cohort.h5")

    report = command(commands.report, "write the archive as a page for people")
    report.add_argument("--archive", type=Path, required=True, help="cohort.h5")
    shown = report.add_mutually_exclusive_group(required=True)
    shown.add_argument("--config", type=Path, help="config.yaml, whose settings are shown")
    shown.add_argument("--settings", help="JSON, as the workflow hands it over")
    report.add_argument("--output", type=Path, required=True, help="index.html")

    status = command(commands.status, "say how far a run is")
    status.add_argument("--config", type=Path, default=Path("config.yaml"))

    slab = command(commands.slab, "run the N-version benchmark (Niederer et al. 2011)")
    slab.add_argument("--dx", type=float, default=0.5, help="edge length [mm]")
    slab.add_argument("--dt", type=float, default=0.02, help="time step [ms]")
    slab.add_argument(
        "--mesh",
        choices=("bricks", "jittered", "unstructured"),
        default="bricks",
        help="kind of tetrahedra: bricks of six, the same with nodes displaced, or without order",
    )
    slab.add_argument("--ranks", type=int, help="MPI ranks to start")
    slab.add_argument("--until", type=float, help="stop here, activated or not [ms]")
    slab.add_argument(
        "--uncorrected",
        action="store_true",
        help="let the current near the front be, for extrapolations to elements of no length",
    )
    slab.add_argument("--json", action="store_true", help="print one JSON object")

    synthesise = command(commands.synthesise, "make a cohort of hearts from statistics")
    synthesise.add_argument("--patients", type=int, required=True)
    synthesise.add_argument("--seed", type=int, default=1)
    synthesise.add_argument("--output", type=Path, required=True, help="folder")
    synthesise.add_argument("--edge-length", type=float, default=2.0, help="[mm]")

    pack = command(commands.pack, "make one self-contained file of an archive and its hearts")
    pack.add_argument("archive", type=Path, help="cohort.h5")
    pack.add_argument("output", type=Path)

    verify = command(commands.verify, "check every promise of docs/archive-format.md")
    verify.add_argument("results", type=Path, help="results folder")

    command(commands.defaults, "print every setting with its default, unit and source")
    return root


def _add_study(command: argparse.ArgumentParser) -> None:
    """Add the two ways to say what to do: a person's and the workflow's."""
    group = command.add_mutually_exclusive_group(required=True)
    group.add_argument("--config", type=Path, help="config.yaml")
    group.add_argument("--settings", help="JSON, as the workflow hands it over")
    command.add_argument("--output", type=Path)
