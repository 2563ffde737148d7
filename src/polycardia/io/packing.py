"""One self-contained file of an archive and its hearts, that can tell whether it was damaged."""

import hashlib
from pathlib import Path

import h5py

from polycardia.errors import BadArchive, BadStudy
from polycardia.io.archive_reader import Archive, open_archive
from polycardia.io.atomic import require_writable, whole_file
from polycardia.io.content import digest
from polycardia.io.heart_reader import Heart
from polycardia.io.inside import told
from polycardia.provenance import READ_AT_ONCE, digest_of_files

SEAL_BYTES = 512  # HDF5's smallest user block, which its library leaves alone
SEAL = "polycardia packed archive\nsha256 of all bytes behind the first {bytes}:\n{digest}\n"
MADE_HERE = frozenset({"hearts", "digests"})


def pack(archive: Path, output: Path) -> int:
    """Write the archive with the hearts inside it instead of links; return how many there are.

    Args:
        archive: ``cohort.h5``.
        output: what is there is replaced, unless it is the archive's own.

    Raises:
        BadStudy: the output is the archive or one of its hearts, or cannot be written.
        BadArchive: the archive cannot be read, or a heart that it links to is not there, not whole
            or not the one that it was made from.
    """
    require_writable(output)
    with open_archive(archive) as source:
        if "hearts" not in source.file:
            raise BadArchive(f"{archive}: not an archive, it has no group 'hearts'")
        _require_elsewhere(source, output)
        with whole_file(output) as part:
            with h5py.File(part, "w", userblock_size=SEAL_BYTES) as packed:
                _fill(packed, source)
            _seal(part)
        return len(source)


def _require_elsewhere(source: Archive, output: Path) -> None:
    own = source.path.resolve()
    if output.resolve() == own or output.resolve().parent == own.parent / "hearts":
        raise BadStudy(f"{output}: found a file of the archive's own, expected another place")


def _fill(packed: h5py.File, source: Archive) -> None:
    packed.attrs.update(source.file.attrs)
    with told(source.path):
        for name in sorted(set(source.file) - MADE_HERE):
            source.file.copy(name, packed)
    hearts = packed.create_group("hearts")
    known = source.column("heart_sha256")
    digests = []
    for row, name in enumerate(source.names):
        heart = _heart(source, name, str(known[row]))
        with told(source.path):
            packed.copy(heart.group, hearts, name=name)
        # Of the source: what went wrong on the way would be part of the copy.
        digests.append(digest(heart.group))
    group = packed.create_group("digests")
    group.create_dataset("hearts", data=digests, dtype=h5py.string_dtype())
    group.attrs["table"] = digest(source.file, MADE_HERE)


def _heart(source: Archive, name: str, known: str) -> Heart:
    """Return a heart whose file, if it is one, is that which the archive was made from."""
    path, group = source.heart_place(name)
    try:
        heart = source.hearts[name]
    except BadArchive:
        raise BadArchive(
            f"{source.path}: hearts/{name}: the heart's file is missing or not whole"
        ) from None
    if group == "/" and digest_of_files([path]) != known:
        raise BadArchive(f"{path}: is not the file that the archive was made from")
    return heart


def _seal(path: Path) -> None:
    """Write the digest of all that follows into the block before it."""
    total = hashlib.sha256()
    with path.open("rb+") as file:
        file.seek(SEAL_BYTES)
        while part := file.read(READ_AT_ONCE):
            total.update(part)
        file.seek(0)
        text = SEAL.format(bytes=SEAL_BYTES, digest=total.hexdigest())
        file.write(text.encode().ljust(SEAL_BYTES, b"\0"))
