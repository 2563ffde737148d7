"""Tables of numbers in text files, read at the speed of C and refused by line.

Every CARP file is one count on the first line and that many lines of equally many words.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.config.variation import HIGHEST_TAG, LOWEST_TAG
from polycardia.errors import BadMesh, MachineTrouble
from polycardia.io.reading import require_ordinary
from polycardia.physics.mesh import Floats, Integers

Bytes = NDArray[np.uint8]

MOST_BYTES = 4 << 30  # of a text file; the elements of 30 million tetrahedra take 1
READ_AT_ONCE = 1 << 24  # [bytes]


@dataclass(frozen=True)
class Lines:
    """The non-empty lines of a text file.

    Attributes:
        file: where they come from.
        text: all bytes, line ends and tabs turned into blanks.
        start: ``(n_lines,)`` where each begins.
        stop: ``(n_lines,)`` where each ends.
        number: ``(n_lines,)`` its number in the file, from 1.
        words: ``(n_lines,)`` how many words it has.
    """

    file: Path
    text: Bytes
    start: Integers
    stop: Integers
    number: Integers
    words: Integers

    def __len__(self) -> int:
        return len(self.start)

    def line(self, i: int) -> str:
        """The words of line ``i``, shortened for a message."""
        shown = self.text[self.start[i] : min(self.stop[i], self.start[i] + 60)]
        return " ".join(shown.tobytes().decode("ascii", errors="replace").split())

    def after(self, first: int) -> "Lines":
        """All lines from ``first`` on."""
        return self.where(np.arange(first, len(self)))

    def where(self, chosen: Integers | NDArray[np.bool_]) -> "Lines":
        """The chosen lines."""
        kept = (a[chosen] for a in (self.start, self.stop, self.number, self.words))
        return Lines(self.file, self.text, *kept)


def require_text(file: Path) -> None:
    """Refuse what is no text, before any of it is in memory: a file's holes take no disk.

    Raises:
        BadMesh: the file has a byte that is 0, or more bytes than a mesh has.
        OSError: it cannot be read.
    """
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise BadMesh(f"{file.name} has {size} bytes, expected at most {MOST_BYTES}")
    with file.open("rb") as opened:
        while part := opened.read(READ_AT_ONCE):
            place = part.find(0)
            if place >= 0:
                before = opened.tell() - len(part)
                raise BadMesh(f"{file.name} is not a text file: byte {before + place} is 0x00")


def read_lines(file: Path) -> Lines:
    """Split a text file into its non-empty lines; ``#`` begins a comment line.

    Raises:
        BadMesh: no such file, empty, or binary.
        MachineTrouble: the file is there and cannot be read.
    """
    require_ordinary(file, BadMesh, file.name)
    try:
        require_text(file)
        raw = np.fromfile(file, dtype=np.uint8)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BadMesh(f"{file.name} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise MachineTrouble(f"{file.name} could not be read: {error.strerror}") from error
    if raw.size == 0:
        raise BadMesh(f"{file.name} is empty (0 bytes)")
    odd = np.flatnonzero((raw < 32) & (raw != 10) & (raw != 13) & (raw != 9))
    if odd.size:
        raise BadMesh(f"{file.name} is not a text file: byte {odd[0]} is {raw[odd[0]]:#04x}")
    ends = np.append(np.flatnonzero(raw == 10), raw.size)
    starts = np.append(0, ends[:-1] + 1)
    text = np.where(raw < 32, np.uint8(32), raw)
    black = text != 32
    begins = np.flatnonzero(black & ~np.append(False, black[:-1]))
    words = np.searchsorted(begins, ends) - np.searchsorted(begins, starts)
    filled = np.flatnonzero(words)
    if filled.size == 0:
        raise BadMesh(f"{file.name} holds no lines but empty ones")
    first_byte = text[begins[np.searchsorted(begins, starts[filled])]]
    filled = filled[first_byte != ord("#")]
    return Lines(file, text, starts[filled], ends[filled], filled + 1, words[filled])


def counted(lines: Lines, what: str) -> Lines:
    """The lines behind the count on the first one, which must be as many as it says.

    Raises:
        BadMesh: the first line is no count, or there are fewer or more lines.
    """
    head = lines.line(0) if len(lines) else ""
    if not head.split(" ")[0].isdigit() or (len(lines) and lines.words[0] > 2):
        raise BadMesh(
            f"{lines.file.name}, line 1: found '{head}', expected the number of {what} that follow"
        )
    declared, found = int(head.split(" ")[0]), len(lines) - 1
    if declared != found:
        end = "the file is truncated" if found < declared else "the count is wrong"
        raise BadMesh(f"{lines.file.name}: line 1 promises {declared} {what}, found {found}; {end}")
    return lines.after(1)


def without_first_words(lines: Lines) -> Lines:
    """The same lines with their first word blanked, ``Tt 1 2 3 4`` becoming ``1 2 3 4``."""
    text = lines.text.copy()
    black = text != 32
    blank_after = np.flatnonzero(black & ~np.append(black[1:], False)) + 1
    black_at = np.flatnonzero(black & ~np.append(False, black[:-1]))
    begin = black_at[np.searchsorted(black_at, lines.start)]
    end = blank_after[np.searchsorted(blank_after, begin, side="right")]
    for offset in range(int((end - begin).max(initial=0))):
        text[begin[begin + offset < end] + offset] = 32
    return Lines(lines.file, text, lines.start, lines.stop, lines.number, lines.words - 1)


def numbers(lines: Lines, allowed: tuple[int, ...], what: str) -> Floats:
    """The lines as rows of numbers ``(n_lines, width)``.

    Args:
        lines: equally wide.
        allowed: the widths that make sense.
        what: the meaning of a line, for messages.

    Raises:
        BadMesh: another or a changing number of words, or a word that is no number.
    """
    if len(lines) == 0:
        return np.empty((0, allowed[0]))
    width = int(lines.words[0]) if int(lines.words[0]) in allowed else allowed[0]
    uneven = np.flatnonzero(lines.words != width)
    if uneven.size:
        i = int(uneven[0])
        raise BadMesh(
            f"{_where(lines, i)}: found {lines.words[i]} words in '{lines.line(i)}', "
            f"expected {' or '.join(map(str, allowed))} for {what}"
        )
    values = _parse(_only(lines))
    if values.size != width * len(lines):
        i = _first_bad_line(lines, width)
        raise BadMesh(
            f"{_where(lines, i)}: found '{lines.line(i)}', expected {width} numbers for {what}"
        )
    return values.reshape(-1, width)


def whole_numbers(lines: Lines, allowed: tuple[int, ...], what: str) -> Integers:
    """Like `numbers`, for node numbers and tags, which a prepared heart has 32 bits for."""
    values = numbers(lines, allowed, what)
    whole = np.isfinite(values) & (values == np.round(values))
    within = (values >= LOWEST_TAG) & (values <= HIGHEST_TAG)
    for fit, limits in ((whole, ""), (within, f" from {LOWEST_TAG} to {HIGHEST_TAG}")):
        broken = np.flatnonzero(~fit.all(axis=1))
        if broken.size:
            i = int(broken[0])
            raise BadMesh(
                f"{_where(lines, i)}: found '{lines.line(i)}', expected whole numbers{limits} "
                f"for {what}"
            )
    return values.astype(np.int64)


def _where(lines: Lines, i: int) -> str:
    return f"{lines.file.name}, line {lines.number[i]}"


def _only(lines: Lines) -> bytes:
    """The text of these lines alone, everything else blanked."""
    edges = np.zeros(lines.text.size + 1, dtype=np.int8)
    edges[lines.start] += 1
    np.subtract.at(edges, lines.stop, 1)
    inside = np.cumsum(edges[:-1], dtype=np.int8) > 0
    return np.where(inside, lines.text, np.uint8(32)).tobytes()


def _parse(text: bytes) -> Floats:
    """All numbers up to the first word that is none; shorter than expected means trouble."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # said of text with a bad word
        return np.fromstring(text, dtype=np.float64, sep=" ")


def _first_bad_line(lines: Lines, width: int) -> int:
    """Bisect for the line at which parsing stops."""
    low, high = 0, len(lines)
    while high - low > 1:
        middle = (low + high) // 2
        good = _parse(_only(lines.where(np.arange(low, middle)))).size == width * (middle - low)
        low, high = (middle, high) if good else (low, middle)
    return low
