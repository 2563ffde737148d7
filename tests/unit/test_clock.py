"""Where the time goes: what is booked, what is counted, and the table's sums."""

import re

import numpy as np
import pytest
from mpi4py import MPI

from polycardia.solver import clock as clock_module
from polycardia.solver.clock import PARTS, Clock, Cost, table
from polycardia.solver.halo import Halo
from polycardia.solver.partition import Ownership, owners, ownership

COST = Cost(
    reaction=4.0,
    front=2.0,
    diffusion=1.0,
    halo=0.5,
    output=0.3,
    control=0.2,
    processor=6.0,
    n_nodes=50_000,
    n_ranks=2,
    n_steps=1600,
    n_large_steps=400,
    stages=4000,
    exchanges=4800,
    messages=9600,
    message_bytes=9_600 * 8 * 1000,
    memory=250_000_000,
)


def test_nanoseconds_are_of_all_cores():
    # 4 s on each of two ranks over 80 million nodes and steps
    assert COST.per_node_step(4.0) == pytest.approx(100.0)
    assert COST.stepping == pytest.approx(8.0)


def test_table_has_every_part_and_adds_up():
    rows = {
        line.split()[0]: [float(word) for word in line.split()[1:]]
        for line in table(COST).splitlines()
        if line.startswith((*PARTS, "all"))
    }
    assert rows["reaction"] == [4.0, 50.0, 100.0]
    assert rows["all"] == [8.0, 100.0, 200.0]
    parts = np.array([rows[part] for part in PARTS])
    np.testing.assert_allclose(parts.sum(axis=0), rows["all"], atol=1e-9)


@pytest.mark.parametrize(
    "sentence",
    [
        "on the processor for 75 % of it, 150.00 core ns a node and step",
        "1600 steps, 400 of them large, 2.50 diffusion stages a step",
        "3.00 exchanges a step, 9600 messages of 76.8 MB in all",
        "at most 250 MB a rank, 10000 bytes a node",
    ],
)
def test_table_says_what_was_moved_and_held(sentence):
    assert sentence in table(COST)


def test_table_of_no_step_has_no_division_by_zero():
    nothing = dict.fromkeys(Cost.__dataclass_fields__, 0)
    assert re.search(r"^all +0\.00", table(Cost(**nothing)), re.MULTILINE)


def test_clock_books_exchanges_on_the_halo(monkeypatch):
    now = iter([10.0, 13.0, 14.0])
    monkeypatch.setattr(clock_module.time, "perf_counter", lambda: next(now))
    halo = Halo(Ownership(8, 0, 4), np.arange(6), MPI.COMM_SELF)
    clock = Clock(halo)
    clock.start()
    halo.seconds += 1.0  # of the three that go by
    clock.charge("diffusion")
    clock.charge("output")
    for ticks in (1, 1, 5):
        clock.count_step(ticks)
        clock.count_stages(2)
    cost = clock.cost(MPI.COMM_SELF)
    assert (cost.diffusion, cost.halo, cost.output) == (2.0, 1.0, 1.0)
    assert (cost.n_steps, cost.n_large_steps, cost.stages) == (3, 1, 6)
    assert (cost.n_nodes, cost.n_ranks) == (8, 1)
    assert cost.memory > 0


class _Ranks:
    """Stands for a communicator, where only rank and size are asked for."""

    def __init__(self, rank, size):
        self.Get_rank, self.Get_size = lambda: rank, lambda: size


class _Vector:
    """Stands for PETSc's, of so many values a node."""

    def __init__(self, width):
        self.getBlockSize = lambda: width

    def ghostUpdate(self, insert, direction):
        pass


class _TwoRanks(_Ranks):
    """The first of two that are alike."""

    def allgather(self, value):
        return [value, value]

    def allreduce(self, value, operation=MPI.SUM):
        return 2 * value if operation == MPI.SUM else value


def test_only_what_steps_exchange_is_counted_with_all_its_values():
    comm = _TwoRanks(0, 2)
    halo = Halo(Ownership(10, 0, 5), np.arange(7), comm)  # two ghosts, of one neighbour
    halo.exchange(_Vector(1))  # before the beat
    clock = Clock(halo)
    halo.exchange(_Vector(1))  # still
    clock.start()
    for width in (1, 3, 1):
        halo.exchange(_Vector(width))
    cost = clock.cost(comm)
    assert (cost.exchanges, cost.messages) == (3, 6)
    assert cost.message_bytes == 2 * (1 + 3 + 1) * 2 * 8


@pytest.mark.parametrize(("n_nodes", "size"), [(10, 1), (10, 3), (17, 17), (1000, 7)])
def test_every_node_is_owned_by_the_rank_whose_slice_it_is_in(n_nodes, size):
    owner = owners(np.arange(n_nodes), n_nodes, size)
    for rank in range(size):
        own = ownership(n_nodes, _Ranks(rank, size))
        np.testing.assert_array_equal(np.flatnonzero(owner == rank), np.arange(own.first, own.last))


def test_neighbours_are_the_owners_of_ghosts():
    # ten nodes on five ranks: rank 1 has 2 and 3
    halo = Halo(Ownership(10, 2, 4), np.array([1, 2, 3, 8, 9]), _Ranks(1, 5))
    np.testing.assert_array_equal(halo.neighbours, [0, 4])
