"""Whether an ASCII legacy VTK file is all there.

VTK's own reader says nothing when such a file ends within a data array, and hands out whatever
memory held.  Sections before the last one are delimited by the next keyword, so only the numbers
behind the last one need counting.  Binary files need no such check: there VTK complains.
"""

import re
from pathlib import Path

from polycardia.errors import BadMesh
from polycardia.io.columns import require_text

_KEYWORD = re.compile(rb"^[ \t]*[A-Za-z_][^\n]*$", re.MULTILINE)
_SIZE = re.compile(rb"^[ \t]*(?:POINT|CELL)_DATA[ \t]+(\d+)", re.MULTILINE | re.IGNORECASE)
_CELLS = re.compile(rb"^[ \t]*CELLS[ \t]+(\d+)[ \t]+(\d+)", re.MULTILINE | re.IGNORECASE)
_NOT_A_NUMBER = re.compile(rb"^[ \t]*[+-]?(?:nan|inf)", re.IGNORECASE)
_PER_ITEM = {b"VECTORS": 3, b"NORMALS": 3, b"TENSORS": 9, b"TENSORS6": 6, b"LOOKUP_TABLE": 1}


def check_legacy_whole(file: Path) -> None:
    """Refuse an ASCII legacy file whose last array is shorter than its header says.

    Raises:
        BadMesh: with the array's header, the numbers promised and those found.
    """
    with file.open("rb") as opened:
        head = opened.read(1024)
        lines = head.split(b"\n", 3)
        if len(lines) < 3 or lines[2].strip().upper() != b"ASCII":
            return
        require_text(file)
        text = head + opened.read()
    keywords = [m for m in _KEYWORD.finditer(text) if not _NOT_A_NUMBER.match(m[0])]
    last = keywords[-1]
    expected = _promised(last[0].split(), text[: last.end()])
    found = len(text[last.end() :].split())
    if found < expected:
        line = text.count(b"\n", 0, last.start()) + 1
        shown = last[0].decode("latin-1").strip()[:60]
        raise BadMesh(
            f"{file.name}, line {line}: '{shown}' promises {expected} numbers, found {found}; "
            "the file is truncated"
        )


def _promised(words: list[bytes], before: bytes) -> int:
    """How many numbers follow a header line; 0 where that is not known."""
    name, counts = words[0].upper(), [int(word) for word in words[1:] if word.isdigit()]
    sizes, cells = _SIZE.findall(before), _CELLS.findall(before)
    if name == b"POINTS" and counts:
        return 3 * counts[0]
    if name == b"CELLS" and len(counts) == 2:
        return counts[1]
    if name in {b"OFFSETS", b"CONNECTIVITY"} and cells:
        return int(cells[-1][name == b"CONNECTIVITY"])
    if name == b"CELL_TYPES" and counts:
        return counts[0]
    if name == b"FIELD" and counts:
        return counts[-1]
    if name in _PER_ITEM and sizes:
        return _PER_ITEM[name] * int(sizes[-1])
    if name == b"SCALARS" and sizes:
        return int(sizes[-1]) * (counts[-1] if counts else 1)
    if len(words) == 4 and len(counts) == 2 and words[3] != b"string":
        return counts[0] * counts[1]  # an array of a FIELD: name, components, tuples, type
    return 0
