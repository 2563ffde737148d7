"""Seals: a result file's last words say what all its other bytes were when it was written.

A seal is ``polycardia sha256 <digest> <time>``: the SHA-256 over all bytes of the file but itself,
and the file's time of modification [ns].  It stands behind all that HDF5 reads, in a comment at the
end of a page, and as the last member of a JSON object.  A file that still has the time in its seal
was not touched since; any other has to be read to know.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import NamedTuple

from polycardia.errors import BadArchive
from polycardia.io.atomic import whole_file

SEAL = re.compile(rb"polycardia sha256 ([0-9a-f]{64}) ([0-9]{19})")
LENGTH = len("polycardia sha256 ") + 64 + 1 + 19
TAIL = 128  # [bytes] at a file's end in which its seal is
COPIES = "copies"
READ_AT_ONCE = 1 << 16  # [bytes]


class Damaged(BadArchive):
    """A result file is not as it was written."""


class _Form(NamedTuple):
    """Where a seal stands in a kind of file.

    Attributes:
        ending: of the file, which the three others take the place of.
        before: the seal.
        after: the seal.
        timed: whether the time is told; small files of which the bytes count are always read.
    """

    ending: bytes
    before: bytes
    after: bytes
    timed: bool = True


BEHIND = _Form(b"", b"\n", b"\n")
FORMS = {
    ".json": _Form(b"}\n", b', "seal": "', b'"}\n', timed=False),
    ".html": _Form(b"</html>\n", b"<!-- ", b" -->\n</html>\n"),
}


@contextmanager
def sealed_file(path: Path) -> Iterator[Path]:
    """Like `whole_file`, and what was written is sealed before it takes its place."""
    with whole_file(path) as part:
        yield part
        seal(part, FORMS.get(path.suffix, BEHIND))


def copy_of(path: Path) -> Path:
    """Return where the copy is of a file that has one, and of a copy, what it is of."""
    folder = path.parent
    return (folder.parent if folder.name == COPIES else folder / COPIES) / path.name


def seal(part: Path, form: _Form) -> None:
    """Seal a file; its time of modification stays what the file system made it."""
    with part.open("rb+") as file:
        file.seek(-len(form.ending), os.SEEK_END)
        if file.read() != form.ending:
            raise ValueError(f"{part} ends otherwise than in {form.ending!r}")
        file.seek(-len(form.ending), os.SEEK_END)
        file.write(form.before + form.after)
        file.flush()
        place = file.tell() - len(form.after)
        time = os.fstat(file.fileno()).st_mtime_ns
        file.seek(0)
        digest = hashlib.sha256()
        _feed(digest, file, place + len(form.after))
        file.seek(place)
        told = time if form.timed else 0
        file.write(f"polycardia sha256 {digest.hexdigest()} {told:019d}".encode() + form.after)
    os.utime(part, ns=(time, time))


def require_whole(path: Path) -> str:
    """Read a sealed file once, and return the SHA-256 over all of it, seal included.

    Raises:
        Damaged: it is not as it was written.
        BadArchive: it is missing, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = _found(file)
            if found is None:
                raise Damaged(f"{path}: has no seal at its end, it is cut off or damaged")
            place, digest, _ = found
            file.seek(0)
            sealed = hashlib.sha256()
            _feed(sealed, file, place)
            whole = sealed.copy()
            rest = file.read()
    except OSError as error:
        raise BadArchive(f"{path}: {error.strerror}") from None
    sealed.update(rest[LENGTH:])
    whole.update(rest)
    if sealed.hexdigest() != digest:
        raise Damaged(f"{path}: its bytes are others than those that were written")
    return whole.hexdigest()


def sealed_at(path: Path) -> int:
    """Return when a file was written, by its seal [ns]; 0 where that does not tell.

    A file with this time of modification was not written to since, as far as times tell.
    """
    try:
        with path.open("rb") as file:
            found = _found(file)
            return found[2] if found else 0
    except OSError:
        return 0


def _found(file: BufferedReader) -> tuple[int, str, int] | None:
    """Return a seal's place, digest and time; None where there is none."""
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - TAIL)
    file.seek(start)
    found = SEAL.search(file.read())
    return (start + found.start(), found[1].decode(), int(found[2])) if found else None


def _feed(digest: "hashlib._Hash", file: BufferedReader | BufferedRandom, count: int) -> None:
    room = memoryview(bytearray(min(count, READ_AT_ONCE)))
    while count > 0 and (read := file.readinto(room[: min(count, READ_AT_ONCE)])):
        digest.update(room[:read])
        count -= read
