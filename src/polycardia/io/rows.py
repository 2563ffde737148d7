"""Arrays that are taken a part at a time, so that large ones need not be in memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 250_000  # 6 MB of vectors in double precision


class Rows(Protocol):
    """An array of which slices are asked for: NumPy's, or one that an open file holds."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""

    def __len__(self) -> int:
        """How many rows there are."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return some of them."""


def spans(count: int) -> Iterator[slice]:
    """Yield slices that follow each other up to ``count``."""
    for start in range(0, count, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, count))


def parts(rows: Rows) -> Iterator[NDArray[Any]]:
    """Yield an array's rows, some at a time."""
    for span in spans(len(rows)):
        yield rows[span]
