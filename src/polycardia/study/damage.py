"""Result files that are not as they were written: found before they are used, and made again.

Light to import: the workflow asks whenever it plans.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from polycardia.errors import BadArchive, BadStudy
from polycardia.io.atomic import whole_file
from polycardia.io.seal import Damaged, copy_of, require_whole, sealed_at

ASIDE = ".damaged"
OURS = (".h5", ".vtkhdf")
HEART, VOLTAGE = ".vtkhdf", ".voltage.vtkhdf"
STATES = ("models/*.json", "models/copies/*.json")
PLACES = (*STATES, "work/*/prepared.h5", "hearts/*.vtkhdf",
          "shards/*.h5", "cohort.h5", "report/index.html", "report/run.html")  # fmt: skip


class Damage(NamedTuple):
    """A damaged file and what is wrong with it, in one sentence."""

    path: Path
    sentence: str


def require_whole_input(path: Path) -> str:
    """Check a file before a job computes with it, and return its SHA-256.

    What is damaged is touched, so that the next plan looks at it, whatever its time was; but not
    what a mistyped command names, which is no result by its ending.

    Raises:
        BadArchive: it is damaged, or missing.
    """
    try:
        return require_whole(path)
    except Damaged as fault:
        if path.suffix not in OURS:
            raise
        with suppress(OSError):
            os.utime(path)
        raise Damaged(f"{fault}; the next run makes it again") from None


def damaged_suspects(
    results: Path, shards: Mapping[str, Sequence[str]], *, voltages: bool
) -> Iterator[Damage]:
    """Yield what is damaged of the files that were touched, by what a few times tell.

    A file that is older than what was made of it was whole when it was read for that, and was not
    written to since; it is not opened.  Others are opened, and read if they have another time than
    when they were sealed.  Bytes that changed without a trace are for `all_damaged`.

    Args:
        results: folder.
        shards: patients by the name of their shard.
        voltages: whether hearts have their voltage over time in a file beside them.
    """
    for place in (*STATES, "report/*.html"):
        for path in sorted(results.glob(place)):
            yield from _look(path).damage
    archive = _look(results / "cohort.h5")
    yield from archive.damage
    for number, patients in shards.items():
        shard = _look(results / "shards" / f"{number}.h5", archive.made)
        yield from shard.damage
        for patient in patients:
            heart = _look(results / "hearts" / f"{patient}{HEART}", shard.made)
            yield from heart.damage
            if voltages and heart.made:
                yield from _look(results / "hearts" / f"{patient}{VOLTAGE}", heart.made).damage
            yield from _look(results / "work" / patient / "prepared.h5", heart.made).damage


class _Seen(NamedTuple):
    """What is known of a file.

    Attributes:
        made: when [ns], 0 where there is none that is whole.
        damage: nothing, or one.
    """

    made: int
    damage: tuple[Damage, ...] = ()


def _look(path: Path, used: int = 0) -> _Seen:
    """Look at a file by its time, and into it if it is younger than what was made of it.

    Args:
        path: of the file.
        used: when something was made of it [ns], 0 where there is nothing.
    """
    time = _time(path)
    if not time or time < used:
        return _Seen(time)
    sealed = sealed_at(path)
    if sealed != time and (damage := _damage(path)):
        return _Seen(0, (damage,))
    return _Seen(sealed or time)


def _time(path: Path) -> int:
    """Return a file's time [ns], 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def all_damaged(results: Path) -> Iterator[Damage]:
    """Yield every damaged file of a results folder; all of them are read."""
    for place in PLACES:
        for path in sorted(results.glob(place)):
            if damage := _damage(path):
                yield damage


def set_aside(path: Path) -> str:
    """Rename a damaged file, so that it is made again, and say so; one with a copy is restored.

    A heart's voltage over time is made with the heart, which goes too, and first: a voltage without
    its heart is made again, a heart without its voltage would stay.

    Raises:
        BadStudy: it cannot be renamed.
    """
    aside, copy = path.with_name(path.name + ASIDE), copy_of(path)
    heart = path.with_name(path.name.replace(VOLTAGE, HEART))
    try:
        if heart != path and heart.exists():
            heart.replace(heart.with_name(heart.name + ASIDE))
        path.replace(aside)
        if copy.exists() and _damage(copy) is None:
            with whole_file(path) as part:
                shutil.copy2(copy, part)
            return f"renamed to {aside}, restored from its copy"
    except OSError as error:
        raise BadStudy(f"{path} cannot be set aside: {error.strerror}") from None
    return f"renamed to {aside}, to be made again"


def _damage(path: Path) -> Damage | None:
    try:
        require_whole(path)
    except BadArchive as fault:
        return Damage(path, str(fault)) if path.exists() else None
    return None
