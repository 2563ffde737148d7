"""From what YAML says to a study, or to a sentence for everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from polycardia.config.study import Study
from polycardia.errors import BadStudy
from polycardia.table_files import require_ordinary

Section = TypeVar("Section", bound=BaseModel)

MOST_BYTES = 1 << 20  # of a file with settings
# A few lines of YAML whose aliases name each other are lists of billions when written out.
SHOWN = Repr()
SHOWN.maxdict = SHOWN.maxlist = SHOWN.maxtuple = 10
SHOWN.maxlevel = 3
SHOWN.maxstring = SHOWN.maxother = SHOWN.maxlong = 100

OF_KEY = "[key]"
"""What pydantic appends to the way to a mapping's key, where not its value but itself is wrong."""


def study_from(settings: Any, origin: str) -> Study:
    """Check settings as YAML gave them.

    Raises:
        BadStudy: names every field that is wrong, what was found and what is allowed.
    """
    if not isinstance(settings, dict):
        raise BadStudy(f"{origin}: found {type(settings).__name__}, expected a mapping of sections")
    # A section with all of its settings commented out is an empty one.
    return checked(Study, {k: v for k, v in settings.items() if v is not None}, origin)


def checked(section: type[Section], settings: Mapping[str, Any] | str, origin: str) -> Section:
    """Return settings as a section of the study has them.

    Args:
        section: type of the section.
        settings: by name, or as JSON.
        origin: of the settings, which every sentence begins with.

    Raises:
        BadStudy: with a sentence for each fault.
    """
    try:
        if isinstance(settings, str):
            return section.model_validate_json(settings)
        return section.model_validate(settings)
    except ValidationError as error:
        raise BadStudy(_sentences(error, section, origin)) from None


def read_study(path: Path) -> Study:
    """Read ``config.yaml``.

    Raises:
        BadStudy: the file is missing, no file, too long, not YAML, or its settings are wrong.
    """
    require_ordinary(path, BadStudy)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadStudy(
                f"{path}: found {path.stat().st_size} bytes, expected at most {MOST_BYTES}"
            )
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadStudy(f"{path}: {error.strerror}") from None
    except RecursionError:
        raise BadStudy(f"{path}: not YAML that can be read: lists in lists without end") from None
    except (ValueError, yaml.YAMLError) as error:  # as of bytes or numbers that are none
        raise BadStudy(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return study_from({} if settings is None else settings, str(path))


def _sentences(error: ValidationError, root: type[BaseModel], origin: str) -> str:
    faults = error.errors()
    # A list of which no item is sound is also too short: saying so would only confuse.
    within = {fault["loc"][:-2] for fault in faults} | {fault["loc"][:-1] for fault in faults}
    told = [f for f in faults if f["type"] != "too_short" or f["loc"] not in within]
    return "\n".join(f"{origin}: {_sentence(fault, root)}" for fault in told)


def _sentence(fault: ErrorDetails, root: type[BaseModel]) -> str:
    where = _place(fault["loc"])
    if fault["type"] == "extra_forbidden":
        *section, name = fault["loc"]
        known = ", ".join(_settings_of(section, root))
        return f"{where}there is no setting {name!r} here, allowed are {known}"
    if fault["type"] == "value_error":
        return f"{where}{fault['ctx']['error']}"
    return f"{where}{fault['msg']}, found {_short(fault['input'])}"


def _place(parts: Sequence[int | str]) -> str:
    """Return the way to a setting, as a person reads it in the file; nothing leads to the top."""
    if parts and parts[-1] == OF_KEY:
        parts = parts[:-1]
    return f"{'.'.join(str(part) or repr('') for part in parts)}: " if parts else ""


def _settings_of(section: Sequence[int | str], root: type[BaseModel]) -> list[str]:
    """Return the names of the settings of a section, given the way to it."""
    model = root
    for part in section:
        # The place of a list's item, or a mapping's key, leads no deeper.
        if isinstance(part, str) and part in model.model_fields:
            model = _section_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field's type holds, also inside tuples, mappings and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_in(argument) for argument in get_args(annotation))
    return next((section for section in found if section is not None), None)


def _short(value: Any) -> str:
    text = SHOWN.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
