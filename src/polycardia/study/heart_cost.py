"""What one heart has cost, as its file says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from polycardia.study.sizing import beat_job

PHASES = ("reaction", "front", "diffusion", "halo", "output", "control")


@dataclass(frozen=True)
class HeartCost:
    """What a solved heart has cost.

    Attributes:
        nodes: of its mesh.
        ranks: of its beat.
        preparation: wall time [s].
        beat: wall time of all of `simulate` [s].
        phases: wall time of the steps' parts on the slowest rank [s], by the names in `PHASES`.
        processor: time on the processor in these parts [s].
        steps: of the beat.
        memory: the most that all ranks together have held [bytes].
        energy: of the nodes [J]; NaN if unknown.
        host: of the first rank.
    """

    nodes: int
    ranks: int
    preparation: float
    beat: float
    phases: Mapping[str, float]
    processor: float
    steps: int
    memory: float
    energy: float
    host: str

    @classmethod
    def of(cls, made: Mapping[str, Any]) -> Self | None:
        """Read it from a heart's provenance; None where that does not have it."""
        try:
            return cls(
                nodes=int(made["cost_n_nodes"]),
                ranks=int(made["ranks"]),
                preparation=float(made["prepare_seconds"]),
                beat=float(made["seconds"]),
                phases={phase: float(made[f"cost_{phase}"]) for phase in PHASES},
                processor=float(made["cost_processor"]),
                steps=int(made["cost_n_steps"]),
                memory=float(made["memory"]),
                energy=float(made.get("energy", math.nan)),
                host=str(made["host"]),
            )
        except KeyError:  # it failed, or is of an earlier version
            return None

    @property
    def stepping(self) -> float:
        """Wall time of the steps [s]."""
        return sum(self.phases.values())

    @property
    def core_hours(self) -> float:
        """Of preparation, on one core, and beat."""
        return (self.preparation + self.ranks * self.beat) / 3600.0

    @property
    def node_step(self) -> float:
        """What a node and step take [core ns]."""
        return 1e9 * self.ranks * self.stepping / (self.nodes * max(self.steps, 1))

    @property
    def on_processor(self) -> float:
        """Share of the steps in which the slowest rank had a core [1]."""
        return self.processor / self.stepping if self.stepping else math.nan

    @property
    def computing(self) -> float:
        """Share of the beat's core time that goes into the tissue and its cells [1].

        The rest is starting, reading, waiting for other ranks, recording and writing.
        """
        useful = sum(self.phases[phase] for phase in ("reaction", "front", "diffusion"))
        return useful / self.beat if self.beat else math.nan

    @property
    def memory_share(self) -> float:
        """What the beat has held over what its first job asks for [1]."""
        return self.memory / 1e6 / beat_job(self.nodes, steps=1).memory
