"""What stimulates a heart: a beat, trains of beats, S1-S2, at sites and other places."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from polycardia.config.fields import NonNegative, Positive, Section, whole_steps
from polycardia.config.places import (
    DEFAULT_SITES,
    ActivationSite,
    EndocardialSite,
    PlaceName,
    Places,
    Sites,
)

CAPTURE_WINDOW = 50.0
"""[ms] from a pulse's onset, within which the tissue around it activates, or it did not capture."""

MOST_PULSES = 10_000
"""Of a train: the longest simulation, 1e6 ms, at cycles of 100 ms."""

MappedBeat = Literal["first", "last_regular", "last"]


class Stimulus(Section):
    """The current that starts a beat at each site."""

    amplitude: Positive = Field(
        50.0, description="current per membrane capacitance [uA/uF = mV/ms]"
    )
    duration: Positive = Field(2.0, description="[ms]")


class Train(Section):
    """Pulses at some places: one, a train of them (S1), and extrastimuli (S2, S3, ...)."""

    name: PlaceName
    at: Annotated[tuple[PlaceName, ...], Field(strict=False, min_length=1)] | None = Field(
        None,
        description="sites and places, all at once; none takes all sites, each at its own time",
    )
    time: NonNegative = Field(0.0, description="onset of the first pulse [ms]")
    amplitude: Positive | None = Field(None, description="none: protocol.stimulus's [uA/uF]")
    duration: Positive | None = Field(None, description="none: protocol.stimulus's [ms]")
    count: Annotated[int, Field(ge=1, le=MOST_PULSES)] = Field(1, description="regular pulses (S1)")
    cycle_length: Positive | None = Field(None, description="between regular pulses [ms]")
    extrastimuli: Annotated[tuple[Positive, ...], Field(strict=False)] = Field(
        (), description="coupling intervals of S2, S3, ..., each to the pulse before it [ms]"
    )

    @model_validator(mode="after")
    def _train_is_whole(self) -> Self:
        if self.count > 1 and self.cycle_length is None:
            raise ValueError(f"{self.name}: {self.count} pulses and no cycle_length, need one [ms]")
        for name, times in Counter(self.at or ()).items():
            if times > 1:
                raise ValueError(f"{self.name}: names {name!r} more than once in at, expected once")
        return self

    def intervals(self) -> Iterator[tuple[str, float]]:
        """Return what separates one pulse from the one before it, with a name [ms]."""
        if self.count > 1 and self.cycle_length is not None:
            yield "cycle_length", self.cycle_length
        for number, coupling in enumerate(self.extrastimuli, start=2):
            yield f"coupling interval of S{number}", coupling

    def onsets(self) -> list[float]:
        """Return when each pulse starts, the regular ones first [ms]."""
        found = [self.time + k * (self.cycle_length or 0.0) for k in range(self.count)]
        for coupling in self.extrastimuli:
            found.append(found[-1] + coupling)
        return found


Trains = Annotated[tuple[Train, ...], Field(strict=False)]
BEAT = Train(name="beat")  # what a protocol without stimuli has: one, from all sites


@dataclass(frozen=True)
class Pulse:
    """One pulse of a train.

    Attributes:
        train: its name.
        number: within the train, from 1.
        label: ``S1`` for every regular pulse, then ``S2``, ``S3``, ...
        onset: [ms].
        delays: after the onset, by the name of each site or place [ms].
        amplitude: [uA/uF = mV/ms].
        duration: [ms].
    """

    train: str
    number: int
    label: str
    onset: float
    delays: Mapping[str, float]
    amplitude: float
    duration: float

    def __str__(self) -> str:
        return f"{self.train}: {self.label}, pulse {self.number} at {self.onset:g} ms"

    @property
    def end(self) -> float:
        """When its last current ends [ms]."""
        return self.onset + max(self.delays.values()) + self.duration


class Stimulation(Section):
    """When and how strongly the prepared sites and places are stimulated.

    Attributes:
        stimulus: of trains that name no amplitude or duration.
        trains: at least one.
        delays: of the sites within a beat [ms].
        mapped_beat: the beat of the maps and measures.
    """

    stimulus: Stimulus = Stimulus()
    trains: Trains = (BEAT,)
    delays: dict[PlaceName, NonNegative] = Field(
        default={site.name: site.time for site in DEFAULT_SITES}
    )
    mapped_beat: MappedBeat = "last"

    def pulses(self) -> list[Pulse]:
        """Return every pulse, by its onset."""
        found = [pulse for train in self.trains for pulse in self._pulses_of(train)]
        return sorted(found, key=lambda pulse: pulse.onset)

    def _pulses_of(self, train: Train) -> Iterator[Pulse]:
        """Yield the pulses of one train, which share their delays."""
        delays = self.delays if train.at is None else dict.fromkeys(train.at, 0.0)
        for number, onset in enumerate(train.onsets(), start=1):
            yield Pulse(
                train=train.name,
                number=number,
                label=f"S{max(1, number - train.count + 1)}",
                onset=onset,
                delays=delays,
                amplitude=train.amplitude or self.stimulus.amplitude,
                duration=train.duration or self.stimulus.duration,
            )

    def mapped_pulse(self) -> Pulse:
        """Return the pulse that starts the mapped beat."""
        return self._mapped(self.pulses())

    def _mapped(self, pulses: Sequence[Pulse]) -> Pulse:
        if self.mapped_beat == "first":
            return pulses[0]
        regular = [pulse for pulse in pulses if pulse.label == "S1"]
        return pulses[-1] if self.mapped_beat == "last" else regular[-1]

    @property
    def record_from(self) -> float:
        """Activations before this belong to beats that are not mapped [ms]."""
        return self.mapped_pulse().onset

    @property
    def record_until(self) -> float | None:
        """Onset of the first pulse after the mapped beat's, if there is one [ms]."""
        return self._until(self.pulses())

    def _until(self, pulses: Sequence[Pulse]) -> float | None:
        start = self._mapped(pulses).onset
        return next((pulse.onset for pulse in pulses if pulse.onset > start), None)

    @property
    def settled_from(self) -> float:
        """No run ends before this [ms]: from here on it is known what the last pulse did.

        Where the last pulse starts the mapped beat, that is so once the beat has activated all.
        """
        pulses = self.pulses()
        if self._until(pulses) is None:
            return 0.0
        return max(pulse.end - pulse.duration for pulse in pulses) + CAPTURE_WINDOW


class Protocol(Section):
    """How the heart is stimulated."""

    sites: Sites = Field(
        None, description="none takes the five sites of docs/physics.md after Durrer et al. 1970"
    )
    site_radius: Positive = Field(3.0, description="of a stimulated endocardial patch [mm]")
    places: Places = Field(
        (), description="other sets of nodes that stimuli may name: docs/physics.md"
    )
    stimulus: Stimulus = Stimulus()
    stimuli: Trains = Field(
        (), description="single pulses, trains, S1-S2; none is one beat from all sites"
    )
    mapped_beat: MappedBeat = Field(
        "last", description="of the maps and measures; last_regular leaves extrastimuli out"
    )

    @model_validator(mode="after")
    def _names_are_their_own(self) -> Self:
        _require_one_each("sites", [site.name for site in self._sites()])
        names = [*self.delays(), *(place.name for place in self.places)]
        _require_one_each("sites and places", names)
        _require_one_each("stimuli", [train.name for train in self.stimuli])
        return self

    @model_validator(mode="after")
    def _there_is_something_to_stimulate(self) -> Self:
        sites = self.delays()
        known = dict.fromkeys([*sites, *(place.name for place in self.places)])
        for train in self.stimuli or (BEAT,):
            if train.at is None and not sites:
                raise ValueError(
                    "protocol.sites is empty, expected a site, or stimuli that name their places"
                )
            for name in train.at or ():
                if name not in known:
                    raise ValueError(
                        f"stimulus {train.name} names {name!r}, expected one of the sites and "
                        f"places {', '.join(known) or '(there are none)'}"
                    )
        return self

    def _sites(self) -> tuple[ActivationSite, ...]:
        return DEFAULT_SITES if self.sites is None else self.sites

    def delays(self) -> dict[str, float]:
        """Return when each site starts within a beat [ms]."""
        return {site.name: site.time for site in self._sites()}

    def without_times(self) -> tuple[EndocardialSite, ...] | None:
        """Return the sites as they are prepared; none takes the default ones."""
        if self.sites is None:
            return None
        return tuple(EndocardialSite(**site.model_dump(exclude={"time"})) for site in self.sites)

    def stimulation(self) -> Stimulation:
        """Return what a simulation needs, the places being prepared."""
        return Stimulation(
            stimulus=self.stimulus,
            trains=self.stimuli or (BEAT,),
            delays=self.delays(),
            mapped_beat=self.mapped_beat,
        )

    def require_fit(self, dt: float, duration: float) -> None:
        """Check every time against the steps and the end of the simulation.

        Args:
            dt: [ms].
            duration: of the simulation [ms].

        Raises:
            ValueError: with the sentence.
        """
        whole_steps(self.stimulus.duration, dt, "protocol.stimulus.duration")
        for name, delay in self.delays().items():
            _require_steps(delay, dt, f"protocol.sites: time of {name}")
        for train in self.stimuli:
            where = f"protocol.stimuli: {train.name}"
            lasts = train.duration or self.stimulus.duration
            _require_steps(train.time, dt, f"{where}: time")
            _require_steps(lasts, dt, f"{where}: duration")
            for name, interval in train.intervals():
                whole_steps(interval, dt, f"{where}: {name}")
                if interval < lasts:
                    raise ValueError(
                        f"{where}: {name} {interval:g} ms is over before the pulse it follows, "
                        f"which lasts {lasts:g} ms"
                    )
        for pulse in self.stimulation().pulses():
            for name, delay in pulse.delays.items():
                self._require_time_for(pulse, name, pulse.onset + delay, duration)

    def _require_time_for(self, pulse: Pulse, name: str, onset: float, duration: float) -> None:
        where = f"protocol.stimuli: pulse {pulse.number} of {pulse.train} at {name}"
        if not self.stimuli:
            where = f"protocol.sites: {name}"
        if onset + pulse.duration > duration:
            raise ValueError(
                f"{where} at {onset:g} ms, expected before the end, {duration:g} ms, and "
                f"{pulse.duration:g} ms to act"
            )


def _require_steps(time: float, dt: float, name: str) -> None:
    if time > 0.0:
        whole_steps(time, dt, name)


def _require_one_each(what: str, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{times} {what} are called {name!r}, expected one")
