"""Chosen hearts of an archive as one file for ParaView, which holds links to them and no values."""

from collections.abc import Sequence
from pathlib import Path

from polycardia.errors import BadStudy
from polycardia.io.archive_reader import Archive, open_archive
from polycardia.io.reading import require_ordinary
from polycardia.io.view_file import write_view

SUFFIX = ".vtkhdf"
SHOWN = 5


def view(archive: Path, patients: Sequence[str], output: Path) -> int:
    """Write a view of some hearts and return how many they are.

    Args:
        archive: ``cohort.h5`` or a packed archive; it and its hearts are not changed.
        patients: whose hearts, in the order of the blocks.
        output: ``*.vtkhdf``; it is replaced where it is a view already.

    Raises:
        BadStudy: nobody is chosen, or somebody who is not there or has no field to show, or the
            output is no place for a view.
        BadArchive: the archive cannot be read, or a heart's file is missing or not whole.
    """
    chosen = list(dict.fromkeys(patients))
    if not chosen:
        raise BadStudy("found no patient, expected one at least")
    if output.suffix != SUFFIX:
        raise BadStudy(f"{output}: expected a name that ends with {SUFFIX}, as ParaView does")
    with open_archive(archive) as cohort:
        _require_solved(cohort, chosen)
        places = {name: cohort.heart_place(name) for name in chosen}
        sources = {path.resolve() for path, _ in places.values()}
        hearts = cohort.path.resolve().parent / "hearts"
        if output.resolve() in {*sources, cohort.path.resolve()} or (
            output.resolve().parent == hearts
        ):
            raise BadStudy(f"{output}: found a file of the archive's own, expected another place")
        for name in chosen:
            cohort.hearts[name].points  # noqa: B018, it raises where the link would lead nowhere
    write_view(output, places)
    return len(chosen)


def _require_solved(cohort: Archive, chosen: Sequence[str]) -> None:
    status = cohort.column("status")
    lacking = [name for name in chosen if status[cohort.row(name)] != "solved"]
    if lacking:
        more = ", ..." if len(lacking) > SHOWN else ""
        raise BadStudy(
            f"{cohort.path}: {len(lacking)} of {len(chosen)} hearts were not solved and have "
            f"nothing to show: {', '.join(lacking[:SHOWN])}{more}"
        )


def listed_patients(path: Path) -> list[str]:
    """Return the identifiers in a text file, one a line; empty lines and ``#`` lines are skipped.

    Raises:
        BadStudy: it cannot be read.
    """
    require_ordinary(path, BadStudy)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BadStudy(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadStudy(f"{path}: byte {error.start} is not UTF-8 text") from None
    names = (line.strip() for line in lines)
    return [name for name in names if name and not name.startswith("#")]
