"""Faults on a real SLURM cluster: of jobs, nodes, the scheduler, and Snakemake beside it."""

import contextlib
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import yaml
from fault_ground import Trial, Verdict
from slurm_cluster import Cluster
from tiny_cohort import ENVIRONMENT, ROOT, SNAKEMAKE, Ran, Study

LONGEST = 420.0  # [s] of one run, with what goes wrong in it
NODES = ("r1", "r2")
FAILED = re.compile(r"Trying to restart job (\d+)")
RANK = ["-m", "mpi4py", "-m", "polycardia", "simulate"]
# As slurm/README.md says, but asked after jobs more often, and with less time for the file system.
OPTIONS: tuple[str, ...] = ("--workflow-profile", str(ROOT / "slurm"), "--latency-wait", "5")
OPTIONS += ("--slurm-init-seconds-before-status-checks", "3")
PACKED = yaml.safe_load((ROOT / "slurm" / "packed" / "config.yaml").read_text())
MEMORY = "simulate:mem_mb_per_cpu=150*attempt*attempt"
MINUTES = "simulate:runtime=attempt"


def a_job_a_heart(study: Study, *options: str) -> list[str]:
    """Return how Snakemake is called on the login node."""
    return [*SNAKEMAKE[:3], *SNAKEMAKE[5:], *OPTIONS, *options]


def one_allocation(study: Study, *options: str) -> list[str]:
    """Return how Snakemake is called in an allocation of both nodes, which is waited for."""
    often = "--export=ALL,POLYCARDIA_FIRST_NODE_SECONDS=2"
    batch = ["sbatch", "--wait", "--nodes=2", "--time=10", often, f"--chdir={ROOT}"]
    batch += [f"--output={study.folder}/allocation.log", "slurm/allocation"]
    settings = ["--configfile", str(study.folder / "study.yaml"), "--nocolor"]
    if "--set-resources" in options:  # they take the place of the profile's
        options = (*options, f"simulate:mpi={PACKED['set-resources']['simulate']['mpi']}")
    return [*batch, "--directory", str(study.folder), *settings, *options]


class Site:
    """The cluster, and what can go wrong there.

    Args:
        cluster: of two nodes.
        way: how a study gets onto it.
    """

    def __init__(self, cluster: Cluster, way: Callable[..., list[str]] = a_job_a_heart) -> None:
        self.cluster = cluster
        self._way = way
        self._begun: list[subprocess.Popen[str]] = []

    def begin(self, study: Study, *options: str) -> subprocess.Popen[str]:
        """Start Snakemake, by way of the login node."""
        self.mend()
        running = subprocess.Popen(
            [ROOT / "slurm" / "cluster", "run", "--", *self._way(study, *options)],
            cwd=study.folder,
            env=ENVIRONMENT | {"POLYCARDIA_SLURM_STATE": str(self.cluster.state)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )  # fmt: skip
        self._begun.append(running)
        return running

    def end(self) -> None:
        """End what was started, all daemons too."""
        for running in self._begun:
            running.kill()
        stopped = self.cluster("stop")
        if stopped.returncode != 0:
            raise RuntimeError(stopped.stderr)

    def run(self, study: Study) -> Ran:
        """Run Snakemake as the README says, and wait for its end."""
        running = self.begin(study)
        try:
            output, _ = running.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            running.kill()
            return Ran(-1, f"no end after {LONGEST:g} s\n{running.communicate()[0]}")
        return Ran(running.returncode, output)

    def mend(self) -> None:
        """Start what does not run; the nodes take jobs again."""
        started = self.cluster("start")
        if started.returncode != 0:
            raise RuntimeError(started.stderr)

    def ranks(self) -> list[psutil.Process]:
        """Return all ranks that simulate."""
        found = []
        for process in self.cluster.job_processes():
            try:
                if process.cmdline()[1:6] == RANK:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def a_job(self, chance: random.Random) -> str:
        """Return the number of a job that runs, or ''."""
        running = self.cluster.run("squeue", "-h", "-t", "running", "-o", "%A").split()
        return chance.choice(running) if running else ""

    # What goes wrong: each returns what it did, or '' where there is nothing to do it to.

    def killed_rank(self, chance: random.Random) -> str:
        ranks = self.ranks()
        if not ranks:
            return ""
        chance.choice(ranks).kill()
        return "SIGKILL of a rank"

    def killed_job(self, chance: random.Random) -> str:
        job = self.a_job(chance)
        if not job:
            return ""
        self.cluster.run("scancel", "--signal=KILL", "--full", job)
        return f"SIGKILL of all of job {job}"

    def lost_node(self, chance: random.Random, nodes: Sequence[str] = NODES) -> str:
        """End a node as a loss of power does, and tell SLURM; then switch it on again."""
        lost = chance.choice(nodes)
        jobs = [one for one in self.cluster.job_processes() if _node_of(one) == lost]
        watchers = {one.parent() for one in jobs} - set(jobs)
        for process in (self.cluster.daemons().get(lost), *watchers, *jobs):
            _kill(process)
        down = ("update", f"nodename={lost}", "state=down", "reason=lost")
        self.cluster.run("scontrol", *down)
        time.sleep(chance.uniform(1.0, 5.0))
        self.mend()
        return f"node {lost} down with {len(jobs)} processes"

    def restarted_scheduler(self, chance: random.Random) -> str:
        _kill(self.cluster.daemons().get("slurmctld"))
        time.sleep(chance.uniform(0.5, 5.0))
        self.mend()
        return "slurmctld restarted"

    def restarted_daemon(self, chance: random.Random) -> str:
        node = chance.choice(NODES)
        _kill(self.cluster.daemons().get(node))
        time.sleep(chance.uniform(0.5, 5.0))
        self.mend()
        return f"slurmd of {node} restarted"


Fault = Callable[[Site, random.Random], str]
HURT: Mapping[str, Fault] = {
    "rank": Site.killed_rank,
    "job": Site.killed_job,
    "node": Site.lost_node,
    "scheduler": Site.restarted_scheduler,
    "daemon": Site.restarted_daemon,
}
# In one run each; two of those that end a heart's job at most, for it is tried three times.
RUNS: Sequence[tuple[str, ...]] = (
    ("rank", "scheduler", "job", "Snakemake"),
    ("node", "daemon", "rank", "Snakemake"),
    ("scheduler", "job", "node", "Snakemake"),
    ("daemon", "rank", "scheduler", "job"),
    ("node", "scheduler", "rank", "Snakemake"),
)


def cluster_trials(undisturbed: Study, folder: Path, chance: random.Random) -> Iterator[Verdict]:
    """Start a cluster, yield what becomes of a study on it, and stop it."""
    folder.mkdir()
    site = Site(Cluster(folder / "slurm"))
    packed = Site(site.cluster, one_allocation)
    try:
        site.mend()
        for number, faults in enumerate(RUNS):
            yield hurt_run(site, undisturbed, folder / f"run-{number}", chance, faults)
        yield over_memory(site, undisturbed, folder / "memory")
        yield over_time(site, undisturbed, folder / "time")
        for node in NODES:
            yield hurt_allocation(packed, undisturbed, folder / f"allocated-{node}", chance, node)
        yield over_memory(packed, undisturbed, folder / "allocated-memory")
    finally:
        site.end()


def hurt_run(
    site: Site, undisturbed: Study, folder: Path, chance: random.Random, faults: Sequence[str]
) -> Verdict:
    """Have faults happen to one run at random moments; then run once more, and judge."""
    trial = Trial(undisturbed, folder, "SLURM: " + ", ".join(faults), site.run)
    trial.without("hearts/*")
    running = site.begin(trial.study)
    while running.poll() is None and not site.a_job(chance):
        time.sleep(0.2)
    for fault in faults:
        time.sleep(chance.uniform(0.0, 5.0))
        if fault == "Snakemake":
            if _killed_snakemake(trial.study, running):
                trial.injected("SIGKILL of Snakemake, whose jobs go on")
            break
        done = _as_soon_as_possible(HURT[fault], site, chance, running)
        if done:
            trial.injected(done)
    trial.told(_said(trial.study, running))
    return trial.judge(trial.finished())


def hurt_allocation(
    site: Site, undisturbed: Study, folder: Path, chance: random.Random, node: str
) -> Verdict:
    """Lose a node of an allocation while hearts are computed: the first has Snakemake, too."""
    trial = Trial(undisturbed, folder, "SLURM: node of one allocation", site.run)
    trial.without("hearts/*")
    running = site.begin(trial.study)

    def fault(site: Site, chance: random.Random) -> str:
        there = any(_node_of(rank) == node for rank in site.ranks())
        return site.lost_node(chance, [node]) if there else ""

    done = _as_soon_as_possible(fault, site, chance, running)
    if done:
        trial.injected(done)
    trial.told(_said(trial.study, running))
    return trial.judge(trial.finished())


def over_memory(site: Site, undisturbed: Study, folder: Path) -> Verdict:
    """Give the first attempts less memory than they need; SLURM ends them."""
    trial = Trial(undisturbed, folder, "SLURM: job over its memory", site.run)
    trial.without("hearts/*s0001*", "hearts/*s0002*")
    running = site.begin(trial.study, "--set-resources", MEMORY)
    trial.told(_said(trial.study, running))
    for job in FAILED.findall(trial.verdict.output):
        trial.injected(f"job {job} with 150 MB a rank")
    return trial.judge(trial.finished())


def over_time(site: Site, undisturbed: Study, folder: Path) -> Verdict:
    """Hold ranks up beyond their job's time limit; the next attempt goes on from the checkpoint."""
    trial = Trial(undisturbed, folder, "SLURM: job over its time limit", site.run)
    trial.without("hearts/*s0001*", "hearts/*s0002*")
    running = site.begin(trial.study, "--set-resources", MINUTES)
    held: set[int] = set()
    deadline = time.monotonic() + 60.0
    while len(held) < 4 and time.monotonic() < deadline:
        for rank in site.ranks():
            with contextlib.suppress(psutil.Error):  # it was there a moment ago
                if rank.pid not in held and " t " in _log(trial.study, _patient(rank)):
                    rank.send_signal(signal.SIGSTOP)
                    held.add(rank.pid)
        time.sleep(0.05)
    kept: set[str] = set()
    went_on: set[str] = set()
    while running.poll() is None and time.monotonic() < deadline + LONGEST:
        kept |= {path.parent.name for path in trial.study.results.glob("work/*/checkpoint.h5")}
        # Of every attempt: one that is made again after its end has no checkpoint any more.
        went_on |= {patient for patient in kept if "goes on at" in _log(trial.study, patient)}
        time.sleep(0.1)
    trial.told(_said(trial.study, running))
    for job in FAILED.findall(trial.verdict.output):
        trial.injected(f"job {job} held up beyond its minute")
    for patient in sorted(kept - went_on):
        said = _log(trial.study, patient)[:1000]
        anew = f"{patient} began anew, with a checkpoint beside it: {said}"
        trial.verdict.not_completed.append(anew)
    return trial.judge(trial.finished())


def _as_soon_as_possible(
    fault: Fault, site: Site, chance: random.Random, running: subprocess.Popen[str]
) -> str:
    """Do harm when there is something to do it to, and return what was done; '' if that is over."""
    while running.poll() is None:
        done = fault(site, chance)
        if done:
            return done
        time.sleep(0.2)
    return ""


def _killed_snakemake(study: Study, running: subprocess.Popen[str]) -> bool:
    if running.poll() is not None:
        return False
    running.kill()  # `slurm/cluster run` has become it
    running.wait(timeout=30)
    return True


def _said(study: Study, running: subprocess.Popen[str]) -> str:
    """Wait for a run's end, and return what it has printed, in an allocation's log too."""
    try:
        printed = running.communicate(timeout=LONGEST)[0]
    except subprocess.TimeoutExpired:
        running.kill()
        printed = running.communicate()[0]
    log = study.folder / "allocation.log"
    return printed + (log.read_text() if log.exists() else "")


def _node_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("SLURMD_NODENAME", ""))
    except psutil.Error:
        return ""


def _patient(rank: psutil.Process) -> str:
    typed = rank.cmdline()
    return Path(typed[typed.index("--output") + 1]).stem


def _log(study: Study, patient: str) -> str:
    path = study.log("simulate", patient)
    return path.read_text() if path.exists() else ""


def _kill(process: psutil.Process | None) -> None:
    if process is not None:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return
