"""Voltage and states of a few chosen nodes, sampled."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.kept import Arrays
from polycardia.physics.mesh import Floats
from polycardia.solver.partition import Ownership


class States(Protocol):
    """Where a node's states are found.

    Attributes:
        states: ``(n_states, n_local)``, those of the cell with most; others leave rows unused.
        column: ``(n_local,)`` each node's column, own nodes first.
    """

    states: Floats
    column: NDArray[np.int32]


class Probes:
    """What is sampled at some nodes.

    Args:
        nodes: numbered in the heart, the same on every rank.
        owned: this rank's nodes.
        every: take every so many samples.
        n_samples: of the whole simulation, of which one in ``every`` is kept.
        states: of this rank's nodes; None keeps the voltage alone.
    """

    by_node: ClassVar[bool] = False

    def __init__(
        self,
        nodes: Sequence[int],
        owned: Ownership,
        *,
        every: int,
        n_samples: int,
        states: States | None = None,
    ) -> None:
        self._own = {
            probe: node - owned.first
            for probe, node in enumerate(nodes)
            if owned.first <= node < owned.last
        }
        self._n_probes = len(nodes)
        self._every = every
        self._states = states
        n_rows = 1 + (0 if states is None else len(states.states))
        self._values = np.zeros((len(self._own), n_rows, self.kept(n_samples)))
        # What a checkpoint of another number of ranks has left here of others' nodes.
        self._others: Floats | None = None

    def kept(self, n_samples: int) -> int:
        """Return how many of the first samples are kept."""
        return (n_samples - 1) // self._every + 1

    def observe(self, time: float, dt: float, before: Floats, after: Floats) -> None:
        """Nothing: probes are sampled."""

    def sample(self, number: int, time: float, voltage: Floats) -> None:
        """Record a sample, if it is one of those that are kept."""
        column, rest = divmod(number, self._every)
        if rest:
            return
        for values, node in zip(self._values, self._own.values(), strict=True):
            values[0, column] = voltage[node]
            if self._states is not None:
                values[1:, column] = self._states.states[:, self._states.column[node]]

    @property
    def values(self) -> Floats:
        """``(n_probes, 1 + n_states, n)``: voltage [mV], then states.

        Ranks add up: others' nodes are zero but for what was restored of them.
        """
        shape = (self._n_probes, *self._values.shape[1:])
        whole = np.zeros(shape) if self._others is None else self._others.copy()
        whole[list(self._own)] = self._values
        return whole

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes."""
        return {"values": self.values}

    def restore(self, arrays: Arrays) -> None:
        """Take up what `arrays` returned, or what adds up to the same over the ranks.

        Raises:
            ValueError: the array is missing, or has another shape.
        """
        expected = (self._n_probes, *self._values.shape[1:])
        if "values" not in arrays or arrays["values"].shape != expected:
            found = arrays["values"].shape if "values" in arrays else "none"
            raise ValueError(f"recorded probes: found {found}, expected {expected}")
        own = list(self._own)
        others = arrays["values"].copy()
        self._values[:] = others[own]
        others[own] = 0.0
        self._others = others if others.any() else None
