"""The nodes of other ranks that one rank's elements touch, and how their values get here."""

import math
import time
from typing import Any, NamedTuple

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.partition import Ownership, owners

VALUE = np.dtype(PETSc.ScalarType).itemsize  # [bytes]


class _Kept(NamedTuple):
    """A vector for values that come and go: to set one up takes nine reductions and gathers."""

    values: Floats
    vector: PETSc.Vec


class Halo:
    """Local node numbers: a rank's own nodes in order, then its ghosts in order.

    Args:
        owned: the rank's own nodes.
        touched: ``(n_touched,)`` ascending, all nodes of the elements with at least one own node.
        comm: of all ranks.

    Attributes:
        owned: the rank's own nodes.
        ghosts: ``(n_ghosts,)`` their numbers in the whole heart, ascending.
        seconds: spent in exchanges.
        exchanges: how many there were.
        received: in all of them [bytes].
    """

    def __init__(self, owned: Ownership, touched: NDArray[np.integer[Any]], comm: MPI.Comm) -> None:
        self.owned = owned
        foreign = (touched < owned.first) | (touched >= owned.last)
        self.ghosts: Integers = touched[foreign].astype(np.int64)
        self.seconds = 0.0
        self.exchanges = 0
        self.received = 0
        self._comm = comm
        self._kept: dict[int, _Kept] = {}

    @property
    def neighbours(self) -> Integers:
        """The ranks that own ghosts, ascending."""
        return np.unique(owners(self.ghosts, self.owned.n_nodes, self._comm.Get_size()))

    @property
    def n_local(self) -> int:
        return self.owned.count + len(self.ghosts)

    def local(self, nodes: NDArray[np.integer[Any]]) -> Integers:
        """Return the local numbers of own nodes and ghosts."""
        inside = (nodes >= self.owned.first) & (nodes < self.owned.last)
        ghost = self.owned.count + np.searchsorted(self.ghosts, nodes)
        return np.where(inside, nodes - self.owned.first, ghost)

    def vector(self, values: Floats) -> PETSc.Vec:
        """Return a vector over all ranks that shares ``(n_local, ...)`` values.  Collective."""
        a_node = values[:1].size
        return PETSc.Vec().createGhostWithArray(
            self.ghosts.astype(PETSc.IntType),
            values.reshape(-1),
            size=(a_node * self.owned.count, a_node * self.owned.n_nodes),
            bsize=a_node,
            comm=self._comm,
        )

    def exchange(self, vector: PETSc.Vec) -> None:
        """Fetch the ghosts' values from the ranks that own them.  Collective."""
        if self._comm.Get_size() == 1:
            return
        started = time.perf_counter()
        vector.ghostUpdate(PETSc.InsertMode.INSERT_VALUES, PETSc.ScatterMode.FORWARD)
        self.seconds += time.perf_counter() - started
        self.exchanges += 1
        self.received += VALUE * vector.getBlockSize() * len(self.ghosts)

    def extended(self, own: NDArray[Any]) -> Floats:
        """Return ``(n_local, ...)`` from the ranks' own ``(n_owned, ...)`` values.  Collective."""
        if self._comm.Get_size() == 1:
            return np.asarray(own, np.float64)
        width = math.prod(own.shape[1:])
        if width not in self._kept:
            values = np.zeros((self.n_local, width))
            self._kept[width] = _Kept(values, self.vector(values))
        values, vector = self._kept[width]
        values[: self.owned.count] = own.reshape(-1, width)
        self.exchange(vector)
        return values.reshape(-1, *own.shape[1:]).copy()
