"""How large the steps are: small while a front moves anywhere, large in plateau and rest.

Time is counted in ticks of the smallest step, so that no rounding adds up.
"""

from dataclasses import dataclass

from polycardia.config import Numerics, whole_steps

LOOK_EVERY = 0.2  # [ms] between two looks at how fast the voltage changes, about


@dataclass(frozen=True)
class Stepping:
    """The steps of one beat.

    Attributes:
        dt: of one tick [ms].
        n_ticks: in all.
        quiet_ticks: of a large step.
        look_ticks: between two looks at the tissue; a whole number of large steps.
        quiet_rate: largest change of the voltage that counts as quiet [mV/ms].
    """

    dt: float
    n_ticks: int
    quiet_ticks: int
    look_ticks: int
    quiet_rate: float

    def time(self, tick: int) -> float:
        """Return the time of a tick [ms]."""
        return tick * self.dt

    def ticks(self, moving: bool) -> int:
        """Return how many ticks a step takes."""
        return 1 if moving else self.quiet_ticks


def stepping(numerics: Numerics) -> Stepping:
    """Return the steps that the settings ask for."""
    quiet_ticks = whole_steps(numerics.dt_quiet, numerics.dt, "dt_quiet")
    return Stepping(
        dt=numerics.dt,
        n_ticks=numerics.n_steps,
        quiet_ticks=quiet_ticks,
        look_ticks=quiet_ticks * max(1, round(LOOK_EVERY / numerics.dt_quiet)),
        quiet_rate=numerics.quiet_rate,
    )
