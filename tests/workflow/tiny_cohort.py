"""Studies of a few small hearts, run by the repository's own workflow and command."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polycardia.cohort import shard_of
from polycardia.study.synthesise import synthesise

ROOT = Path(__file__).resolve().parents[2]
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
ENVIRONMENT = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"}
# [s] of one Snakemake run on a busy machine, where a cell's waves may have to be measured first.
LONGEST = 1800.0
SEED = 259  # its first four hearts are small ones: 12,500 to 14,600 nodes at 3 mm
SHARDS = 8  # enough for these patients to have one each
COLUMNS = ("patient", "mesh", "units", "surfaces", "sex", "age", "weight")
# Values that stand nowhere else, so that a file which holds them has them from the table.
CLINICAL = {"age": "47.38291", "weight": "71.93157"}

Row = dict[str, str]
Jobs = Counter[str]


def _cell(tau_close: float) -> dict[str, Any]:
    parameters = {"tau_in": 1.0, "tau_out": 20.0, "tau_close": tau_close}
    return {"name": "mitchell_schaeffer", "parameters": parameters}


# A front as wide as the 3 mm meshes need it, and as fast as makes a beat of 250 ms of it.
SETTINGS: dict[str, Any] = {
    "cohort": "cohort.tsv",
    "meshes_outside": True,
    "anatomy": {"edge_length": 5.0},
    "tissue": {
        "intracellular": {"fibre": 4.0, "cross": 2.0},
        "extracellular": {"fibre": 4.0, "cross": 2.0},
        "endocardial_factor": 9.0,
    },
    "cells": {
        "endocardial": _cell(70.0),
        "midwall": _cell(70.0),
        "epicardial": _cell(60.0),
        "beats": 0,
    },
    "protocol": {"site_radius": 8.0},
    "numerics": {"dt": 0.2, "duration": 250.0},
    "ecg": {"bath_conductivity": 4.0},
    "archive": {"shards": SHARDS},
    "report": {"title": "Tiny {hearts} & <others>"},
}


@dataclass(frozen=True)
class Ran:
    """What a Snakemake run did: jobs are named like ``simulate s0001``, ``archive``."""

    status: int
    output: str

    @property
    def announced(self) -> Jobs:
        """Jobs that were started, or would be started by a real run."""
        return Counter(_announced(self.output).values())

    @property
    def executed(self) -> Jobs:
        """Jobs that ended well."""
        names = _announced(self.output)
        finished = re.findall(r"^Finished jobid: (\d+)", self.output, re.MULTILINE)
        return Counter(names[jobid] for jobid in finished if jobid in names)


def _announced(output: str) -> dict[str, str]:
    """Return the jobs that Snakemake's output names, by their number."""
    names = {}
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", output, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        jobid = re.search(r"^ +jobid: (\d+)$", block, re.MULTILINE)
        wildcard = re.search(r"^ +wildcards: \w+=(\S+)$", block, re.MULTILINE)
        assert rule
        assert jobid
        if rule[1] != "all":
            names[jobid[1]] = f"{rule[1]} {wildcard[1]}" if wildcard else rule[1]
    return names


def jobs(*names: str) -> Jobs:
    return Counter(names)


def gathering(*patients: str) -> Jobs:
    """Return the jobs that bring changed patients into the archive and the report."""
    shards = {f"shard {shard_of(patient, SHARDS)}" for patient in patients}
    return jobs(*shards, "archive", "report")


@dataclass(frozen=True)
class Study:
    """A folder with a configuration, a cohort table and results."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def heart(self, patient: str) -> Path:
        return self.results / "hearts" / f"{patient}.vtkhdf"

    def log(self, stage: str, patient: str) -> Path:
        return self.results / "logs" / stage / f"{patient}.log"

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start Snakemake in a session of its own and return at once."""
        return subprocess.Popen(
            [*SNAKEMAKE, *options],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str) -> Ran:
        done = subprocess.run(
            [*SNAKEMAKE, *options],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
        )
        return Ran(done.returncode, done.stdout)

    def plan(self) -> Jobs:
        """Return the jobs that a run would execute now."""
        ran = self.run("--dry-run")
        assert ran.status == 0, ran.output
        return ran.announced

    def polycardia(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return polycardia(*arguments, folder=self.folder)

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = self.folder / "study.yaml"
        settings = yaml.safe_load(path.read_text())
        change(settings)
        path.write_text(yaml.safe_dump(settings))

    def rows(self) -> list[Row]:
        with (self.folder / "cohort.tsv").open(newline="") as lines:
            return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))

    def write_rows(self, rows: Sequence[Row]) -> None:
        lines = ["\t".join(COLUMNS)]
        lines += ["\t".join(row.get(column, "") for column in COLUMNS) for row in rows]
        (self.folder / "cohort.tsv").write_text("\n".join(lines) + "\n")

    def change_row(self, patient: str, **cells: str) -> None:
        rows = self.rows()
        (row,) = [row for row in rows if row["patient"] == patient]
        row.update(cells)
        self.write_rows(rows)

    def copy(self, folder: Path) -> "Study":
        """Return a copy that has as little left to do as this one."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Study(folder)


SNAKEMAKE: tuple[str, ...] = ("snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2")
SNAKEMAKE += ("--configfile", "study.yaml", "--nocolor")


def polycardia(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        ["polycardia", *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )


def new_study(folder: Path, rows: Sequence[Row]) -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(SETTINGS))
    study = Study(folder)
    study.write_rows(rows)
    return study


def synthetic_rows(folder: Path) -> list[Row]:
    """Make four hearts and return their rows, with paths that hold from any folder."""
    table = synthesise(4, SEED, folder, edge_length=3.0)
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    for row in rows:
        row.update({name: str(folder / row[name]) for name in ("mesh", "surfaces")})
        row.update(CLINICAL)
    return [{name: row[name] for name in COLUMNS} for row in rows]
