"""Slices of nodes, and the numbers that a rank has for its own and its neighbours'."""

from types import SimpleNamespace

import numpy as np
import pytest
from mpi4py import MPI

from polycardia.errors import BadStudy
from polycardia.solver.halo import Halo
from polycardia.solver.partition import Ownership, ownership


def rank(number, size):
    """A communicator as one rank sees it."""
    return SimpleNamespace(Get_rank=lambda: number, Get_size=lambda: size)


@pytest.mark.parametrize(("n", "size"), [(10, 3), (7, 7), (1000, 13), (5, 1)])
def test_every_node_has_one_owner_and_all_own_about_as_many(n, size):
    parts = [ownership(n, rank(number, size)) for number in range(size)]
    owned = [node for part in parts for node in range(part.first, part.last)]
    assert owned == list(range(n))
    counts = [part.count for part in parts]
    assert max(counts) - min(counts) <= 1


def test_more_ranks_than_nodes_are_refused():
    with pytest.raises(BadStudy, match="4 ranks for 3 nodes"):
        ownership(3, rank(0, 4))


def test_local_numbers_are_own_nodes_then_ghosts():
    halo = Halo(Ownership(20, 5, 10), np.array([2, 4, 5, 6, 7, 8, 9, 11, 17]), MPI.COMM_SELF)
    np.testing.assert_array_equal(halo.ghosts, [2, 4, 11, 17])
    assert halo.n_local == 9
    nodes = np.array([[5, 9], [17, 2], [4, 11]])
    np.testing.assert_array_equal(halo.local(nodes), [[0, 4], [8, 5], [6, 7]])


def test_one_rank_exchanges_nothing():
    halo = Halo(Ownership(4, 0, 4), np.arange(4), MPI.COMM_SELF)
    values = np.array([3.0, 1.0, 4.0, 1.0])
    np.testing.assert_array_equal(halo.extended(values), values)
    assert halo.exchanges == 0
