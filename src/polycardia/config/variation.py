"""What differs from place to place within a layer: along coordinates, and by region."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from polycardia.config.fields import Name, NonNegative, Positive, Section

Layer = Literal["endocardial", "midwall", "epicardial"]
LAYERS: tuple[Layer, ...] = ("endocardial", "midwall", "epicardial")  # from inside to outside

Coordinate = Literal["transmural", "apicobasal", "interventricular", "from_left", "from_right"]

# YAML has lists where these types have tuples, so that they cannot change.
Layers = Annotated[tuple[Layer, ...], Field(strict=False, min_length=1)]

Scaling = dict[Name, NonNegative]

LOWEST_TAG, HIGHEST_TAG = -(2**31), 2**31 - 1  # that the prepared mesh, of int32, can hold
TAG = re.compile(r"[+-]?[0-9]{1,10}")


def _region_tag(value: Any) -> int:
    """Read a key of a mapping: JSON has text where YAML has whole numbers."""
    whole = type(value) is int or (isinstance(value, str) and TAG.fullmatch(value))
    if not whole or not LOWEST_TAG <= int(value) <= HIGHEST_TAG:
        raise ValueError(
            f"found the region tag {value!r}, expected a whole number from {LOWEST_TAG} to "
            f"{HIGHEST_TAG}, as meshes have"
        )
    return int(value)


RegionTag = Annotated[int, BeforeValidator(_region_tag)]


class Gradient(Section):
    """A constant of the cell models that changes along a coordinate of the heart."""

    parameter: Name = Field(description="constant of the models by its name in their texts")
    along: Coordinate = Field(description="0 to 1 each: docs/cell-models.md")
    at_zero: NonNegative = Field(description="factor where the coordinate is 0; linear between")
    at_one: NonNegative = Field(description="factor where the coordinate is 1")
    layers: Layers = Field(LAYERS, description="that have it; their models know the constant")


class Region(Section):
    """Cells of the mesh with one region tag, such as a scar."""

    conductivity_factor: Positive = Field(
        1.0, description="conductivities of its cells are multiplied by this [1]"
    )
    scaling: Scaling = Field(default={}, description="factors of the models' constants there")
    layers: Layers = Field(LAYERS, description="that are scaled; their models know the constants")


Gradients = Annotated[tuple[Gradient, ...], Field(strict=False)]
Regions = dict[RegionTag, Region]


def varying(layer: str, gradients: Gradients, regions: Regions) -> tuple[str, ...]:
    """Return the constants that differ from node to node in a layer, each once."""
    names = [gradient.parameter for gradient in gradients if layer in gradient.layers]
    for region in regions.values():
        if layer in region.layers:
            names.extend(region.scaling)
    return tuple(dict.fromkeys(names))
