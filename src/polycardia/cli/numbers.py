"""Numbers on the command line: what is none is told, with what is allowed."""

import argparse
from collections.abc import Callable

LONGEST = 40
"""Characters of a text that is none, of which more would only hide the sentence."""


def number(unit: str = "") -> Callable[[str], float]:
    """Return what reads a number; the use case knows how large it may be.

    Args:
        unit: that the sentence names behind it.
    """

    def read(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise _refused(text, f"a number {unit}".rstrip()) from None

    return read


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _refused(text, "a whole number") from None


def minutes(text: str) -> float:
    allowed = "a number of minutes, more than 0"
    try:
        found = float(text)
    except ValueError:
        raise _refused(text, allowed) from None
    if not found > 0.0:
        raise _refused(text, allowed)
    return found


def _refused(text: str, allowed: str) -> argparse.ArgumentTypeError:
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return argparse.ArgumentTypeError(f"found {short!r}, expected {allowed}")
