"""How names and numbers are written on the page."""

import math
from collections.abc import Iterable

from polycardia.report.content import Scalar

_CAPITALS = {"qrs": "QRS", "qt": "QT", "lv": "LV", "rv": "RV", "ecg": "ECG", "apd": "APD"}
_ONE_DECIMAL = frozenset({"ms", "mm", "mL", "ml", "g", "cm", "kg", "1/min"})
NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def label(name: str) -> str:
    """Return a column's or measure's name as words: ``qrs_duration`` is "QRS duration"."""
    words = [_CAPITALS.get(word, word) for word in name.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def pretty_unit(unit: str) -> str:
    """Return a unit with its superscripts and Greek letters; nothing for the unit 1."""
    if unit == "1":
        return ""
    return unit.replace("^2", "²").replace("^3", "³").replace("uF", "µF").replace("uA", "µA")


def number(value: Scalar) -> float | None:
    """Return a finite number, or None where a value is none."""
    if isinstance(value, bool | str) or value is None or not math.isfinite(value):
        return None
    return float(value)


def decimals(values: Iterable[Scalar], unit: str) -> int:
    """Return how many decimals show a column evenly.

    None for whole numbers, one for lengths, times and masses, else three significant digits of
    the largest number.
    """
    sizes = [abs(found) for value in values if (found := number(value)) is not None]
    largest = max(sizes, default=0.0)
    if all(size.is_integer() for size in sizes) or largest >= 1e5:
        return 0
    if unit in _ONE_DECIMAL and largest >= 1.0:
        return 1
    return min(6, max(0, 2 - math.floor(math.log10(largest))))


def written(value: Scalar, places: int = 3) -> str:
    """Return a value as text; `NOTHING` where there is none or it is not finite."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    found = number(value)
    return NOTHING if found is None else f"{found:.{places}f}".replace("-", _MINUS)


def setting_text(value: Scalar) -> str:
    """Return a setting as it could stand in the study's file."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}".replace("-", _MINUS)
    return written(value) if isinstance(value, bool) else str(value)
