"""What jobs ask for follows from the heart's size and the attempt."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycardia.scheduler import cores_of_a_step
from polycardia.study.sizing import (
    ATTEMPTS,
    FEWEST_RANKS,
    MOST_RANKS,
    beat_job,
    prepare_memory,
)

STEPS = 20_000  # 500 ms of 0.025 ms
sizes = st.floats(1e2, 1e8)


@given(sizes, sizes)
def test_a_larger_heart_gets_no_less(one, other):
    small, large = (beat_job(nodes, STEPS) for nodes in sorted((one, other)))
    assert small.ranks <= large.ranks
    assert small.memory <= large.memory
    assert FEWEST_RANKS <= small.ranks <= large.ranks <= MOST_RANKS


@given(sizes)
def test_every_attempt_gets_more_memory_and_time(nodes):
    tries = [beat_job(nodes, STEPS, attempt) for attempt in range(1, ATTEMPTS + 1)]
    assert len({job.ranks for job in tries}) == 1
    for before, after in pairwise(tries):
        assert after.memory_per_rank > before.memory_per_rank
        assert after.minutes > before.minutes


def test_writing_down_why_takes_next_to_nothing():
    last = beat_job(1e7, STEPS, ATTEMPTS + 1)
    assert last.ranks == FEWEST_RANKS
    assert last.memory < 0.1 * beat_job(1e7, STEPS).memory
    assert prepare_memory(10**9, 0.5, ATTEMPTS + 1) < 0.1 * prepare_memory(10**9, 0.5)


def test_a_beat_of_a_real_heart_fits_many_times():
    """A million nodes, 500 ms of TP06: 0.32 core-hours and 1.2 kB a node (docs/benchmarks.md)."""
    job = beat_job(1e6, STEPS)
    assert job.minutes > 10 * 0.32 * 60 / job.ranks
    assert job.minutes < 60, "a limit of hours waits long in line"
    assert job.memory > 1.2 * 1.2e-3 * 1e6


def test_smaller_steps_get_more_time():
    assert beat_job(1e6, 5 * STEPS).minutes > 2 * beat_job(1e6, STEPS).minutes


def test_a_refined_mesh_takes_more_to_prepare():
    as_it_is = prepare_memory(10**8, None)
    assert prepare_memory(10**8, 3.0) == as_it_is
    assert prepare_memory(10**8, 0.8) > 10 * as_it_is


def test_a_heart_that_must_not_leave_its_node_gets_as_much_memory_on_fewer_ranks():
    spread, packed = beat_job(1e6, STEPS), beat_job(1e6, STEPS, most_ranks=16)
    assert (spread.ranks, packed.ranks) == (40, 16)
    assert packed.memory == pytest.approx(spread.memory - 24 * 500, abs=40)  # whole MB a rank
    assert packed.minutes > spread.minutes


def test_a_step_takes_a_nodes_cores_where_jobs_are_steps(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "48")
    monkeypatch.delenv("POLYCARDIA_STEP", raising=False)
    assert cores_of_a_step() is None
    monkeypatch.setenv("POLYCARDIA_STEP", "srun --exact")
    assert cores_of_a_step() == 48
