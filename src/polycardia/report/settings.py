"""The study's settings with the units and words of their types."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from polycardia.report.content import Scalar, Setting

_UNIT = re.compile(r"\s*\[([^\]=]+?)(?:\s*=[^\]]*)?\]")  # the first of "mS/mm = S/m"


def described(section: BaseModel) -> dict[str, object]:
    """Return nested `Setting` of a study, for `CohortReport.settings`.

    Units are taken from the brackets of a field's description.
    """
    found: dict[str, object] = {}
    for name, declared in type(section).model_fields.items():
        value = getattr(section, name)
        text = declared.description or ""
        unit = match[1] if (match := _UNIT.search(text)) else ""
        if isinstance(value, BaseModel):
            found[name] = described(value)
        elif _is_sequence(value) and value and all(isinstance(item, BaseModel) for item in value):
            found[name] = {
                str(getattr(item, "name", index + 1)): described(item)
                for index, item in enumerate(value)
            }
        else:
            found[name] = Setting(_plain(value), unit, _UNIT.sub("", text).strip())
    return found


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain(value: object) -> Scalar:
    """Return a value that is written as one word or line."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {item}" for name, item in value.items()) or None
    if isinstance(value, Sequence):
        return ", ".join(str(item) for item in value) or None
    return str(value)
