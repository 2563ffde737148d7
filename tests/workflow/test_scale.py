"""What grows with the number of hearts, and what must not: `tests/benchmark/scale.py` in short.

Processor time and counts, not the clock: they are nearly the same on a busy machine.
"""

import shutil
from pathlib import Path

import h5py
import pytest
from cluster_job import cluster_job
from filled_cohort import filled, shards_for, unfinished
from measuring import cost, file_calls
from tiny_cohort import SNAKEMAKE, Study, jobs

from polycardia.cohort import shard_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HEARTS = 300
CHANGED = "p00123"
# 4 if each heart costs the same, 16 if each is compared with every other; 4.2 to 4.3 were measured,
# and once 5.3, on a busy machine.
FOURFOLD_AT_MOST = 6.0
# 30,800 were measured, a thousand of them in the study's folder; most are Python's that looks for
# modules, Snakemake's and those of the programs that a job starts.
CALLS_OF_A_JOB = 40_000
# A plan asks for each heart's mesh, surfaces, results and for Snakemake's records; 26 measured.
CALLS_OF_A_PLAN_PER_HEART = 35

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace counts the calls")


@pytest.fixture(scope="module")
def many(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of `HEARTS` hearts, whose only writer is the last test."""
    return filled(finished, tmp_path_factory.mktemp("many"), HEARTS, pictures=0)


def test_planning_grows_with_the_number_of_hearts_and_not_faster(
    finished: Study, tmp_path: Path
) -> None:
    def seconds(hearts: int) -> float:
        study = unfinished(finished, tmp_path / str(hearts), hearts)
        return min(cost([*SNAKEMAKE, "--dry-run"], study.folder).seconds for _ in range(2))

    start = seconds(1)
    assert seconds(4 * HEARTS) - start < FOURFOLD_AT_MOST * (seconds(HEARTS) - start)


@needs_strace
def test_a_job_asks_for_no_other_hearts_files(finished: Study, many: Study, tmp_path: Path) -> None:
    few = finished.copy(tmp_path / "few")
    alone = file_calls(cluster_job("prepare", patient="s0001"), few.folder)
    among_many = file_calls(cluster_job("prepare", patient=CHANGED), many.folder)
    assert among_many < CALLS_OF_A_JOB
    # Less than a call for each of the others; the rest is what differs from run to run.
    assert abs(among_many - alone) < HEARTS


@needs_strace
def test_a_plan_asks_for_each_file_a_few_times(finished: Study, many: Study) -> None:
    few, more = (file_calls([*SNAKEMAKE, "--dry-run"], study.folder) for study in (finished, many))
    assert (more - few) / HEARTS < CALLS_OF_A_PLAN_PER_HEART


def test_one_changed_heart_of_many_executes_its_own_jobs(many: Study) -> None:
    before = patients(many)
    many.change_row(CHANGED, units="")
    ran = many.run()
    assert ran.status == 0, ran.output
    shard = shard_of(CHANGED, shards_for(HEARTS))
    own = (f"prepare {CHANGED}", f"simulate {CHANGED}")
    assert ran.executed == jobs(*own, f"shard {shard}", "archive", "report")
    assert patients(many) == before
    assert "Nothing to be done" in many.run().output


def patients(study: Study) -> list[str]:
    with h5py.File(study.results / "cohort.h5") as archive:
        return list(archive["patients/patient"].asstr()[()])
