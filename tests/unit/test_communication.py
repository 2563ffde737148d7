"""The bench's count of messages, against one rank after the other."""

import sys
from pathlib import Path

import numpy as np
import pytest

from polycardia.physics.slab import slab_mesh

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmark"))
from communication import Load, load, predicted


@pytest.mark.parametrize("ranks", [2, 5])
def test_ghosts_and_messages_are_those_of_each_rank_by_itself(ranks):
    mesh = slab_mesh(1.5)
    n = len(mesh.points)
    ghosts, neighbours, local = [], [], []
    for rank in range(ranks):
        first, last = n * rank // ranks, n * (rank + 1) // ranks
        touched = {
            node
            for cell in mesh.tetrahedra.tolist()
            if any(first <= node < last for node in cell)
            for node in cell
        }
        foreign = [node for node in touched if not first <= node < last]
        of = {
            r for r in range(ranks) for g in foreign if n * r // ranks <= g < n * (r + 1) // ranks
        }
        ghosts.append(len(foreign))
        neighbours.append(len(of))
        local.append(last - first + len(foreign))
    assert load(mesh.tetrahedra, n, ranks) == Load(
        ranks, max(local), max(neighbours), sum(neighbours), max(ghosts), sum(ghosts)
    )


def test_a_step_is_computation_exchanges_and_reductions():
    count = Load(4, most_nodes=1100, neighbours=2, messages=6, most_ghosts=100, ghosts=300)
    found = predicted(
        count, 4000, reaction_ns=40.0, other_ns=20.0, exchanges=3.0, steps_a_look=10.0
    )
    # 44 + 20 us of computation, 3 (2 x 2 us + 800 B / 10 GB/s), every tenth step 2400 B more and a
    # reduction of two levels
    assert found["us_a_step"] == pytest.approx(64.0 + 3 * (4.0 + 0.08) + 0.1 * (0.24 + 2 * 2.0))
    assert found["efficiency"] == pytest.approx(60.0 / found["us_a_step"])
    assert (found["messages_a_step"], found["bytes_a_step"]) == (18.0, 7920.0)
    assert np.isclose(found["reductions_a_step"], 0.1)
