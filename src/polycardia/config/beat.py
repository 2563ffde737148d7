"""How a beat is started, and how it is stepped."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Finite, Fraction, NonNegative, Positive, Section, whole_steps


class ActivationSite(Section):
    """Where activation starts, in the heart's own frame."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    ventricle: Literal["lv", "rv"]
    apicobasal: Fraction = Field(description="0 at the apex, 1 at the base")
    rotation: Finite = Field(
        description="about the long axis, 0 at the septum's middle, positive towards anterior "
        "[degree]"
    )
    time: NonNegative = Field(0.0, description="[ms]")


# YAML has lists where these types have tuples, so that they cannot change.
Sites = Annotated[tuple[ActivationSite, ...] | None, Field(strict=False, min_length=1)]


class Stimulus(Section):
    """The current that starts a beat at each site."""

    amplitude: Positive = Field(
        50.0, description="current per membrane capacitance [uA/uF = mV/ms]"
    )
    duration: Positive = Field(2.0, description="[ms]")


class Protocol(Section):
    """How the beat is started."""

    sites: Sites = Field(
        None, description="none takes the five sites of docs/physics.md after Durrer et al. 1970"
    )
    site_radius: Positive = Field(3.0, description="of a stimulated endocardial patch [mm]")
    stimulus: Stimulus = Stimulus()

    @model_validator(mode="after")
    def _sites_have_names_of_their_own(self) -> Self:
        names = [site.name for site in self.sites or ()]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{names.count(name)} sites are called {name!r}, expected one")
        return self


class Numerics(Section):
    """Discretisation in space and time."""

    dt: Positive = Field(0.05, description="time step [ms]")
    duration: Positive = Field(500.0, description="of the simulated beat [ms]")
    stop: Literal["at_duration", "when_activated"] = Field(
        "at_duration", description="when_activated ends early, without repolarisation or T wave"
    )
    theta: Annotated[float, Field(ge=0.5, le=1.0)] = Field(
        0.5, description="0.5 is Crank-Nicolson, 1 backward Euler"
    )
    mass_lumping: Fraction = Field(
        0.0, description="share of the lumped mass matrix, the rest is consistent"
    )
    tolerance: Positive = Field(
        1e-5, description="of one diffusion solve: root mean square residual over the nodes [mV]"
    )
    activation_threshold: Finite = Field(
        0.0, description="activation is the first upward crossing [mV]; Niederer 2011"
    )
    repolarisation_threshold: Finite = Field(
        -70.0, description="repolarisation is the last downward crossing [mV]"
    )
    report_interval: Positive = Field(10.0, description="simulated time between log lines [ms]")

    @model_validator(mode="after")
    def _steps_are_whole(self) -> Self:
        for name in ("duration", "report_interval"):
            whole_steps(getattr(self, name), self.dt, name)
        if self.report_interval > self.duration:
            raise ValueError(
                f"report_interval {self.report_interval:g} ms, expected at most the duration, "
                f"{self.duration:g} ms"
            )
        return self

    @property
    def n_steps(self) -> int:
        return whole_steps(self.duration, self.dt, "duration")
