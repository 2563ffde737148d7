"""A whole study in one allocation: slurm/allocation, on a real cluster of two nodes."""

import random
import time
from pathlib import Path

import pytest
from fault_cluster import Site, one_allocation
from slurm_cluster import NEEDS_SLURM, Cluster
from tiny_cohort import ROOT, Row, Study, new_study

from polycardia.io.heart_file import read_fate

pytestmark = [*NEEDS_SLURM, pytest.mark.timeout(1200)]

SUBMIT = ("sbatch", "--wait", "--nodes=2", "--time=20", f"--chdir={ROOT}")


def submit(cluster: Cluster, study: Study) -> str:
    """Run the study as slurm/README.md says, and return what Snakemake said."""
    log = study.folder / "allocation.log"
    options = ("--directory", study.folder, "--configfile", study.folder / "study.yaml")
    cluster.run(
        *SUBMIT,
        f"--output={log}",
        "slurm/allocation",
        *map(str, options),
        "--nocolor",
        timeout=1000,
    )
    return log.read_text()


def test_hearts_are_packed_onto_the_nodes(
    cluster: Cluster, finished: Study, hearts: list[Row], tmp_path: Path
) -> None:
    study = new_study(tmp_path / "study", hearts[:3])
    said = submit(cluster, study)
    differences = study.polycardia("diff", finished.results / "cohort.h5", "results/cohort.h5")
    assert differences.returncode == 0, differences.stdout + said
    for heart in (study.heart(row["patient"]) for row in hearts[:3]):
        _, made = read_fate(heart)
        assert made["scheduler_nodes"] in ("r1", "r2"), "a heart's ranks share a node"
        assert made["scheduler_id"]
    assert "Nothing to be done" in submit(cluster, study)


def test_an_allocation_without_its_first_node_is_queued_again(
    cluster: Cluster, finished: Study, hearts: list[Row], tmp_path: Path
) -> None:
    """Snakemake was there; SLURM by itself keeps the other node until the time limit."""
    study = new_study(tmp_path / "study", hearts[:3])
    site = Site(cluster, one_allocation)
    running = site.begin(study)
    while not any(study.results.glob("logs/simulate/*.log")):
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.2)
    site.lost_node(random.Random(0), ["r1"])
    running.communicate(timeout=600)
    assert running.returncode == 0, (study.folder / "allocation.log").read_text()
    differences = study.polycardia("diff", finished.results / "cohort.h5", "results/cohort.h5")
    assert differences.returncode == 0, differences.stdout
