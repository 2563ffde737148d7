"""Which arguments each command takes: a function for each, named like the command."""

from argparse import ArgumentParser
from pathlib import Path

from polycardia.cli.numbers import minutes, number, whole_number


def model(command: ArgumentParser) -> None:
    _add_study(command)
    command.add_argument("--kernels", type=Path, help="folder of compiled kernels")


def pace(command: ArgumentParser) -> None:
    paced = command.add_mutually_exclusive_group(required=True)
    paced.add_argument("--model", help="a shipped cell model's name, or a file")
    paced.add_argument("--config", type=Path, help="config.yaml, whose three layers are paced")
    command.add_argument("--cycle-length", type=number("of ms"), help="[ms], 1000 by default")
    command.add_argument(
        "--tolerance", type=number(), help="relative change a beat, 1e-4 by default"
    )
    command.add_argument("--beats", type=whole_number, help="so many, settled or not")
    command.add_argument(
        "--restitution", nargs="?", const="s1s2", choices=("s1s2", "dynamic"),
        help="how long action potentials last after a shorter diastole; s1s2 by default",
    )  # fmt: skip
    command.add_argument("--picture", type=Path, help="file to draw, .svg or .png")
    command.add_argument("--json", action="store_true", help="print one JSON object")


def prepare(command: ArgumentParser) -> None:
    _add_study(command)
    command.add_argument("--patient", help="identifier in the cohort table")
    command.add_argument("--source", help="JSON, as the workflow hands it over")


def simulate(command: ArgumentParser) -> None:
    _add_study(command)
    command.add_argument("--patient", help="identifier in the cohort table")
    command.add_argument("--heart", type=Path, help="prepared.h5")
    command.add_argument("--models", type=Path, nargs="+", help="from inside to outside")
    command.add_argument("--kernels", type=Path, help="folder of compiled kernels")
    kept = command.add_mutually_exclusive_group()
    kept.add_argument(
        "--checkpoint", type=Path, help="file to go on from, if it fits, and to go on to"
    )
    kept.add_argument("--resume", type=Path, help="the same, and an error if it does not fit")
    command.add_argument(
        "--checkpoint-minutes", type=minutes, default=10.0,
        help="wall time between two checkpoints, 10 by default",
    )  # fmt: skip


def shard(command: ArgumentParser) -> None:
    command.add_argument("--cohort", type=Path, required=True, help="cohort.tsv")
    command.add_argument("--hearts", type=Path, required=True, help="folder of heart files")
    command.add_argument("--shard", type=whole_number, required=True, help="number of the shard")
    command.add_argument("--of", type=whole_number, required=True, help="how many shards there are")
    command.add_argument("--output", type=Path, required=True)


def archive(command: ArgumentParser) -> None:
    command.add_argument("--shards", type=Path, nargs="+", required=True)
    command.add_argument("--most-failed", type=number(), default=1.0, help="tolerated fraction")
    command.add_argument("--output", type=Path, required=True, help="cohort.h5")


def report(command: ArgumentParser) -> None:
    command.add_argument("--archive", type=Path, required=True, help="cohort.h5")
    shown = command.add_mutually_exclusive_group(required=True)
    shown.add_argument("--config", type=Path, help="config.yaml, whose settings are shown")
    shown.add_argument("--settings", help="JSON, as the workflow hands it over")
    command.add_argument("--output", type=Path, required=True, help="index.html")


def status(command: ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="config.yaml")
    command.add_argument(
        "--watch", nargs="?", const=10.0, type=number("of seconds"), metavar="SECONDS",
        help="say it again so often, 10 s by default, until every heart has an answer",
    )  # fmt: skip
    command.add_argument("--page", type=Path, help="HTML file to write it to as well, with plots")


def plan(command: ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="config.yaml")
    command.add_argument("--all", action="store_true", help="count hearts that have a result, too")
    command.add_argument("--json", action="store_true", help="print it for programs")


def failed(command: ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="config.yaml")
    command.add_argument("--status", help="only these, such as out_of_memory")
    command.add_argument(
        "--retry", action="store_true", help="free them, so that the next run tries them again"
    )


def attempt(command: ArgumentParser) -> None:
    _add_attempts(command)
    event = command.add_mutually_exclusive_group(required=True)
    event.add_argument("--number", type=whole_number, help="of the attempt that begins")
    event.add_argument("--died", type=Path, metavar="LOG", help="of the attempt that has ended")


def conclude(command: ArgumentParser) -> None:
    _add_attempts(command)
    command.add_argument(
        "--of", type=whole_number, default=1, help="attempts that a heart is due, 1 by default"
    )
    command.add_argument("--settings", required=True, help="JSON, as the workflow hands it over")
    step = command.add_mutually_exclusive_group(required=True)
    step.add_argument("--source", help="of a heart that could not be prepared: JSON")
    step.add_argument("--heart", type=Path, help="that could not be simulated: prepared.h5")
    command.add_argument("--output", type=Path, required=True)


def slab(command: ArgumentParser) -> None:
    command.add_argument("--dx", type=number("of mm"), default=0.5, help="edge length [mm]")
    command.add_argument("--dt", type=number("of ms"), default=0.02, help="time step [ms]")
    command.add_argument(
        "--mesh", choices=("bricks", "jittered", "unstructured"), default="bricks",
        help="kind of tetrahedra: bricks of six, the same with nodes displaced, or without order",
    )  # fmt: skip
    command.add_argument("--ranks", type=whole_number, help="MPI ranks to start")
    command.add_argument("--until", type=number("of ms"), help="stop here, activated or not [ms]")
    command.add_argument(
        "--uncorrected", action="store_true",
        help="let the current near the front be, for extrapolations to elements of no length",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="print one JSON object")


def synthesise(command: ArgumentParser) -> None:
    command.add_argument("--patients", type=whole_number, required=True)
    command.add_argument("--seed", type=whole_number, default=1)
    command.add_argument("--output", type=Path, required=True, help="folder")
    command.add_argument("--edge-length", type=number("of mm"), default=2.0, help="[mm]")


def pack(command: ArgumentParser) -> None:
    command.add_argument("archive", type=Path, help="cohort.h5")
    command.add_argument("output", type=Path)


def verify(command: ArgumentParser) -> None:
    command.add_argument("results", type=Path, help="results folder, or a packed archive")
    command.add_argument(
        "--set-aside", action="store_true",
        help="rename the damaged files of a results folder, so that the next run makes them again",
    )  # fmt: skip


def defaults(command: ArgumentParser) -> None:
    """Nothing: all settings are printed."""


def _add_study(command: ArgumentParser) -> None:
    """Add the two ways to say what to do: a person's and the workflow's."""
    group = command.add_mutually_exclusive_group(required=True)
    group.add_argument("--config", type=Path, help="config.yaml")
    group.add_argument("--settings", help="JSON, as the workflow hands it over")
    command.add_argument("--output", type=Path)


def _add_attempts(command: ArgumentParser) -> None:
    command.add_argument(
        "--attempts", type=Path, required=True, help="record of the heart's attempts at this step"
    )
