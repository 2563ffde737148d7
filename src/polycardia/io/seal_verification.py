"""Checks the seals of ``docs/archive-format.md``, without the code that writes them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

SEALED = ("models/*.json", "models/copies/*.json", "work/*/prepared.h5", "hearts/*.vtkhdf",
          "shards/*.h5", "cohort.h5", "report/*.html")  # fmt: skip
WORDS = b"polycardia sha256 "
DIGEST, TIME = 64, 19  # characters
LATEST = 128  # [bytes] before the end where a seal begins


def seal_faults(results: Path) -> Iterator[str]:
    """Yield a sentence for every file whose bytes are not those that were sealed."""
    for pattern in SEALED:
        for path in sorted(results.glob(pattern)):
            yield from (f"{path}: {fault}" for fault in file_faults(path))


def file_faults(path: Path) -> Iterator[str]:
    """Yield a sentence if a file's bytes are not those that were sealed."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        size = path.stat().st_size
        while file.tell() < size - LATEST:
            total.update(file.read(min(1 << 20, size - LATEST - file.tell())))
        last = file.read()
    before, words, rest = last.partition(WORDS)
    behind = DIGEST + 1 + TIME
    if not words or len(rest) < behind:
        yield "has no seal at its end, it is cut off or damaged"
        return
    total.update(before + rest[behind:])
    if total.hexdigest().encode() != rest[:DIGEST]:
        yield "its bytes are others than those that were sealed"
