"""The commands for people who have an archive: each from its arguments to one use case."""

import argparse
import sys
from pathlib import Path

from polycardia.cohort import read_cohort
from polycardia.config import read_study
from polycardia.errors import PolycardiaError
from polycardia.io.run_lock import hold

Arguments = argparse.Namespace

DIFFERENT, TROUBLE = 1, 2  # as of diff(1), which ends so


def diff(arguments: Arguments) -> None:
    """End with 0 where nothing differs, 1 where something does, 2 where that cannot be said."""
    from polycardia.study.diff import as_json, diff, sentences

    try:
        found = diff(arguments.first, arguments.second, tolerance=arguments.tolerance)
    except PolycardiaError as error:
        print(f"polycardia: {error}", file=sys.stderr)
        raise SystemExit(TROUBLE) from None
    print(as_json(found) if arguments.json else "\n".join(sentences(found)))
    if not found.equal:
        raise SystemExit(DIFFERENT)


def view(arguments: Arguments) -> None:
    from polycardia.study.view import listed_patients, view

    patients = arguments.patients or listed_patients(arguments.patients_file)
    print(f"{arguments.output}: {view(arguments.archive, patients, arguments.output)} hearts")


def export(arguments: Arguments) -> None:
    from polycardia.study.export import export

    print(
        export(arguments.archive, arguments.format, arguments.output, clinical=arguments.clinical)
    )


def crate(arguments: Arguments) -> None:
    from polycardia.study.crate import crate

    print(
        crate(
            arguments.archive,
            arguments.config,
            arguments.output,
            workflow=arguments.workflow,
            licence=arguments.licence,
            author=arguments.author,
            patients=arguments.with_patients,
        )
    )


def prune(arguments: Arguments) -> None:
    from polycardia.study.prune import delete, leftovers, require_no_workflow, sentences

    study = read_study(arguments.config)
    results = arguments.results or Path(study.results)
    if arguments.delete and results.is_dir():  # what is none is told by `leftovers`
        hold(results, print)
    require_no_workflow(results, arguments.config)
    patients = set(read_cohort(Path(study.cohort), files_known=True))
    found = leftovers(results, patients, study.archive.shards)
    print("\n".join(sentences(found)))
    if arguments.delete:
        delete(results, found)
        print("deleted")
    elif found.files:
        print("nothing is deleted yet; --delete does it")
