"""Putting an unfinished beat away, and taking it up again where it was.

A beat is put away at a look (`polycardia.solver.control`), before anything is changed by it: the
front is found again by the next one, and from there on nothing differs, to the last bit, on the
same number of ranks.

Nodes are in the order of the whole heart, so that any number of ranks can go on.  Ghosts' states
are kept too, though their owners have the same: so a restart does not depend on kernels that give
a node the same bits wherever it stands in a loop.
"""

import logging
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import MachineTrouble, PolycardiaError
from polycardia.physics.mesh import Floats
from polycardia.solver.clock import Cost
from polycardia.solver.halo import Halo
from polycardia.solver.membrane import Membrane
from polycardia.solver.partition import Comm, gathered
from polycardia.solver.recorders import Recorders

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
NOT_ASKED, TIMER = 0, 1  # or the number of a signal, which is larger than both

Named = Iterator[tuple[str, NDArray[Any]]]


@dataclass(frozen=True)
class Mark:
    """Where in a beat a checkpoint was written.

    Attributes:
        tick: of the look.
        n_ranks: that shared the heart.
        cost: of the beat up to there, by the fields of `Cost`.
    """

    tick: int
    n_ranks: int
    cost: Mapping[str, float] = field(default_factory=dict)

    def total(self, later: Cost) -> Cost:
        """Return the cost of the whole beat, on the ranks that ended it."""
        both = {name: self.cost.get(name, 0) + spent for name, spent in asdict(later).items()}
        memory = max(int(self.cost.get("memory", 0)), later.memory)
        both |= {"n_nodes": later.n_nodes, "n_ranks": later.n_ranks, "memory": memory}
        return Cost(**both)


START = Mark(tick=0, n_ranks=0)


class Kept(Protocol):
    """A checkpoint, as every rank reads it."""

    def rows(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Return the rows ``first <= row < last`` of an array."""

    def sum(self, name: str) -> NDArray[Any]:
        """Return the sum of an array's rows."""


Keep = Callable[[Mark, Named], None]
"""Makes a checkpoint of arrays that are computed as they are taken; raises what it cannot write."""


class Unfinished:
    """All that changes while a beat is stepped, on one rank.

    Args:
        halo: the rank's nodes.
        voltage: ``(n_local,)`` [mV].
        looked: ``(n_owned,)`` at the last look [mV].
        membrane: with the states.
        recorders: of what has been recorded.
    """

    def __init__(
        self,
        halo: Halo,
        voltage: Floats,
        looked: Floats,
        membrane: Membrane,
        recorders: Recorders,
    ) -> None:
        self._halo = halo
        self._voltage = voltage
        self._looked = looked
        self._membrane = membrane
        self._recorders = recorders

    def gathered(self, comm: Comm) -> Named:
        """Yield every array whole on rank 0, one at a time, and empty ones elsewhere.  Collective.

        Those of all ranks follow each other: a row a node, or a row a rank for what ranks add up.
        """
        for name, rows in self._rows():
            counts = comm.gather(len(rows))
            whole = gathered(comm, rows)
            if counts is None or whole is None:
                yield name, rows[:0]
            else:
                yield name, whole.reshape(sum(counts), *rows.shape[1:])

    def _rows(self) -> Named:
        own, column = self._halo.owned.count, self._membrane.column
        yield "voltage", self._voltage[:own]
        yield "looked", self._looked
        for number, row in enumerate(self._membrane.states):
            yield f"states/{number}", row[column[:own]]
            yield f"ghosts/{number}", row[column[own:]]
        for name, array in self._recorders.arrays().items():
            by_node = self._recorders.by_node(name)
            yield f"recorded/{name}", array if by_node else array[None]

    def restore(self, comm: Comm, kept: Kept, n_ranks: int) -> None:
        """Take up what `gathered` yielded on ``n_ranks`` ranks.  Collective."""
        own, first, last = self._halo.owned.count, self._halo.owned.first, self._halo.owned.last
        same = comm.Get_size() == n_ranks
        self._voltage[:own] = kept.rows("voltage", first, last)
        self._looked[:] = kept.rows("looked", first, last)
        n_ghosts, column = len(self._halo.ghosts), self._membrane.column
        ghost = sum(comm.allgather(n_ghosts)[: comm.Get_rank()])
        for number, row in enumerate(self._membrane.states):
            states = kept.rows(f"states/{number}", first, last)
            if same:
                row[column[:own]] = states
                row[column[own:]] = kept.rows(f"ghosts/{number}", ghost, ghost + n_ghosts)
            else:
                row[column] = self._halo.extended(states)
        recorded: dict[str, NDArray[Any]] = {}
        for name in self._recorders.arrays():
            stored = f"recorded/{name}"
            if self._recorders.by_node(name):
                recorded[name] = kept.rows(stored, first, last)
            elif same:
                (recorded[name],) = kept.rows(stored, comm.Get_rank(), comm.Get_rank() + 1)
            else:
                # The sum goes to one rank: the others begin at zero.
                whole = kept.sum(stored)
                recorded[name] = whole if comm.Get_rank() == 0 else np.zeros_like(whole)
        self._recorders.restore(recorded)


def layout(recorders: Recorders) -> dict[str, str]:
    """Return type and shape of what is recorded for a node, or on a rank, by name."""
    return {
        name: f"{array.dtype} {array.shape[1:] if recorders.by_node(name) else array.shape}"
        for name, array in recorders.arrays().items()
    }


@dataclass
class Checkpoints:
    """When a beat is put away and who keeps it.

    Attributes:
        every: between two checkpoints, wall time [s].
        keep: on rank 0; the other ranks have none.
        wanted: whether there are any, on all ranks; without them signals act as ever.
        kept: what to go on from, and ...
        start: ... where that is.
    """

    every: float = math.inf
    keep: Keep | None = None
    wanted: bool = False
    kept: AbstractContextManager[Kept] | None = None
    start: Mark = START
    _last: float = field(default_factory=time.monotonic)
    _signal: int = NOT_ASKED

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take note of signals for as long as the block runs, instead of ending at once."""
        self._last = time.monotonic()
        handlers = {number: signal.getsignal(number) for number in SIGNALS} if self.wanted else {}
        for number in handlers:
            signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                # None stands for one that was not installed from Python.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number

    def asked(self) -> int:
        """Return a signal's number, or `TIMER`, or `NOT_ASKED`, as this rank sees it."""
        if self._signal:
            return self._signal
        due = self.keep is not None and time.monotonic() - self._last >= self.every
        return TIMER if due else NOT_ASKED

    def take_up(self, comm: Comm, beat: Unfinished) -> Mark:
        """Restore what to go on from, if there is such, and say where it is.  Collective."""
        if self.kept is not None:
            with self.kept as kept:
                beat.restore(comm, kept, self.start.n_ranks)
        return self.start

    def put_away(self, comm: Comm, mark: Mark, beat: Unfinished) -> PolycardiaError | None:
        """Write a checkpoint; return on all ranks why it could not be written.  Collective."""
        fault: PolycardiaError | None = None
        arrays = beat.gathered(comm)
        if self.keep is not None:
            try:
                self.keep(mark, arrays)
            except PolycardiaError as error:
                fault = error
                log.warning("no checkpoint: %s", error)
        # The others hand over what is left, whether the first one can write it or not.
        for _ in arrays:
            pass
        # A rank that ended while the first one writes would end that too.
        fault = comm.bcast(fault)
        self._last = time.monotonic()
        return fault


def end_if_signalled(asked: int, now: float, fault: PolycardiaError | None = None) -> None:
    """Raise on all ranks if a signal asked for the end, after the checkpoint.

    A beat that nobody ends goes on without its checkpoint: the next one may succeed, and what has
    been computed until now is worth more.

    Args:
        asked: as all ranks agreed.
        now: [ms].
        fault: why the checkpoint could not be written, or None.

    Raises:
        MachineTrouble: with the signal.
    """
    if asked > TIMER:
        name = signal.Signals(asked).name
        left = "the checkpoint goes on from there" if fault is None else f"no checkpoint: {fault}"
        raise MachineTrouble(f"ended by {name} at {now:g} ms, {left}")
