"""What ranks send each other is what the solver says and what the bench's table is made of."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from counted_beat import DT, SPACING
from simulate_jobs import ENVIRONMENT

from polycardia.physics.slab import slab_mesh
from polycardia.study.ranks import LAUNCHER

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmark"))
from communication import load, predicted

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(600)]

COUNTED = Path(__file__).parent / "counted_beat.py"
SHORT, LONG = 4.0, 8.0  # [ms], the front on its way in both
STEPS_A_LOOK = 10


@pytest.fixture(scope="module")
def beats(pytestconfig: pytest.Config) -> list[dict[str, Any]]:
    """A shorter and a longer beat on two ranks: what differs is of the steps and the looks."""
    cache = str(pytestconfig.cache.mkdir("slab"))  # type: ignore[union-attr]
    command = [*LAUNCHER.split(), "-n", "2", sys.executable, "-m", "mpi4py", str(COUNTED)]
    done = subprocess.run(
        [*command, str(SHORT), str(LONG)],
        env=ENVIRONMENT | {"XDG_CACHE_HOME": cache},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_look_is_one_reduction_and_sets_nothing_up(beats: list[dict[str, Any]]) -> None:
    one, other = beats
    steps = round((LONG - SHORT) / DT)
    looks, reports = steps // STEPS_A_LOOK, round(LONG - SHORT)
    assert other["cost"]["n_steps"] - one["cost"]["n_steps"] == steps
    calls = {name: other["calls"][name] - one["calls"].get(name, 0) for name in other["calls"]}
    assert {name: n for name, n in calls.items() if n} == {
        "Allreduce": looks,
        "reduce": 2 * reports,
    }
    assert other["petsc_reductions"] - one["petsc_reductions"] == 0
    found = predicted_of(other)
    assert found["reductions_a_step"] * steps == pytest.approx(calls["Allreduce"])


def test_messages_and_bytes_are_those_that_were_sent(beats: list[dict[str, Any]]) -> None:
    one, other = beats
    steps = other["cost"]["n_steps"] - one["cost"]["n_steps"]
    for counted, told, modelled in (
        ("petsc_messages", "messages", "messages_a_step"),
        ("petsc_bytes", "message_bytes", "bytes_a_step"),
    ):
        sent = other[counted] - one[counted]
        assert sent > 0
        assert other["cost"][told] - one["cost"][told] == sent
        # All of the beat's, though what was exchanged before it is in PETSc's numbers too.
        assert other["cost"][told] == pytest.approx(2 * sent, rel=1e-9)
        assert other[counted] > other["cost"][told]
        assert predicted_of(other)[modelled] * steps == pytest.approx(sent, rel=1e-9)


def predicted_of(beat: dict[str, Any]) -> dict[str, float]:
    """The bench's row for two ranks of this slab."""
    mesh, cost = slab_mesh(SPACING), beat["cost"]
    return predicted(
        load(mesh.tetrahedra, len(mesh.points), 2),
        len(mesh.points),
        reaction_ns=1.0,
        other_ns=1.0,
        exchanges=cost["exchanges"] / cost["n_steps"],
        steps_a_look=STEPS_A_LOOK,
    )
