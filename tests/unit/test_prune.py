"""`polycardia prune`: what is left of patients who are gone, and of nobody else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from polycardia.cli import main
from polycardia.cohort import shard_of
from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.run_lock import NAME as RUN_FILE
from polycardia.study.prune import delete, leftovers, require_no_workflow

SHARDS = 64
KEPT = {"s0001", "s0002"}
NUMBERS = sorted(shard_of(patient, SHARDS) for patient in KEPT)
ORPHAN = next(number for number in range(SHARDS) if number not in NUMBERS)
LONG_AGO = time.time() - 7200.0

OURS = (
    "hearts/s0001.vtkhdf", "hearts/s0002.vtkhdf", "hearts/s0001.voltage.vtkhdf",
    "hearts/.s0002.vtkhdf.77.part", "work/s0001/prepared.h5", "work/s0002/checkpoint.h5",
    "logs/prepare/s0001.log", "logs/simulate/s0002.log", "logs/archive.log",
    "models/epicardial.json", "models/kernels/x.so", f"shards/{NUMBERS[0]}.h5",
    f"logs/shard/{NUMBERS[1]}.log", "report/index.html", "removed/s0001.vtkhdf", "notes.txt",
    "hearts/read me.txt", "work/loose.txt", "shards/notes.txt", "hearts/S0001.vtkhdf",
    ".young.part",
)  # fmt: skip
THEIRS = (
    "hearts/gone.vtkhdf", "hearts/gone.voltage.vtkhdf", "hearts/.gone.voltage.part",
    "hearts/.gone.vtkhdf.77.part", "removed/gone.vtkhdf", "removed/old-1.vtkhdf",
    "logs/prepare/gone.log", "logs/simulate/gone.log", "work/gone/prepared.h5",
    "work/gone/checkpoint.h5", "work/gone/deep/er/file", f"shards/{ORPHAN}.h5",
    f"shards/.{ORPHAN}.h5.12.part", f"shards/{SHARDS}.h5", f"logs/shard/{ORPHAN}.log",
    ".cohort.h5.12.part", "report/.index.html.3.part",
)  # fmt: skip


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "study" / "results"
    for name in (*OURS, *THEIRS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
        if ".young" not in name:
            os.utime(folder / name, (LONG_AGO, LONG_AGO))
    return folder


def files(folder):
    return {
        str(Path(home, name).relative_to(folder))
        for home, _, names in os.walk(folder)
        for name in names
    }


def test_exactly_what_is_left_of_strangers_is_found(results):
    found = leftovers(results, KEPT, SHARDS)
    shown = {str(one.place) for one in found.files if not one.is_folder}
    assert shown == set(THEIRS)
    assert {one.size for one in found.files if str(one.place) == THEIRS[0]} == {len(THEIRS[0])}
    folders = [str(one.place) for one in found.files if one.is_folder]
    assert folders == ["work/gone/deep/er", "work/gone/deep", "work/gone"]


def test_exactly_what_was_found_is_deleted(results):
    found = leftovers(results, KEPT, SHARDS)
    assert files(results) == {*OURS, *THEIRS}, "finding deletes nothing"
    (results / "work" / "gone" / "new").write_text("came since")
    delete(results, found)
    assert files(results) == {*OURS, "work/gone/new"}
    (results / "work" / "gone" / "new").unlink()
    delete(results, leftovers(results, KEPT, SHARDS))
    assert not (results / "work" / "gone").exists()
    assert leftovers(results, KEPT, SHARDS).files == []


def test_links_are_not_followed(results, tmp_path):
    outside = tmp_path / "outside"
    (outside / "gone").mkdir(parents=True)
    (outside / "gone.vtkhdf").write_text("precious")
    (outside / "gone" / "precious.h5").write_text("precious")
    for name in ("gone2.vtkhdf", "linked.vtkhdf"):
        (results / "hearts" / name).symlink_to(outside / "gone.vtkhdf")
    (results / "work" / "folder").symlink_to(outside / "gone")
    (results / "work" / "gone" / "inner").symlink_to(outside / "gone")
    for place in ("removed", "logs"):
        (results / place).rename(tmp_path / f"real-{place}")
        (results / place).symlink_to(tmp_path / f"real-{place}")
    found = leftovers(results, KEPT, SHARDS)
    shown = {str(one.place) for one in found.files}
    assert {"hearts/linked.vtkhdf", "work/gone/inner"} <= shown
    assert not [place for place in shown if place.startswith(("removed/", "logs/", "work/folder"))]
    delete(results, found)
    assert not (results / "work" / "gone").exists()
    assert files(outside) == {"gone.vtkhdf", "gone/precious.h5"}
    assert "gone.vtkhdf" in files(tmp_path / "real-removed")


def test_a_place_that_becomes_a_link_meanwhile_is_left_alone(results, tmp_path):
    found = leftovers(results, KEPT, SHARDS)
    (results / "hearts").rename(tmp_path / "elsewhere")
    (results / "hearts").symlink_to(tmp_path / "elsewhere")
    before = files(tmp_path / "elsewhere")
    with pytest.raises(BadStudy, match="became a link since it was found"):
        delete(results, found)
    assert files(tmp_path / "elsewhere") == before


def test_what_cannot_be_deleted_is_told(results):
    found = leftovers(results, KEPT, SHARDS)
    (results / THEIRS[0]).unlink()
    (results / THEIRS[0]).mkdir()
    with pytest.raises(MachineTrouble, match=r"gone\.vtkhdf cannot be deleted: Is a directory"):
        delete(results, found)


def test_the_results_of_another_study_are_refused(results):
    with pytest.raises(BadStudy, match="holds nothing of a patient in the table: another study's"):
        leftovers(results, {"other"}, SHARDS)
    with pytest.raises(BadStudy, match="found no folder, expected the results of a study"):
        leftovers(results / "none", KEPT, SHARDS)


@pytest.mark.parametrize("home", ["study/results", "study", "."])
def test_a_workflow_that_holds_its_lock_is_left_alone(results, tmp_path, home):
    config = tmp_path / "elsewhere" / "config.yaml"
    require_no_workflow(results, config)
    locks = tmp_path / home / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    require_no_workflow(results, config)
    (locks / "0.output.lock").write_text("x")
    with pytest.raises(BadStudy, match="a workflow runs, or was killed; wait for it, or snakemake"):
        require_no_workflow(results, config)


def test_the_lock_may_be_beside_the_configuration(results, tmp_path):
    locks = tmp_path / "elsewhere" / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").write_text("x")
    with pytest.raises(BadStudy, match="a workflow runs"):
        require_no_workflow(results, tmp_path / "elsewhere" / "config.yaml")


@pytest.fixture
def study(results, monkeypatch):
    folder = results.parent
    monkeypatch.chdir(folder)
    settings = {"cohort": "cohort.tsv", "results": "results", "archive": {"shards": SHARDS}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "m.vtu").write_text("x")
    table = "patient\tmesh\n" + "".join(f"{name}\tm.vtu\n" for name in KEPT)
    (folder / "cohort.tsv").write_text(table)
    return folder


def test_the_command_shows_first(study, capsys):
    assert main(["prune"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "nothing is deleted yet; --delete does it"
    assert shown[-2].startswith(f"{len(THEIRS)} files of nobody in the table, ")
    assert {line.split()[-1] for line in shown[:-2]} >= set(THEIRS)
    assert files(study / "results") == {*OURS, *THEIRS}
    assert main(["prune", "--results", "results", "--delete"]) == 0
    assert capsys.readouterr().out.splitlines() == [*shown[:-1], "deleted"]
    assert files(study / "results") == {*OURS, RUN_FILE}
    assert main(["prune", "--delete"]) == 0
    assert capsys.readouterr().out.startswith("0 files of nobody in the table")


def test_nothing_is_deleted_beside_a_run(study, capsys):
    holds = "from polycardia.io.run_lock import hold; import pathlib, sys; "
    holds += "print(hold(pathlib.Path('results'), print), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        run.stdout.readline()
        assert main(["prune"]) == 0
        assert main(["prune", "--delete"]) == 1
        assert "is at work here, expected one run at a time" in capsys.readouterr().err
        assert files(study / "results") == {*OURS, *THEIRS, RUN_FILE}
        run.stdin.close()


def test_the_command_refuses_in_a_sentence(study, capsys):
    (study / ".snakemake" / "locks").mkdir(parents=True)
    (study / ".snakemake" / "locks" / "0.output.lock").write_text("x")
    assert main(["prune", "--delete"]) == 1
    assert "a workflow runs, or was killed" in capsys.readouterr().err
    (study / ".snakemake" / "locks" / "0.output.lock").unlink()
    (study / "results" / "cohort.h5").write_text("no archive")
    assert main(["prune", "--delete"]) == 1
    assert "cohort.h5: not a whole HDF5 file" in capsys.readouterr().err
    (study / "cohort.tsv").write_text("patient\tmesh\n")
    assert main(["prune", "--delete"]) == 1
    assert "found no patient" in capsys.readouterr().err
    assert {*OURS, *THEIRS} < files(study / "results")
