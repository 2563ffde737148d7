"""Checks a packed archive against ``docs/archive-format.md``, without the code that writes it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from polycardia.errors import BadArchive
from polycardia.io.contained import contained
from polycardia.io.content import digest
from polycardia.io.heart_verification import UNREADABLE, group_faults, mode_faults
from polycardia.io.verification import archive_faults, row_faults

SEAL_BYTES = 512
SEAL_LINES = ("polycardia packed archive", "sha256 of all bytes behind the first 512:")
READ_AT_ONCE = 1 << 20
NOT_THE_TABLE = frozenset({"hearts", "digests"})


def packed_faults(path: Path) -> Iterator[str]:
    """Yield a sentence for every promise that a packed archive does not keep."""
    yield from mode_faults(path)
    yield from (f"{path.name}: {fault}" for fault in _seal_faults(path))
    yield from (f"{path.name}: {fault}" for fault in contained(__name__, "content_faults", path))


def content_faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with the table, the hearts and their digests."""
    try:
        with h5py.File(path, "r") as file:
            yield from _content_faults(file)
    except (*UNREADABLE, BadArchive) as error:
        yield str(error)


def _seal_faults(path: Path) -> Iterator[str]:
    """Whether all bytes are those that were written, before anything believes them."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        seal = file.read(SEAL_BYTES)
        while part := file.read(READ_AT_ONCE):
            total.update(part)
    if not seal.startswith(SEAL_LINES[0].encode()):
        yield "has no seal, or a damaged one: it is no archive as pack writes it"
        return
    expected = "\n".join((*SEAL_LINES, total.hexdigest(), "")).encode()
    if seal != expected.ljust(SEAL_BYTES, b"\0"):
        yield "its bytes are others than those that were sealed: it is damaged or was changed"


def _content_faults(file: h5py.File) -> Iterator[str]:
    if "digests" not in file:
        yield "has no digests: it is no archive as pack writes it"
        return
    names = list(file["patients"]["patient"].asstr()[()])
    digests = list(file["digests/hearts"].asstr()[()])
    if len(digests) != len(names):
        yield f"digests/hearts holds {len(digests)} digests of {len(names)} hearts"
        return
    if _digest(file, NOT_THE_TABLE) != file["digests"].attrs["table"]:
        yield "the table, the ECGs or what else is not a heart differ from their digest"
    yield from archive_faults(file)
    for row, name in enumerate(names):
        try:
            yield from _heart_faults(file, row, name, digests[row])
        except UNREADABLE as error:
            yield f"hearts/{name}: {error}"


def _heart_faults(file: h5py.File, row: int, name: str, expected: str) -> Iterator[str]:
    if not isinstance(file["hearts"].get(name, getlink=True), h5py.HardLink):
        yield f"hearts/{name} is a link, expected the heart itself"
        return
    heart = file["hearts"][name]
    if _digest(heart) != expected:
        yield f"hearts/{name} differs from its digest"
    yield from (f"hearts/{name}: {fault}" for fault in group_faults(heart))
    yield from row_faults(file, row, name)


def _digest(group: h5py.Group, leave_out: frozenset[str] = frozenset()) -> str:
    """Return the content's digest, or why there is none, which is no digest either."""
    try:
        return digest(group, leave_out)
    except (*UNREADABLE, BadArchive) as error:
        return str(error)
