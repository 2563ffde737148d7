"""The figures of ``make scale``, as JSON: what a study of 500 and of 5,000 hearts costs to run.

The study is real: its files were computed, of two tiny hearts, and linked under every name; shards,
archive and page are made by the program, and Snakemake keeps its records of all of them.  Seconds
are the processor's, unless they are named otherwise.  Runs with tests/workflow on PYTHONPATH; takes
minutes, and a few gigabytes of the temporary folder.
"""

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from cluster_job import cluster_job
from filled_cohort import HEARTS_PER_SHARD, filled, shards_for
from measuring import Cost, cost, file_calls
from tiny_cohort import SNAKEMAKE, Study, new_study, synthetic_rows

from polycardia.cohort import shard_of
from polycardia.io.archive_file import CohortTable, read_table, write_shard

SIZES = (500, 5000)
DISTINCT = 2  # hearts that are computed
LONG_ECG = 500  # [samples] of a beat as most studies have it
CHANGED = "p00123"
JOBS = ("prepare", "simulate")

Figures = dict[str, object]


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory(prefix="polycardia-scale-") as folder:
        seed = computed(Path(folder) / "seed")
        sizes = {
            hearts: measured(filled(seed, Path(folder) / str(hearts), hearts)) for hearts in SIZES
        }
    growth = {
        name: compared(name, sizes)
        for name, value in sizes[SIZES[0]].items()
        if isinstance(value, int | float)
    }
    print(json.dumps({"sizes": sizes, "growth": growth}, indent=1))


def computed(folder: Path) -> Study:
    """Compute a study of a few tiny hearts with the real workflow."""
    study = new_study(folder, synthetic_rows(folder / "cohort")[:DISTINCT])
    ran = study.run()
    if ran.status != 0:
        raise SystemExit(ran.output[-4000:])
    return study


def compared(name: str, sizes: Mapping[int, Figures]) -> float:
    """Return how many times the smaller study's figure the larger one's is."""
    small, large = (float(str(sizes[hearts][name])) for hearts in SIZES)
    return round(large / small, 2)


def measured(study: Study) -> Figures:
    """Return what a finished study costs; the last of it is a change to one heart."""
    plan = [*SNAKEMAKE, "--dry-run"]
    first = [*plan, "--config", "results=empty"]  # as if nothing were computed
    return {
        "hearts_per_shard": HEARTS_PER_SHARD,
        **of_run("dry_run", cost(plan, study.folder)),
        **of_run("noop", cost(SNAKEMAKE, study.folder)),
        **of_run("first_dry_run", cost(first, study.folder)),  # prints two jobs a heart
        **of_run("first_dry_run_quiet", cost([*first, "--quiet"], study.folder)),
        **steps(study),
        **calls(study),
        **one_change(study),
    }


def of_run(name: str, run: Cost) -> Figures:
    return {f"{name}_seconds": round(run.seconds, 2), f"{name}_peak_memory_bytes": run.memory}


def steps(study: Study) -> Figures:
    """Return what gathering costs: the changed heart's shard, the archive, the page."""
    results = study.results
    shards = sorted((results / "shards").glob("*.h5"))
    number = shard_of(CHANGED, len(shards))
    shard = cost(
        [
            *("polycardia", "shard", "--cohort", "cohort.tsv", "--hearts", results / "hearts"),
            *("--shard", number, "--of", shards_for(len(study.rows()))),
            *("--output", results / "shards" / f"{number}.h5"),
        ],
        study.folder,
    )
    master = cost(archive_command(shards, results / "cohort.h5"), study.folder)
    page = results / "report" / "index.html"
    paint = ["polycardia", "report", "--archive", results / "cohort.h5", "--config", "study.yaml"]
    shutil.rmtree(results / "work" / "report.pictures")
    first, again = (cost([*paint, "--output", page], study.folder) for _ in range(2))
    drawn = re.search(r"(\d+) hearts drawn", first.output)
    assert drawn
    return {
        "shard_seconds": round(shard.seconds, 2),
        "master_seconds": round(master.seconds, 2),
        "master_wall_seconds": round(master.wall, 2),
        "master_peak_memory_bytes": master.memory,
        f"master_seconds_of_{LONG_ECG}_samples": long_ecgs(study, shards),
        "report_seconds": round(again.seconds, 2),
        "report_peak_memory_bytes": again.memory,
        "report_bytes": page.stat().st_size,
        "picture_seconds_a_heart": round((first.seconds - again.seconds) / int(drawn[1]), 2),
    }


def archive_command(shards: list[Path], output: Path) -> list[object]:
    return [
        *("polycardia", "archive", "--most-failed", "0.9", "--output", output),
        *("--shards", *shards),
    ]


def long_ecgs(study: Study, shards: list[Path]) -> float:
    """Return the seconds of an archive whose ECGs are long and compress badly."""
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(dir=study.folder) as folder:
        longer = [Path(folder) / shard.name for shard in shards]
        for shard, path in zip(shards, longer, strict=True):
            table = read_table(shard)
            noise = random.normal(0.0, 0.5, (len(table), 12, LONG_ECG)).astype(np.float32)
            write_shard(
                path, CohortTable(table.columns, table.units, noise, table.sampling_interval)
            )
        return round(
            cost(archive_command(longer, Path(folder) / "cohort.h5"), study.folder).seconds, 2
        )


def calls(study: Study) -> Figures:
    """Return calls of the file system, of each job of one heart on a cluster and of a plan."""
    if shutil.which("strace") is None:
        return {"syscalls_per_job": None, "syscalls_skipped": "strace is not installed"}
    found = {rule: file_calls(cluster_job(rule, patient=CHANGED), study.folder) for rule in JOBS}
    study.run("--touch")  # those jobs ran for themselves: their shard does not follow
    return {
        "syscalls_per_job": found,
        "syscalls_a_plan": file_calls([*SNAKEMAKE, "--dry-run"], study.folder),
    }


def one_change(study: Study) -> Figures:
    """Change what decides one patient's heart, and return which jobs that executes."""
    before = patients(study)
    study.change_row(CHANGED, units="")
    begun = cost(SNAKEMAKE, study.folder)
    executed = Counter(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", begun.output, re.M))
    del executed["all"]
    if patients(study) != before:
        raise SystemExit("rows have moved")
    return {
        "jobs_after_one_change": dict(executed),
        "one_change_seconds": round(begun.seconds, 2),
        "one_change_wall_seconds": round(begun.wall, 2),
    }


def patients(study: Study) -> list[str]:
    return [str(name) for name in read_table(study.results / "cohort.h5").columns["patient"]]


if __name__ == "__main__":
    main()
