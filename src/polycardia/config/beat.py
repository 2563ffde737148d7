"""How a beat is stepped."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Finite, NonNegative, Positive, Section, whole_steps

SHORTEST_DT, LONGEST_DT = 1e-4, 0.5  # [ms]


class Numerics(Section):
    """Discretisation in space and time."""

    dt: Positive = Field(
        0.025,
        ge=SHORTEST_DT,
        le=LONGEST_DT,
        description="time step while a front moves anywhere [ms]",
    )
    dt_quiet: Positive = Field(
        0.2,
        le=5.0,
        description="time step in plateau and rest, a multiple of dt; dt fixes the step [ms]",
    )
    quiet_rate: Positive = Field(
        5.0, description="no front moves where no voltage changes faster than this [mV/ms]"
    )
    duration: Positive = Field(500.0, le=1e6, description="of the simulated beat [ms]")
    stop: Literal["at_duration", "when_activated", "when_repolarised"] = Field(
        "at_duration",
        description="when_activated ends early, without repolarisation or T wave; when_repolarised "
        "once the mapped beat is over; neither before it is known what the last stimulus did",
    )
    activation_threshold: Finite = Field(
        0.0, description="activation is the first upward crossing [mV]; Niederer 2011"
    )
    repolarisation_threshold: Finite = Field(
        -70.0, description="repolarisation is the last downward crossing [mV]"
    )
    velocity_error_limit: Positive = Field(
        0.1,
        description="a heart is under_resolved if in more than 5 % of its wall the mesh changes "
        "the velocity by more than this: docs/numerics.md [1]",
    )
    softened_volume: NonNegative = Field(
        0.001,
        le=0.01,
        description="share of the wall's volume whose elements, the stiffest by far, may conduct "
        "less so that steps need fewer stages; 0 for none: docs/numerics.md [1]",
    )
    report_interval: Positive = Field(10.0, description="simulated time between log lines [ms]")

    @model_validator(mode="after")
    def _steps_are_whole(self) -> Self:
        try:
            whole_steps(self.dt_quiet, self.dt, "dt_quiet")
        except ValueError as error:
            # Who gives dt alone has not heard of dt_quiet.
            raise ValueError(
                f"{error}: expected dt_quiet a multiple of dt, and duration and report_interval "
                "multiples of dt_quiet"
            ) from None
        for name in ("duration", "report_interval"):
            whole_steps(getattr(self, name), self.dt_quiet, name, "dt_quiet")
        if self.repolarisation_threshold >= self.activation_threshold:
            raise ValueError(
                f"repolarisation_threshold {self.repolarisation_threshold:g} mV, expected less "
                f"than the activation_threshold, {self.activation_threshold:g} mV"
            )
        if self.report_interval > self.duration:
            raise ValueError(
                f"report_interval {self.report_interval:g} ms, expected at most the duration, "
                f"{self.duration:g} ms"
            )
        return self

    @property
    def n_steps(self) -> int:
        return whole_steps(self.duration, self.dt, "duration")
