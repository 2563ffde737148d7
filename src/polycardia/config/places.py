"""Where a heart can be stimulated: sites in its own frame, and other sets of nodes.

Nodes are renumbered and may be refined when a heart is prepared, so that none of these is a list
of the prepared heart's nodes.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Finite, Fraction, NonNegative, Positive, Section
from polycardia.config.variation import Coordinate

PlaceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Point = Annotated[tuple[Finite, Finite, Finite], Field(strict=False)]
Span = Annotated[tuple[Fraction, Fraction], Field(strict=False)]


class EndocardialSite(Section):
    """A place on an endocardium, in the heart's own frame."""

    name: PlaceName
    ventricle: Literal["lv", "rv"]
    apicobasal: Fraction = Field(description="0 at the apex, 1 at the base")
    rotation: Finite = Field(
        description="about the long axis, 0 at the septum's middle, positive towards anterior "
        "[degree]"
    )


class ActivationSite(EndocardialSite):
    """Where activation starts, and when within a beat."""

    time: NonNegative = Field(0.0, description="after the beat's onset [ms]")


# YAML has lists where these types have tuples, so that they cannot change.
Sites = Annotated[tuple[ActivationSite, ...] | None, Field(strict=False)]


def _site(name: str, ventricle: Literal["lv", "rv"], *numbers: float) -> ActivationSite:
    apicobasal, rotation, time = numbers
    return ActivationSite(
        name=name, ventricle=ventricle, apicobasal=apicobasal, rotation=rotation, time=time
    )


# After Durrer et al. 1970; polycardia.physics.sites says what is theirs and what is ours.
DEFAULT_SITES = (
    _site("lv_anterior_paraseptal", "lv", 0.70, 60.0, 0.0),
    _site("lv_mid_septal", "lv", 0.50, 10.0, 0.0),
    _site("lv_posterior_paraseptal", "lv", 0.50, -60.0, 0.0),
    _site("rv_anterior_papillary", "rv", 0.35, 140.0, 10.0),
    _site("rv_septal", "rv", 0.40, 0.0, 15.0),
)


class Ball(Section):
    """All nodes within a ball."""

    centre: Point = Field(description="in the frame of the source mesh [mm]")
    radius: Positive = Field(description="[mm]")


class Box(Section):
    """All nodes within a box along the axes of the source mesh."""

    lowest: Point = Field(description="corner in the frame of the source mesh [mm]")
    highest: Point = Field(description="the corner across [mm]")

    @model_validator(mode="after")
    def _has_a_volume(self) -> Self:
        for axis, low, high in zip("xyz", self.lowest, self.highest, strict=True):
            if not low < high:
                raise ValueError(
                    f"box from {low:g} to {high:g} mm along {axis}, expected the lower first"
                )
        return self


class PointFile(Section):
    """All nodes near the points of a file beside each patient's mesh."""

    ending: Annotated[str, Field(pattern=r"^[._][A-Za-z0-9_.-]{1,64}\.(vtx|txt)$")] = Field(
        description="behind the mesh's name without its own: .pacing.vtx for node numbers of the "
        "source mesh as in openCARP, .pacing.txt for lines of x, y and z [mm]"
    )
    radius: Positive = Field(description="around each point [mm]")


Spans = dict[Coordinate, Span]


class Place(Section):
    """A named set of nodes: a ball, a box, points, or a region of the heart's coordinates."""

    name: PlaceName
    ball: Ball | None = None
    box: Box | None = None
    points: PointFile | None = None
    coordinates: Annotated[Spans, Field(min_length=1)] | None = Field(
        None, description="from and to for each that matters, such as {apicobasal: [0, 0.1]}"
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        kinds = ("ball", "box", "points", "coordinates")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"place {self.name} is given by {' and '.join(given) or 'nothing'}, "
                f"expected one of {', '.join(kinds)}"
            )
        for name, (low, high) in (self.coordinates or {}).items():
            if low > high:
                raise ValueError(
                    f"place {self.name}: {name} from {low:g} to {high:g}, expected the lower first"
                )
        return self


Places = Annotated[tuple[Place, ...], Field(strict=False)]
