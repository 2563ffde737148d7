"""The command as a person types it: help, exit status, one sentence for a mistake."""

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest
from tiny_cohort import ROOT, Row, Study, jobs, new_study, polycardia

COMMANDS = (
    "model", "pace", "prepare", "simulate", "shard", "archive", "report", "status", "slab",
    "synthesise", "pack", "verify", "defaults", "failed", "attempt", "conclude",
    "diff", "view", "export", "prune",
)  # fmt: skip


def said(done: subprocess.CompletedProcess[str], *, status: int = 1) -> str:
    """Return the one sentence that a mistake is answered with."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("polycardia: ")
    return sentence.removeprefix("polycardia: ")


def test_help_names_every_command(tmp_path: Path) -> None:
    top = polycardia("--help", folder=tmp_path)
    assert top.returncode == 0
    assert set(COMMANDS) <= set(top.stdout.split())
    (choices,) = [line for line in top.stdout.splitlines() if "COMMAND" in line][:1]
    assert choices.startswith("usage: polycardia")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    done = polycardia(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: polycardia {command} ")
    assert done.stderr == ""


def test_version_and_documented_defaults(tmp_path: Path) -> None:
    assert polycardia("--version", folder=tmp_path).stdout == "0.1.0\n"
    defaults = (ROOT / "docs" / "defaults.yaml").read_text()
    assert polycardia("defaults", folder=tmp_path).stdout == defaults


def test_a_command_that_is_not_understood(tmp_path: Path) -> None:
    for arguments in ((), ("simulat",), ("slab", "--ranks", "two"), ("pack", "one.h5")):
        done = polycardia(*arguments, folder=tmp_path)
        assert done.returncode == 2
        assert "usage: polycardia" in done.stderr
        assert "Traceback" not in done.stderr


def _truncate(path: Path) -> Path:
    os.truncate(path, path.stat().st_size // 2)
    return path


def _without(group: str, path: Path) -> Path:
    with h5py.File(path, "r+") as file:
        del file[group]
    return path


CELLS = ("--models", *(f"results/models/{layer}.json" for layer in ("endocardial",) * 3))
KERNELS = ("--kernels", "results/models/kernels")

# What is typed in a study's folder, and what has to be said.
MISTAKES: list[tuple[str, str]] = [
    ("slab --dt 0.03", "1 ms is not a whole number of steps of dt 0.03 ms"),
    ("slab --dt 0", "dt 0 ms, expected 0.0001 to 0.5"),
    ("slab --dt 0.00001", "dt 1e-05 ms, expected 0.0001 to 0.5"),
    ("slab --dt 1", "dt 1 ms, expected 0.0001 to 0.5"),
    ("slab --dt nan", "dt nan ms, expected 0.0001 to 0.5"),
    ("slab --dt 0.1 --until 4", "until 4 ms, expected 5, 6, ... 200"),
    ("slab --dx 0", "dx 0 mm, expected 0.01 to 3"),
    ("slab --dx -0.5", "dx -0.5 mm, expected 0.01 to 3"),
    ("slab --ranks 0", "found 0 ranks, expected 1 to "),
    ("prepare --config study.yaml --patient nobody", "found no patient 'nobody'"),
    ("prepare --config study.yaml", "--config goes with --patient; or give --settings"),
    ("prepare --config none.yaml --patient s0001", "none.yaml: No such file or directory"),
    ("prepare --config cohort.tsv --patient s0001", "cohort.tsv: not YAML"),
    ("prepare --settings {} --output x", "--settings goes with --source"),
    ("prepare --settings {} --source {} --output x", "source: expected JSON with mesh"),
    ("simulate --config study.yaml --patient nobody", "found no patient 'nobody'"),
    ("simulate --config study.yaml --patient s0001", "results/work/s0001/prepared.h5: No such"),
    ("simulate --settings {} --heart study.yaml --output x", "study.yaml: has no seal at its end"),
    ("simulate --settings {} --heart results/hearts/s0001.vtkhdf --output x", "not a prepared"),
    (
        'simulate --settings {"dt":1} --heart x --output x',
        "settings: dt: there is no setting 'dt' here",
    ),
    ("model --settings {} --kernels x --output x", "settings: model: Field required"),
    ("shard --cohort none.tsv --hearts . --shard 0 --of 1 --output x", "none.tsv: No such file"),
    ("shard --cohort cohort.tsv --hearts . --shard 0 --of 0 --output x", "found shard 0 of 0"),
    ("shard --cohort cohort.tsv --hearts . --shard 0 --of 1 --output x", "s0001.vtkhdf: No such"),
    ("archive --shards none.h5 --output x", "none.h5: No such file or directory"),
    ("archive --shards results/shards/7.h5 --most-failed 2 --output x", "need 0 to 1"),
    (
        "report --config study.yaml --archive none.h5 --output x",
        "none.h5: No such file or directory",
    ),
    (
        "report --config study.yaml --archive cohort.tsv --output x",
        "cohort.tsv: has no seal at its end",
    ),
    (
        "report --settings {} --archive results/hearts/s0001.vtkhdf --output x",
        "patients is missing",
    ),
    (
        "report --settings {} --archive results/cohort.h5 --output study.yaml/x",
        "x cannot be written",
    ),
    ("pack none.h5 x", "none.h5: No such file or directory"),
    ("pack results/cohort.h5 results", "results cannot be written: it is a folder"),
    (f"pack results/cohort.h5 {300 * 'x'}", "x cannot be written: File name too long"),
    ("verify none", "none/cohort.h5: missing"),
    ("status --config none.yaml", "none.yaml: No such file or directory"),
    ("synthesise --patients 0 --output x", "patients: found 0, need 1 to 100000"),
    ("synthesise --patients 1 --edge-length 0 --output x", "edge length: found 0 mm"),
    ("synthesise --patients 1 --output study.yaml", "cannot be written"),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_mistake_is_answered_with_one_sentence(study: Study) -> None:
    shutil.rmtree(study.results / "work")
    before = {path: path.stat().st_mtime for path in study.folder.rglob("*")}

    def answer(typed: str) -> subprocess.CompletedProcess[str]:
        arguments = typed.split()
        if arguments[0] == "simulate" and "--settings" in arguments:
            arguments += [*CELLS, *KERNELS]
        return study.polycardia(*arguments)

    with ThreadPoolExecutor(max_workers=2) as workers:
        answers = list(workers.map(answer, [typed for typed, _ in MISTAKES]))
    for (typed, sentence), answered in zip(MISTAKES, answers, strict=True):
        assert sentence in said(answered), typed
    after = {path: path.stat().st_mtime for path in study.folder.rglob("*")}
    assert after == before, "a mistake leaves no file behind"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("broken", "typed", "sentence"),
    [
        ("work/s0001/prepared.h5", "simulate --config study.yaml --patient s0001", "cut off"),
        ("hearts/s0003.vtkhdf", "shard --cohort cohort.tsv --hearts results/hearts --shard 4 "
         "--of 8 --output x", "s0003.vtkhdf: has no seal at its end, it is cut off"),
        ("shards/7.h5", "archive --shards results/shards/7.h5 --output x", "cut off"),
        ("cohort.h5", "report --settings {} --archive results/cohort.h5 --output x", "cut off"),
        ("cohort.h5", "pack results/cohort.h5 x", "truncated"),
        ("hearts/s0003.vtkhdf", "pack results/cohort.h5 x", "hearts/s0003: the heart's file"),
        ("models/midwall.json", "simulate --config study.yaml --patient s0001", "cut off"),
    ],
)  # fmt: skip
def test_a_truncated_file_is_named(study: Study, broken: str, typed: str, sentence: str) -> None:
    path = _truncate(study.results / broken)
    answer = said(study.polycardia(*typed.split()))
    assert sentence in answer
    assert path.stem in answer
    assert not (study.folder / "x").exists()


@pytest.mark.slow
def test_an_archive_that_lacks_its_hearts_is_refused(study: Study) -> None:
    archive = _without("hearts", study.results / "cohort.h5")
    assert "it has no group 'hearts'" in said(study.polycardia("pack", archive, "x"))
    assert not (study.folder / "x").exists()


@pytest.mark.slow
def test_verify_finds_a_damaged_file_and_what_it_lacks(study: Study) -> None:
    _without("hearts", study.results / "cohort.h5")
    verdict = study.polycardia("verify", "results")
    seal, content = verdict.stderr.splitlines()
    assert seal.startswith("polycardia: results/cohort.h5: ")
    assert "'hearts' doesn't exist" in content
    aside = study.polycardia("verify", "results", "--set-aside")
    assert aside.returncode == 0
    told = seal.removeprefix("polycardia: ")
    assert aside.stdout == f"{told}; renamed to results/cohort.h5.damaged, to be made again\n"
    assert study.plan() == jobs("archive", "report")


@pytest.mark.slow
@pytest.mark.mpi
def test_as_many_cell_models_as_layers(study: Study) -> None:
    heart = ("--heart", "results/work/s0001/prepared.h5")
    arguments = ("--settings", "{}", *heart, *KERNELS, *CELLS[:-1], "--output", "x")
    sentence = said(study.polycardia("simulate", *arguments))
    assert sentence == ("found 2 cell models, need one each for endocardial, midwall, epicardial")


@pytest.mark.slow
def test_packed_results_are_whole(study: Study) -> None:
    done = study.polycardia("pack", "results/cohort.h5", "packed.h5")
    assert (done.returncode, done.stdout) == (0, "packed.h5: 3 hearts\n")
    shutil.rmtree(study.results)
    with h5py.File(study.folder / "packed.h5") as packed:
        assert packed["hearts/s0002/VTKHDF/PointData/activation_time"][()].size > 10_000


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(1800)
def test_every_step_by_hand(hearts: list[Row], finished: Study, tmp_path: Path) -> None:
    study = new_study(tmp_path, hearts[:1])
    one = ("--config", "study.yaml", "--patient", "s0001")
    table = ("--cohort", "cohort.tsv", "--hearts", "results/hearts")
    for arguments in (
        ("model", "--config", "study.yaml"),
        ("prepare", *one),
        ("simulate", *one),
        ("shard", *table, "--shard", "0", "--of", "1", "--output", "results/shards/0.h5"),
        ("archive", "--shards", "results/shards/0.h5", "--output", "results/cohort.h5"),
        ("report", *one[:2], "--archive", "results/cohort.h5", "--output", "index.html"),
        ("verify", "results"),
    ):
        done = study.polycardia(*arguments)
        assert done.returncode == 0, done.stderr
    assert done.stdout == "results: 1 hearts keep the format's promises\n"
    with h5py.File(study.heart("s0001")) as own, h5py.File(finished.heart("s0001")) as other:
        assert own["provenance"].attrs["ranks"] == 1
        leads, expected = own["ecg/leads"][()], other["ecg/leads"][()]
    assert abs(leads - expected).max() < 1e-6


def _status(study: Study) -> list[str]:
    done = study.polycardia("status", "--config", "study.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_status_before_anything(hearts: list[Row], tmp_path: Path) -> None:
    study = new_study(tmp_path, hearts)
    assert _status(study) == ["4 hearts: 0 solved, 0 failed, 0 running, 0 interrupted, 4 waiting"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_status_while_hearts_run(study: Study, hearts: list[Row]) -> None:
    """With the lines of a real run's log, of which one heart has the first fifth."""
    study.write_rows([*study.rows(), hearts[3]])
    study.heart("s0002").unlink()
    log = study.log("simulate", "s0002")
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:5]))
    first, *_, running = _status(study)
    assert first == "4 hearts: 2 solved, 0 failed, 1 running, 0 interrupted, 1 waiting"
    assert running == "  running  s0002  20% of the beat"
    assert "2 solved in the last hour; about a minute left with 1 at once" in _status(study)

    long_ago = time.time() - 7200.0
    for stage in ("simulate", "prepare"):
        os.utime(study.log(stage, "s0002"), (long_ago, long_ago))
    first, slowest, memory = _status(study)
    assert slowest.startswith("slowest: s000")
    assert memory.startswith("memory: half of the beats hold ")
    assert first == "4 hearts: 2 solved, 0 failed, 0 running, 1 interrupted, 1 waiting"

    log.unlink()
    assert _status(study)[0].endswith(" 0 running, 0 interrupted, 2 waiting"), "it is prepared"
    (study.results / "work" / "s0002" / "prepared.h5").unlink()
    os.utime(study.log("prepare", "s0002"))
    assert _status(study)[-1] == "  running  s0002  0% of the beat", "it is being prepared"


@pytest.mark.slow
def test_status_of_a_file_that_is_not_whole(study: Study) -> None:
    _truncate(study.heart("s0002"))
    first, *_, failed = _status(study)
    assert first == "3 hearts: 2 solved, 1 failed, 0 running, 0 interrupted, 0 waiting"
    assert failed.startswith("  failed  s0002  results/hearts/s0002.vtkhdf: not a whole HDF5 file")
