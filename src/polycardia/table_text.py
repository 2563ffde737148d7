"""The text of a cohort table: lines and cells, as many and as long as a table can have."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from polycardia.errors import BadStudy
from polycardia.table_files import require_ordinary

MAX_CELL = 4096  # [characters], the longest path that Linux takes
MAX_LINE = 1 << 17  # [characters]
MAX_LINES = 100_000  # of a table: twenty times the largest cohort that this is tried with


def rows_of(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every line that is not blank.

    Raises:
        BadStudy: the file cannot be read, is no text, or larger than a table can be.
    """
    try:
        require_ordinary(table, BadStudy)
        with table.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(_lines(table, text), delimiter="\t", quoting=csv.QUOTE_NONE)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        raise BadStudy(f"{table}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadStudy(f"{table}: byte {error.start} is not UTF-8 text") from None
    except csv.Error as error:
        raise BadStudy(f"{table}: {error}") from None


def _lines(table: Path, text: TextIO) -> Iterator[str]:
    """Yield lines of a length and a number that a table can have."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise BadStudy(
                f"{table}: row {number}: found a line of more than {MAX_LINE} characters, "
                f"expected at most {MAX_CELL} in each cell"
            )
        if number > MAX_LINES:
            raise BadStudy(f"{table}: found more than {MAX_LINES} lines, expected at most as many")
        yield line
