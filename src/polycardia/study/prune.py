"""What is left of patients who have left the table: shown first, deleted on request.

Only files whose place and name say whose they are count; nothing else is touched.  Links are never
followed: one that belongs to a removed patient is deleted, what it leads to is not.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePath

from polycardia.cohort import PATIENT_ID, shard_of
from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.archive_reader import open_archive

# Places of files that are named after a patient, up to the first dot of the name.
BY_PATIENT = (PurePath("hearts"), PurePath("removed"), PurePath("logs/prepare"),
              PurePath("logs/simulate"))  # fmt: skip
WORK = PurePath("work")  # of folders named after a patient
BY_SHARD = (PurePath("shards"), PurePath("logs/shard"))
WITH_PARTS = (PurePath(), PurePath("report"))  # where files are written that are nobody's
SHORTEST_PART = 3600.0  # [s] since a part file was written last; somebody may be at it before
MB = 1e6


@dataclass(frozen=True)
class Leftover:
    """A file or folder that belongs to nobody.

    Attributes:
        place: below the results folder.
        size: [bytes], 0 of a folder.
        is_folder: which is deleted when it is empty.
    """

    place: PurePath
    size: int
    is_folder: bool = False


@dataclass(frozen=True)
class Leftovers:
    """What is left behind.

    Attributes:
        files: what is deleted on request: files before the folders that hold them.
        waiting: patients who have left the table and are in the archive still.
    """

    files: Sequence[Leftover]
    waiting: Sequence[str]


def require_no_workflow(results: Path, config: Path) -> None:
    """Refuse to go on while a workflow that takes Snakemake's locks may be writing.

    Raises:
        BadStudy: a workflow that was started at the results, above them, beside the configuration
            or here holds its lock, or was killed with it.
    """
    folder = results.absolute()
    real = folder.resolve()
    homes = (folder, *folder.parents, real, *real.parents, config.absolute().parent, Path.cwd())
    for home in dict.fromkeys(homes):
        locks = home / ".snakemake" / "locks"
        if locks.is_dir() and any(locks.iterdir()):
            raise BadStudy(
                f"{locks}: a workflow runs, or was killed; wait for it, or snakemake --unlock"
            )


def leftovers(results: Path, patients: Set[str], shards: int) -> Leftovers:
    """Find what is left of patients who are neither in the table nor in the archive.

    Args:
        results: folder; it may itself be a link.
        patients: who are in the table.
        shards: how many there are.

    Raises:
        BadStudy: there is no such folder, or it holds nothing of anybody in the table: then one
            of the two belongs to another study.
        BadArchive: the archive cannot be read, so that nobody knows who is in it.
    """
    root = results.resolve()
    if not root.is_dir():
        raise BadStudy(f"{results}: found no folder, expected the results of a study")
    archived: Set[str] = set()
    if (root / "cohort.h5").exists():
        with open_archive(root / "cohort.h5") as cohort:
            archived = set(cohort.names)
    # On some file systems a name in another case is the same file.
    kept = {name.lower() for name in {*patients, *archived}}
    numbers = {str(shard_of(patient, shards)) for patient in patients}
    found = [
        *_of_patients(root, kept),
        *_of_shards(root, numbers),
        *_parts(root),
    ]
    if found and not _holds_any(root, {name.lower() for name in patients}):
        raise BadStudy(f"{results}: holds nothing of a patient in the table: another study's?")
    return Leftovers(found, sorted(archived - patients))


def _holds_any(root: Path, patients: Set[str]) -> bool:
    names = (name for place in (BY_PATIENT[0], WORK) for name, _ in _entries(root, place))
    return any(_owner(name).lower() in patients for name in names)


def _owner(name: str) -> str:
    """Return whose a file is: part files have a dot before the name, and no name has one in it."""
    return name.removeprefix(".").split(".")[0]


def _of_patients(root: Path, kept: Set[str]) -> Iterator[Leftover]:
    for place in BY_PATIENT:
        for name, status in _entries(root, place):
            if _is_stranger(_owner(name), kept) and not stat.S_ISDIR(status.st_mode):
                yield Leftover(place / name, status.st_size)
    for name, status in _entries(root, WORK):
        if _is_stranger(name, kept) and stat.S_ISDIR(status.st_mode):
            yield from _all_below(root, WORK / name)


def _is_stranger(name: str, kept: Set[str]) -> bool:
    return PATIENT_ID.fullmatch(name) is not None and name.lower() not in kept


def _of_shards(root: Path, numbers: Set[str]) -> Iterator[Leftover]:
    for place in BY_SHARD:
        for name, status in _entries(root, place):
            number = _owner(name)
            if number.isascii() and number.isdigit() and number not in numbers:
                yield Leftover(place / name, status.st_size)


def _parts(root: Path) -> Iterator[Leftover]:
    """Yield what killed processes have left of files that they were writing."""
    now = time.time()
    for place in WITH_PARTS:
        for name, status in _entries(root, place):
            written = stat.S_ISREG(status.st_mode) and now - status.st_mtime > SHORTEST_PART
            if name.startswith(".") and name.endswith(".part") and written:
                yield Leftover(place / name, status.st_size)


def _entries(root: Path, place: PurePath) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what a folder holds, sorted; nothing where the way to it has a link."""
    folder = root
    for part in place.parts:
        folder = folder / part
        if folder.is_symlink() or not folder.is_dir():
            return
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    yield from sorted(found, key=lambda entry: entry[0])


def _all_below(root: Path, place: PurePath) -> Iterator[Leftover]:
    for name, status in _entries(root, place):
        if stat.S_ISDIR(status.st_mode):
            yield from _all_below(root, place / name)
        else:
            yield Leftover(place / name, status.st_size)
    yield Leftover(place, 0, is_folder=True)


def delete(results: Path, found: Leftovers) -> None:
    """Delete what was found, and nothing that came since.

    Raises:
        MachineTrouble: something cannot be deleted; what came before it in the list is.
    """
    root = results.resolve()
    for one in found.files:
        path = root / one.place
        try:
            if path.parent.resolve() != path.parent:
                raise BadStudy(f"{path}: became a link since it was found, expected a file")
            path.rmdir() if one.is_folder else path.unlink(missing_ok=True)
        except OSError as error:
            if one.is_folder and error.errno == errno.ENOTEMPTY:
                continue
            raise MachineTrouble(f"{path} cannot be deleted: {error.strerror}") from None


def sentences(found: Leftovers) -> Iterator[str]:
    """Yield a line for each thing that is left, and the sum."""
    for one in found.files:
        size = "" if one.is_folder else f"{one.size / MB:10.3f} MB  "
        yield f"{size or ' ' * 15}{one.place}{'/' if one.is_folder else ''}"
    files = [one for one in found.files if not one.is_folder]
    total = sum(one.size for one in files) / MB
    yield f"{len(files)} files of nobody in the table, {total:.3f} MB"
    if found.waiting:
        yield (
            f"{len(found.waiting)} patients have left the table and are still in the archive, "
            f"whose next run takes them out: {', '.join(found.waiting[:10])}"
            + (", ..." if len(found.waiting) > 10 else "")
        )
