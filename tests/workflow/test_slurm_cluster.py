"""The cluster of `slurm/cluster` is real, keeps to itself and leaves nothing behind."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm_cluster import NEEDS_SLURM, ROOT, Cluster

pytestmark = [*NEEDS_SLURM, pytest.mark.timeout(480)]

# Two ranks that can only know the sum of both by talking to each other.
RANKS = """
rule all:
    input:
        "one.txt",
        "two.txt",

rule ranks:
    output:
        "{nodes}.txt",
    log:
        "{nodes}.log",
    threads: 2
    resources:
        mpi="mpirun",
        tasks=2,
        nodes=lambda wildcards: {"one": 1, "two": 2}[wildcards.nodes],
    shell:
        "{resources.mpi} -n {resources.tasks} python -m mpi4py ranks.py > {output} 2> {log}"
"""
RANK = """
import os, sys
from mpi4py import MPI

total = MPI.COMM_WORLD.allreduce(MPI.COMM_WORLD.rank + 1)
sys.stdout.write(f"<{os.environ['SLURMD_NODENAME']} {total}>")
"""


def eventually(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def test_start_again_changes_nothing(cluster: Cluster) -> None:
    before = cluster.daemons()
    assert set(before) == {"munged", "slurmctld", "r1", "r2"}
    assert cluster("start").returncode == 0
    assert cluster.daemons() == before


def test_listens_on_this_machine_only(cluster: Cluster) -> None:
    listening = {
        name: [link.laddr.ip for link in daemon.net_connections("inet") if link.status == "LISTEN"]
        for name, daemon in cluster.daemons().items()
    }
    assert listening.pop("munged") == []
    assert listening == {name: ["127.0.0.1"] for name in ("slurmctld", "r1", "r2")}


def test_only_root_can_read_the_key(cluster: Cluster) -> None:
    assert (cluster.state / "munge" / "key").stat().st_mode & 0o777 == 0o600
    assert cluster.state.stat().st_mode & 0o777 == 0o700


def test_snakemake_runs_mpi_on_one_node_and_across_both(cluster: Cluster) -> None:
    study = cluster.state.parent / "study"
    study.mkdir()
    (study / "Snakefile").write_text(RANKS)
    (study / "ranks.py").write_text(RANK)
    polling = ("--slurm-init-seconds-before-status-checks", "5")
    profile = ("--workflow-profile", str(ROOT / "slurm"))
    files = ("--snakefile", str(study / "Snakefile"), "--directory", str(study))
    cluster.run("snakemake", *files, *profile, *polling, timeout=400)

    def nodes(name: str) -> list[str]:
        ranks = re.findall(r"<(r\d) (\d+)>", (study / f"{name}.txt").read_text())
        assert [total for _, total in ranks] == ["3", "3"]
        return sorted(node for node, _ in ranks)

    assert nodes("one") in (["r1", "r1"], ["r2", "r2"])
    assert nodes("two") == ["r1", "r2"]


def test_the_only_task_of_a_step_is_no_rank_of_anything(cluster: Cluster) -> None:
    """Cell models are calibrated like this: with the solver, in a job that knows no mpirun."""
    output = cluster.state.parent / "alone.log"
    command = "srun -n 1 polycardia slab --dx 1 --dt 0.05 --until 3 --uncorrected"
    cluster.run(
        "sbatch", "--wait", "--mem=600", f"--output={output}", "--wrap", command, timeout=90
    )
    assert "60 steps" in output.read_text()


def test_a_plan_knows_the_partitions(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "cohort.tsv").write_text("patient\tmesh\nx\tx.vtu\n")
    (tmp_path / "x.vtu").write_text("no mesh")
    (tmp_path / "config.yaml").write_text(f"cohort: {tmp_path / 'cohort.tsv'}\n")
    told = cluster.run("polycardia", "plan", "--json", "--config", str(tmp_path / "config.yaml"))
    found = json.loads(told)
    assert (found["to_compute"], found["left_out"]) == (0, 1)
    assert [place["name"] for place in found["partitions"]] == ["demo"]


def test_a_job_whose_node_is_lost_starts_again_on_the_other(cluster: Cluster) -> None:
    output = cluster.state.parent / "lost.log"
    script = 'echo "$SLURMD_NODENAME"; test -n "$SLURM_RESTART_COUNT" || sleep 200'
    job = cluster.run(
        "sbatch", "--parsable", f"--output={output}", "--open-mode=append", "--wrap", script
    )
    assert eventually(lambda: output.exists() and output.read_text().strip(), 30)
    lost = output.read_text().strip()

    job_processes = cluster.job_processes()
    watchers = {process.parent() for process in job_processes} - set(job_processes)
    for process in (cluster.daemons()[lost], *watchers, *job_processes):
        process.kill()
    # SLURM sees it by itself after SlurmdTimeout; told, the test is half a minute shorter.
    cluster.run("scontrol", "update", f"nodename={lost}", "state=down", "reason=lost")
    assert cluster("status").returncode == 1

    assert eventually(
        lambda: "COMPLETED" in cluster.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T"), 60
    )
    (other,) = {"r1", "r2"} - {lost}
    assert output.read_text().split() == [lost, other]

    assert cluster("start").returncode == 0
    assert cluster("status").returncode == 0


def test_stop_ends_its_jobs_and_nothing_else(cluster: Cluster, tmp_path: Path) -> None:
    second = Cluster(tmp_path / "second")
    assert second("start").returncode == 0, "a second cluster beside the first"
    bystander = subprocess.Popen(
        ["sleep", "60"],
        env={"SLURM_CONF": str(second.state / "slurm.conf"), "PATH": "/usr/bin:/bin"},
    )
    try:
        # A job that does not heed the signal that asks it to end.
        deaf = "trap '' TERM; sleep 60 & sleep 60; sleep 60"
        second.run("sbatch", "--output=/dev/null", "--wrap", deaf)
        assert eventually(lambda: len(second.job_processes()) > 2, 30)
        assert second("stop").returncode == 0
        assert second.job_processes() == []
        assert second.daemons() == {}
        assert bystander.poll() is None
        assert len(cluster.daemons()) == 4
    finally:
        second("stop")
        bystander.kill()
        bystander.wait()


def test_a_folder_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    started = Cluster(tmp_path / ("x" * 100))("start")
    assert started.returncode == 1
    assert re.fullmatch(r"slurm/cluster: the state folder \S+ does not suit.*\n", started.stderr)
    assert not (tmp_path / ("x" * 100)).exists()
