"""Tags of gmsh's text files that do not fit: what reads such files wraps them around."""

import re
from mmap import ACCESS_READ, mmap
from pathlib import Path

from polycardia.config.variation import HIGHEST_TAG, LOWEST_TAG
from polycardia.errors import BadMesh
from polycardia.io.columns import require_text

SECTIONS = (b"Entities", b"Elements")
"""Where tags are: of the cells in version 2 of the format, of what they belong to in version 4."""

LONG = re.compile(rb"(?<!\S)[+-]?\d{10,}(?!\S)")
MOST_DIGITS = 20  # that are read as a number, and shown


def check_tags(file: Path) -> None:
    """Refuse a text file with a tag beyond the 32 bits that gmsh has for it.

    Binary files have no room for one (gmsh reference manual, MSH file format).

    Raises:
        BadMesh: there is such a tag, or the file is no text.
    """
    with file.open("rb") as opened:
        first, _, kind, *_ = (*opened.read(80).split(), b"", b"", b"")
        if first != b"$MeshFormat" or kind != b"0":
            return
    require_text(file)
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as text:
        for section in SECTIONS:
            begin, end = text.find(b"$" + section), text.find(b"$End" + section)
            for found in LONG.finditer(text, max(begin, 0), max(end, 0)):
                number = found[0][:MOST_DIGITS].decode()
                if not LOWEST_TAG <= int(number) <= HIGHEST_TAG:
                    line = text[: found.start()].count(b"\n") + 1
                    raise BadMesh(
                        f"{file.name}, line {line}: found the tag {number}, expected "
                        f"{LOWEST_TAG} to {HIGHEST_TAG}"
                    )
