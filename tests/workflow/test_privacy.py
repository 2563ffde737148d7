"""What the table says of a patient stays in the table, the archive and the report."""

import shutil
from pathlib import Path

import h5py
import pytest
from tiny_cohort import CLINICAL, Ran, Row, Study, jobs, new_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# Where clinical values belong.
ALLOWED = ("cohort.tsv", "results/cohort.h5", "results/shards", "results/report/index.html")

# What a shell would split, expand, run, or take for an option, a pattern or a wildcard.
NAMES = (
    "a b.vtu",
    "$(touch executed).vtu",
    "`touch executed`.vtu",
    "x; touch executed; #.vtu",
    "x & touch executed.vtu",
    "x' | touch 'executed.vtu",
    'x"$HOME".vtu',
    "--help.vtu",
    "*[ab]?.vtu",
    "back\\slash.vtu",
    "herz-ä-心.vtu",
)
SURFACES = "$(touch executed); surfaces.vtp"


def test_clinical_values_stay_where_they_belong(fresh_run: tuple[Study, Ran]) -> None:
    study, ran = fresh_run
    assert not [value for value in CLINICAL.values() if value in ran.output]
    searched = 0
    for path in study.folder.rglob("*"):
        place = str(path.relative_to(study.folder))
        if path.is_file() and not place.startswith(ALLOWED):
            content = path.read_bytes()
            assert not [value for value in CLINICAL.values() if value.encode() in content], place
            searched += 1
    assert searched > 30
    with h5py.File(study.results / "cohort.h5") as archive:
        assert (archive["patients/age"][()] == float(CLINICAL["age"])).all()


def test_results_are_private(finished: Study) -> None:
    open_to_others = [
        path
        for path in (finished.results, *finished.results.rglob("*"))
        if path.stat().st_mode & 0o007
    ]
    assert open_to_others == []


def test_names_of_meshes_are_never_taken_for_commands(tmp_path: Path, hearts: list[Row]) -> None:
    study = new_study(tmp_path / 'it\'s a "folder" & more', [])
    meshes = study.folder / "$(touch executed)"
    meshes.mkdir()
    rows = []
    for number, name in enumerate(NAMES):
        # Prose: every job starts and says so, and none takes long.
        (meshes / name).write_text("no mesh")
        rows.append({"patient": f"p{number}", "mesh": f"{meshes.name}/{name}", "units": "mm"})
    shutil.copy(hearts[0]["mesh"], meshes / NAMES[1])
    shutil.copy(hearts[0]["surfaces"], meshes / SURFACES)
    rows[1]["surfaces"] = f"{meshes.name}/{SURFACES}"
    study.write_rows(rows)
    ran = study.run("--until", "prepare", "model")
    assert ran.status == 0, ran.output
    expected = jobs(*(f"prepare p{number}" for number in range(len(NAMES))))
    assert ran.executed >= expected
    assert list(tmp_path.rglob("executed*")) == []
    for number in set(range(len(NAMES))) - {1}:
        log = study.log("prepare", f"p{number}").read_text()
        assert f"bad_mesh: {NAMES[number]} " in log
    assert "12528 nodes" in study.log("prepare", "p1").read_text()
