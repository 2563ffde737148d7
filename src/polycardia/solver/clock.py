"""Where the time of a simulation goes, and what it moves and holds meanwhile."""

import time
from dataclasses import dataclass
from typing import NamedTuple, Self

from mpi4py import MPI

from polycardia.provenance import peak_memory
from polycardia.solver.halo import Halo

PARTS = ("reaction", "front", "diffusion", "halo", "output", "control")


@dataclass(frozen=True)
class Cost:
    """What the steps of a simulation took; seconds are the slowest rank's.

    A rank receives a message from each of its neighbours in an exchange.

    Attributes:
        reaction: cell models of the nodes [s].
        front: finding the front, and the quadrature in it [s].
        diffusion: products with the operator [s].
        halo: exchanges with neighbours [s].
        output: recording of maps, ECG, snapshots [s].
        control: looking how fast the tissue changes, reports [s].
        processor: the processor's time of all these [s]; less where the rank had to wait for
            one, which makes the other seconds say little.
        n_nodes: of the whole heart.
        n_ranks: that shared it.
        n_steps: how many steps.
        n_large_steps: how many of them were large ones.
        stages: of the diffusion, in all steps.
        exchanges: with neighbours, in all steps.
        messages: received by all ranks, in all steps.
        message_bytes: in all these messages [bytes].
        memory: the most that one rank has held, libraries included [bytes].
    """

    reaction: float
    front: float
    diffusion: float
    halo: float
    output: float
    control: float
    processor: float
    n_nodes: int
    n_ranks: int
    n_steps: int
    n_large_steps: int
    stages: int
    exchanges: int
    messages: int
    message_bytes: int
    memory: int

    @property
    def stepping(self) -> float:
        """All parts together [s]."""
        return float(sum(getattr(self, part) for part in PARTS))

    def per_node_step(self, seconds: float) -> float:
        """Return what ``seconds`` on every rank are for a node and a step [core ns]."""
        node_steps = self.n_nodes * self.n_steps
        return 1e9 * seconds * self.n_ranks / node_steps if node_steps else 0.0


def table(cost: Cost) -> str:
    """Return where the time went, for a person."""
    rows = [(part, float(getattr(cost, part))) for part in PARTS]
    rows.append(("all", cost.stepping))
    whole, steps = cost.stepping or 1.0, max(cost.n_steps, 1)
    lines = [f"{'':10}{'s':>10}{'%':>8}  core ns a node and step"]
    lines += [
        f"{name:10}{seconds:10.2f}{100.0 * seconds / whole:8.1f}{cost.per_node_step(seconds):12.2f}"
        for name, seconds in rows
    ]
    return "\n".join(
        [
            *lines,
            f"on the processor for {100.0 * cost.processor / whole:.0f} % of it, "
            f"{cost.per_node_step(cost.processor):.2f} core ns a node and step",
            f"{cost.n_steps} steps, {cost.n_large_steps} of them large, "
            f"{cost.stages / steps:.2f} diffusion stages a step",
            f"{cost.exchanges / steps:.2f} exchanges a step, {cost.messages} messages "
            f"of {cost.message_bytes / 1e6:.1f} MB in all",
            f"{cost.n_nodes} nodes on {cost.n_ranks} ranks, at most {cost.memory / 1e6:.0f} MB "
            f"a rank, {cost.memory * cost.n_ranks / max(cost.n_nodes, 1):.0f} bytes a node",
        ]
    )


class _Traffic(NamedTuple):
    """What a rank's halo has counted so far."""

    exchanges: int
    received: int

    @classmethod
    def of(cls, halo: Halo) -> Self:
        return cls(halo.exchanges, halo.received)


class Clock:
    """Adds up wall time by part of a step, and counts.

    Args:
        halo: keeps the time of its exchanges itself; it is taken out of the part they happen in.
    """

    def __init__(self, halo: Halo) -> None:
        self._halo = halo
        self._spent = dict.fromkeys(PARTS, 0.0)
        self._steps = self._large_steps = self._stages = 0
        self._last = self._exchanged = self._begun = 0.0
        self._before = _Traffic.of(halo)

    def start(self) -> None:
        """Begin: what was spent and exchanged until now is not of the steps."""
        self._last, self._exchanged = time.perf_counter(), self._halo.seconds
        self._before = _Traffic.of(self._halo)
        self._begun = time.process_time()

    def charge(self, part: str) -> None:
        """Book the time since the last call on ``part``, and that of exchanges on the halo."""
        now, exchanged = time.perf_counter(), self._halo.seconds
        halo = exchanged - self._exchanged
        self._spent[part] += now - self._last - halo
        self._spent["halo"] += halo
        self._last, self._exchanged = now, exchanged

    def count_step(self, ticks: int) -> None:
        """Count a step of so many ticks; one of several is a large one."""
        self._steps += 1
        self._large_steps += ticks > 1

    def count_stages(self, stages: int) -> None:
        self._stages += stages

    def cost(self, comm: MPI.Comm) -> Cost:
        """Return the cost on the rank where all parts took longest.  Collective."""
        processor = time.process_time() - self._begun
        everyone = comm.allgather((self._spent, processor))
        slowest, processor = max(everyone, key=lambda rank: sum(rank[0].values()))
        halo, before = self._halo, self._before
        exchanges = halo.exchanges - before.exchanges
        return Cost(
            **slowest,
            processor=processor,
            n_nodes=halo.owned.n_nodes,
            n_ranks=comm.Get_size(),
            n_steps=self._steps,
            n_large_steps=self._large_steps,
            stages=self._stages,
            exchanges=exchanges,
            messages=comm.allreduce(exchanges * len(halo.neighbours)),
            message_bytes=comm.allreduce(halo.received - before.received),
            memory=comm.allreduce(peak_memory(), MPI.MAX),
        )
