"""What every section of the settings is made of: numbers, names, whole steps."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    """Read ``1e3``, which YAML 1.1 takes for text because it has no point."""
    return float(value) if isinstance(value, str) and SCIENTIFIC.fullmatch(value) else value


def _path(text: str) -> str:
    """Refuse what a file system, a log or Snakemake's patterns would take for something else."""
    if not text.isprintable() or not {"{", "}"}.isdisjoint(text):
        raise ValueError(f"found {text[:60]!r}, expected a path without control characters, {{, }}")
    return text


SCIENTIFIC = re.compile(r"[+-]?[0-9]+[eE][+-]?[0-9]+")
Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[Number, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[Number, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
PathName = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_path)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Degrees = Annotated[float, Field(ge=-90.0, le=90.0)]


MOST_STEPS = 1e12  # that anybody counts


def whole_steps(interval: float, dt: float, name: str, step: str = "dt") -> int:
    """Return how many steps of ``dt`` [ms], a setting called ``step``, make ``interval`` [ms].

    Raises:
        ValueError: the interval is not a whole number of steps.
    """
    count = round(interval / dt) if interval < MOST_STEPS * dt else 0
    if count < 1 or abs(count * dt - interval) > 1e-9 * interval:
        raise ValueError(
            f"{name} {interval:g} ms is not a whole number of steps of {step} {dt:g} ms"
        )
    return count


class Section(BaseModel):
    """Settings that belong together: strict, frozen, and nothing else is allowed among them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
