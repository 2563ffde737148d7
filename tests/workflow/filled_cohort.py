"""A finished study of many hearts: the files of a few that were computed, under many names.

Files are linked, shards and archive are made by the program's own functions in this process, and
then registered with Snakemake; thousands of jobs would take hours to the same end.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tiny_cohort import ENVIRONMENT, LONGEST, ROOT, Study, new_study

from polycardia.cohort import shard_of
from polycardia.config import read_study
from polycardia.study.archive import archive, shard
from polycardia.study.report import report

HEARTS_PER_SHARD = 50
MESHES = {"mesh": ".vtu", "surfaces": "_surface.vtp"}
RESULTS = (
    "work/{}/prepared.h5",
    "hearts/{}.vtkhdf",
    "logs/prepare/{}.log",
    "logs/simulate/{}.log",
)


def filled(seed: Study, folder: Path, hearts: int, pictures: int = 100) -> Study:
    """Make a finished study of patients p00000 and on, which Snakemake has nothing to do in.

    Args:
        seed: a finished study whose patients are taken in turn, on the same file system.
        folder: of the study to be made.
        hearts: how many.
        pictures: how many of them the page shows; drawing takes seconds.
    """
    study = unfinished(seed, folder, hearts)
    study.configure(lambda settings: settings["report"].update(pictures=pictures))
    shutil.copytree(seed.results / "models", study.results / "models")
    models = seed.rows()
    for number, row in enumerate(study.rows()):
        model = models[number % len(models)]["patient"]
        for place in RESULTS:
            _link(seed.results / place.format(model), study.results / place.format(row["patient"]))
    gather(study)
    register(study)
    return study


def unfinished(seed: Study, folder: Path, hearts: int) -> Study:
    """Make a study of which there are meshes only; arguments as for `filled`."""
    models, rows = seed.rows(), []
    for number in range(hearts):
        model = models[number % len(models)]
        name = f"p{number:05d}"
        paths = {column: f"meshes/{name}{ending}" for column, ending in MESHES.items()}
        for column, path in paths.items():
            _link(Path(model[column]), folder / path)
        rows.append({**model, "patient": name, **paths})
    study = new_study(folder, rows)
    study.configure(lambda settings: settings["archive"].update(shards=shards_for(hearts)))
    study.configure(lambda settings: settings.update(meshes_outside=False))
    return study


def shards_for(hearts: int) -> int:
    """Return how many shards hold `HEARTS_PER_SHARD` each in the mean."""
    return max(1, hearts // HEARTS_PER_SHARD)


def _link(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, path)


def gather(study: Study) -> None:
    """Make what follows from the hearts, in this process."""
    table, results, rows = study.folder / "cohort.tsv", study.results, study.rows()
    shards = shards_for(len(rows))
    numbers = sorted({shard_of(row["patient"], shards) for row in rows})
    files = [results / "shards" / f"{number}.h5" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        shard(table, results / "hearts", number=number, shards=shards, output=file)
    archive(files, most_failed=0.9, output=results / "cohort.h5")
    page = results / "report" / "index.html"
    report(results / "cohort.h5", read_study(study.folder / "study.yaml"), page)


def register(study: Study, backend: str = "file") -> int:
    """Have Snakemake record the study's files as its own, and return how many jobs there are."""
    script = Path(__file__).with_name("registering.py")
    command = [sys.executable, script, ROOT / "Snakefile", "study.yaml", backend]
    done = subprocess.run(
        command,
        cwd=study.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=True,
    )
    return int(done.stdout.split()[-1])
