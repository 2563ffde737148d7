"""Which arguments the commands in `archive_commands` take: a function for each, of its name."""

from argparse import ArgumentParser
from pathlib import Path

from polycardia.cli.numbers import number


def diff(command: ArgumentParser) -> None:
    command.epilog = "Exit status: 0 nothing differs, 1 something does, 2 that cannot be said."
    command.add_argument("first", type=Path, help="cohort.h5, or a packed archive")
    command.add_argument("second", type=Path)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--tolerance", type=number(), default=0.0,
        help="relative difference up to which floating-point numbers count as equal, 0 by default",
    )  # fmt: skip


def view(command: ArgumentParser) -> None:
    _add_archive(command)
    chosen = command.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--patients", type=_names, help="a,b,c")
    chosen.add_argument("--patients-file", type=Path, help="text file, a patient a line")
    command.add_argument("--output", type=Path, required=True, help="chosen.vtkhdf")


def export(command: ArgumentParser) -> None:
    _add_archive(command)
    command.add_argument("--format", choices=("csv", "parquet", "bids"), required=True)
    command.add_argument("--output", type=Path, required=True, help="folder, new or empty")
    command.add_argument(
        "--clinical", action="store_true",
        help="with what the cohort table says of the patients: sex, age, ...",
    )  # fmt: skip


def crate(command: ArgumentParser) -> None:
    command.add_argument("--archive", type=Path, required=True, help="cohort.h5")
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="config.yaml")
    command.add_argument("--output", type=Path, required=True, help="folder, new or empty")
    command.add_argument("--licence", default="", help="of the data: SPDX identifier, or URL")
    command.add_argument("--author", default="", help="who ran the study")
    command.add_argument(
        "--workflow", type=Path, help="folder of the Snakefile, this program's by default"
    )
    command.add_argument(
        "--with-patients", action="store_true",
        help="with the archive, hearts, pages and table, which name patients: sex, age, ...",
    )  # fmt: skip


def prune(command: ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="config.yaml")
    command.add_argument("--results", type=Path, help="folder; the one in config.yaml by default")
    command.add_argument("--delete", action="store_true", help="delete what is shown")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _add_archive(command: ArgumentParser) -> None:
    command.add_argument(
        "--archive", type=Path, required=True, help="cohort.h5, or a packed archive"
    )
