"""Which of many things that last for a while fall into a time: hardly any of a thousand pulses."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Agenda(Generic[Thing]):
    """Things with a start and an end, found by time.

    Nothing is moved along with the time, so that a simulation can be taken up anywhere.

    Args:
        things: any number.
        starts: of each, in any unit.
        ends: of each; it is over then.
    """

    def __init__(
        self, things: Sequence[Thing], starts: Sequence[float], ends: Sequence[float]
    ) -> None:
        self._things = things
        self._ends = ends
        self._order = sorted(range(len(things)), key=starts.__getitem__)
        self._starts = [starts[number] for number in self._order]
        # The latest end so far ascends, so that what lies before a place in it is over.
        self._latest = list(accumulate((ends[number] for number in self._order), max))

    def during(self, first: float, last: float) -> list[tuple[int, Thing]]:
        """Return those with ``start <= last`` and ``first < end``, with their numbers, by these."""
        some = self._order[bisect_right(self._latest, first) : bisect_right(self._starts, last)]
        return [
            (number, self._things[number]) for number in sorted(some) if self._ends[number] > first
        ]
