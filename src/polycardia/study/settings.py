"""Every setting with its default, unit and source, written from the types."""

import textwrap
from collections.abc import Iterator

import yaml
from pydantic import BaseModel

from polycardia.config import Study

WIDTH = 96
HEADER = """\
# Every setting of config.yaml with its default; `polycardia defaults` prints this from the types.
# A study names only what it changes.
"""


def documented_defaults() -> str:
    """Return a complete ``config.yaml`` whose comments are the fields' descriptions."""
    return HEADER + "\n".join(_lines(Study(), 0)) + "\n"


def _lines(section: BaseModel, indent: int) -> Iterator[str]:
    margin = " " * indent
    for name, declared in type(section).model_fields.items():
        value = getattr(section, name)
        nested = isinstance(value, BaseModel)
        about = declared.description or (type(value).__doc__ if nested else "") or ""
        if nested and indent == 0:
            yield ""
        for line in textwrap.wrap(" ".join(about.split()), WIDTH - indent):
            yield f"{margin}# {line}"
        if nested:
            yield f"{margin}{name}:"
            yield from _lines(value, indent + 2)
        else:
            yield f"{margin}{name}: {_scalar(value)}"


def _scalar(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
