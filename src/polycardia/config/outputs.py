"""What is kept of a beat: ECG, fields, archive, report."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from polycardia.config.fields import (
    Finite,
    Fraction,
    Name,
    NonNegative,
    Positive,
    Section,
    whole_steps,
)

MOST_SAMPLES = 2_000_000
"""Of an ECG: the longest simulation, 1e6 ms, at 2 kHz, four times what a diagnostic ECG needs
(Kligfield et al., Circulation 115:1306, 2007).  Each rank keeps ten electrodes' samples, 160 MB."""

MOST_PROBED = 1_000_000
"""Samples of all probes together: 100 probes over 10 s at 1 ms.  Each rank keeps them with all the
states, of which the largest shipped model has 43: 350 MB."""

ElectrodeName = Literal["RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]
Place = Annotated[tuple[Finite, Finite, Finite], Field(strict=False)]


class Electrocardiogram(Section):
    """The 12-lead pseudo-ECG of an unbounded homogeneous medium."""

    electrodes: dict[ElectrodeName, Place] = Field(
        default={},
        description="places that differ from the rule of physics/electrodes.py: right, anterior, "
        "superior of the ventricles' centroid in an adult whose heart's wall is 150 mL [mm]",
    )

    bath_conductivity: Positive = Field(
        0.2, description="of the medium around the heart [mS/mm]; Keller et al. 2010, torso mean"
    )
    sampling_interval: Positive = Field(1.0, description="[ms]")


OutputField = Literal[
    "transmural",
    "apicobasal",
    "interventricular",
    "from_left",
    "from_right",
    "cell_type",
    "sheet",
    "activation_count",
]
OutputFields = Annotated[tuple[OutputField, ...], Field(strict=False)]


class HeartPlace(Section):
    """A place in the wall, in the heart's own frame."""

    ventricle: Literal["lv", "rv"] = Field(description="whose endocardium it is seen from")
    apicobasal: Fraction = Field(description="0 at the apex, 1 at the base")
    rotation: Finite = Field(description="about the long axis, as of activation sites [degree]")
    transmural: Fraction = Field(0.0, description="0 at the endocardium, 1 at the epicardium")


class Probe(Section):
    """A node that is recorded: the one nearest to a place."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    point: Place | None = Field(None, description="in the frame of the source mesh [mm]")
    site: Name | None = Field(None, description="the middle of an activation site, by its name")
    heart: HeartPlace | None = None

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        kinds = ("point", "site", "heart")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"probe {self.name} is given by {' and '.join(given) or 'nothing'}, "
                f"expected one of {', '.join(kinds)}"
            )
        return self


ProbeList = Annotated[tuple[Probe, ...], Field(strict=False, max_length=100)]
VariableNames = Annotated[tuple[Name, ...], Field(strict=False)]


class Probes(Section):
    """Nodes whose voltage, and whatever else of their cells, is recorded over time."""

    at: ProbeList = Field((), description="nodes, at most 100: docs/archive-format.md")
    variables: VariableNames = Field(
        (),
        description="of the cell models beside the voltage, by their names in the text: states, "
        "currents, anything else",
    )
    interval: Positive = Field(1.0, description="a multiple of ecg.sampling_interval [ms]")

    @model_validator(mode="after")
    def _names_are_their_own(self) -> Self:
        names = [probe.name for probe in self.at]
        for what, given in (("probes are called", names), ("variables are", [*self.variables])):
            for name in given:
                if given.count(name) > 1:
                    raise ValueError(f"{given.count(name)} {what} {name!r}, expected one")
        if "voltage" in self.variables:
            raise ValueError("voltage is always recorded, expected the others only")
        return self


class Snapshots(Section):
    """The voltage of the whole heart, in a file beside the heart's."""

    interval: Positive = Field(description="a multiple of ecg.sampling_interval [ms]")
    start: NonNegative = Field(0.0, description="of the first one [ms]")
    end: Positive | None = Field(None, description="of the last one; none: of the simulation [ms]")

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError(
                f"outputs.voltage: end {self.end:g} ms, expected no less than its start, "
                f"{self.start:g} ms"
            )
        return self


ActivationRule = Literal["threshold", "steepest_upstroke"]


class Outputs(Section):
    """What a heart's file holds beside the activation, repolarisation, fibres and regions."""

    fields: OutputFields = Field(
        get_args(OutputField)[:-1], description="of the nodes and cells, by name"
    )
    activation: ActivationRule = Field(
        "threshold",
        description="threshold is the first upward crossing of numerics.activation_threshold, "
        "steepest_upstroke the steepest moment of the rise that leads to it",
    )
    apd90: bool = Field(False, description="map of the action potential's duration to 90 %")
    voltage: Snapshots | None = Field(
        None,
        description="snapshots of the whole voltage, for example {interval: 5, start: 0, end: "
        "400}; 4 bytes a node each",
    )
    probes: Probes = Probes()

    def require_fit(self, sampling_interval: float, duration: float) -> None:
        """Check every time against the samples and the end of the simulation.

        Args:
            sampling_interval: [ms].
            duration: of the simulation [ms].

        Raises:
            ValueError: with the sentence.
        """
        if self.probes.at:
            _require_samples(self.probes.interval, sampling_interval, "outputs.probes.interval")
            require_countable(
                duration,
                self.probes.interval,
                "outputs.probes.interval",
                most=MOST_PROBED // len(self.probes.at),
                of=f" of each of {len(self.probes.at)} probes",
            )
        if self.voltage is None:
            return
        _require_samples(self.voltage.interval, sampling_interval, "outputs.voltage.interval")
        if self.voltage.start > 0.0:
            _require_samples(self.voltage.start, sampling_interval, "outputs.voltage.start")
        if self.voltage.start > duration:
            raise ValueError(
                f"outputs.voltage.start {self.voltage.start:g} ms, expected before the end of the "
                f"simulation, {duration:g} ms"
            )


def require_countable(
    duration: float, interval: float, name: str, *, most: int = MOST_SAMPLES, of: str = ""
) -> None:
    """Check that the samples of a simulation fit in memory.

    Args:
        duration: of the simulation [ms].
        interval: between samples [ms].
        name: of the interval's setting.
        most: samples that are allowed.
        of: whose they are, in words.

    Raises:
        ValueError: there are more.
    """
    count = round(duration / interval)
    if count > most:
        raise ValueError(
            f"{name} {interval:g} ms makes {count:,} samples{of} in numerics.duration "
            f"{duration:g} ms, expected at most {most:,}"
        )


def _require_samples(time: float, sampling_interval: float, name: str) -> None:
    try:
        whole_steps(time, sampling_interval, name)
    except ValueError:
        raise ValueError(
            f"{name} {time:g} ms is not a multiple of ecg.sampling_interval, "
            f"{sampling_interval:g} ms"
        ) from None


class Archive(Section):
    """How results are gathered."""

    shards: Annotated[int, Field(ge=1, le=1024)] = Field(
        32, description="files between the hearts and the archive; one changed heart rewrites one"
    )
    max_failed_fraction: Fraction = Field(
        0.9, description="the run fails when more of its hearts than this have no answer"
    )


class Report(Section):
    """What the page shows: a row for every heart, drawings for as many as a browser can bear."""

    title: Annotated[str, Field(max_length=200)] = "polycardia cohort"
    pictures: Annotated[int, Field(ge=0)] = Field(
        100, description="hearts with pictures of their activation; the rest have rows and ECGs"
    )
    ecgs: Annotated[int, Field(ge=0)] = Field(
        1000, description="hearts with a drawn ECG, 5 kB each; the rest have rows"
    )
    patients: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="whose hearts are drawn before those that come first in the table"
    )
