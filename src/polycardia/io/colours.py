"""The colours of activation: one scale for a whole cohort, in bands with edges at isochrones.

Light, without any file library, so that the page's colour bar and the pictures share it.
"""

import math
from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadStudy

# Plasma of matplotlib (van der Walt and Smith, CC0) reversed: even steps look even, also to
# colour-blind eyes, and early is light and warm as on the maps of electrophysiology systems.
# Both ends are left out: the first yellow has no contrast to white, the last blue none to lines.
_STOPS = (
    *("#f9dd25", "#fdc328", "#fdab33", "#f89441", "#f07f4f", "#e56b5d", "#d9586a", "#cb4679"),
    *("#bb3488", "#a82296", "#9410a2", "#7d03a8", "#6400a7", "#4b03a1", "#2f0596"),
)
NEVER = "#b8b8b8"  # tissue without an activation time
MAX_BANDS = 30


@dataclass(frozen=True)
class ColourScale:
    """Bands of equal width in time.

    Attributes:
        start: early end [ms], a multiple of ``step``.
        step: width of a band, and distance of isochrones [ms].
        count: number of bands.
    """

    start: float
    step: float
    count: int

    @classmethod
    def covering(cls, earliest: float, latest: float, step: float = 10.0) -> "ColourScale":
        """Return whole bands that hold a range of times.

        Args:
            earliest: of the cohort [ms].
            latest: of the cohort [ms].
            step: wanted width of a band [ms]; doubled until `MAX_BANDS` are enough.

        Raises:
            BadStudy: the range is empty or not finite.
        """
        if not (math.isfinite(earliest) and math.isfinite(latest) and earliest <= latest):
            raise BadStudy(f"colour scale: found {earliest} to {latest} ms, expected a range")
        if step <= 0.0:
            raise BadStudy(f"colour scale: found bands of {step} ms, expected a positive width")
        while latest - earliest > step * (MAX_BANDS - 1):
            step *= 2.0
        first = math.floor(earliest / step)
        last = max(math.ceil(latest / step), first + 1)
        return cls(first * step, step, last - first)

    @property
    def stop(self) -> float:
        """Late end [ms]."""
        return self.start + self.count * self.step

    def edges(self) -> list[float]:
        """Return the ``count + 1`` times between bands, both ends included [ms]."""
        return [self.start + band * self.step for band in range(self.count + 1)]

    def colours(self) -> list[str]:
        """Return the colour of every band as ``#rrggbb``, early ones first."""
        stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in _STOPS])
        at = np.linspace(0.0, len(_STOPS) - 1.0, max(self.count, 2))[: self.count]
        channels = [np.interp(at, np.arange(len(_STOPS)), stops[:, c]) for c in range(3)]
        bytes_of_bands = np.rint(channels).astype(np.uint8).T
        return [f"#{band.tobytes().hex()}" for band in bytes_of_bands]
