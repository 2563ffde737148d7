"""A heart that cannot be used is a result; a study that cannot be used starts no job."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import pyvista
from tiny_cohort import SETTINGS, Ran, Row, Study, gathering, jobs, new_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Breaking = Callable[[Path, Path], None]


def _fold(good: Path, bad: Path) -> None:
    """Push one node inside the wall through the elements around it."""
    grid = pyvista.read(good)
    inside = np.setdiff1d(
        np.arange(grid.n_points), grid.extract_surface(algorithm=None)["vtkOriginalPointIds"]
    )
    grid.points[inside[0]] += (15.0, 0.0, 0.0)
    grid.save(bad)


def _empty(good: Path, bad: Path) -> None:
    bad.touch()


def _truncate(good: Path, bad: Path) -> None:
    content = good.read_bytes()
    bad.write_bytes(content[: len(content) // 2])


def _keep(good: Path, bad: Path) -> None:
    bad.write_bytes(good.read_bytes())


def _double(good: Path, bad: Path) -> None:
    heart = pyvista.read(good)
    (heart + heart.translate((120.0, 0.0, 0.0))).save(bad)


def _lose_coordinates(good: Path, bad: Path) -> None:
    grid = pyvista.read(good)
    grid.points[17, 1] = np.nan
    grid.save(bad)


def _write_prose(good: Path, bad: Path) -> None:
    bad.write_text("The mesh is with the radiologist.\n")


# By patient: how the mesh is broken, the unit that the table gives, and what has to be said of it.
BROKEN: dict[str, tuple[Breaking, str, list[str]]] = {
    "folded": (_fold, "mm", ["the mesh is inverted", "both elements on one side", "mm"]),
    "empty": (_empty, "mm", ["empty.vtu is empty (0 bytes)"]),
    "truncated": (_truncate, "mm", ["truncated.vtu", "truncated", "bytes"]),
    "wrong_unit": (_keep, "cm", ["mm across with the unit cm", "50 to 250 mm", "mm would fit"]),
    "two_pieces": (_double, "mm", ["2 separate pieces", "mL", "expected one"]),
    "not_a_number": (_lose_coordinates, "mm", ["not finite", "node 17"]),
    "prose": (_write_prose, "mm", ["prose.vtu", "</VTKFile>"]),
}


@pytest.fixture(scope="module")
def mixed(
    finished: Study, hearts: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, Ran]:
    """Two hearts with an answer, one good one to be computed, and the broken ones."""
    study = finished.copy(tmp_path_factory.mktemp("mixed"))
    study.heart("s0003").unlink()
    meshes = tmp_path_factory.mktemp("broken")
    rows = study.rows()
    for patient, (break_mesh, units, _) in BROKEN.items():
        mesh = meshes / f"{patient}.vtu"
        break_mesh(Path(hearts[0]["mesh"]), mesh)
        rows.append({"patient": patient, "mesh": str(mesh), "units": units})
    study.write_rows(rows)
    return study, study.run()


def test_the_run_ends_well_and_computes_the_others(mixed: tuple[Study, Ran]) -> None:
    study, ran = mixed
    assert ran.status == 0, ran.output
    assert ran.executed == (
        jobs(*(f"{rule} {patient}" for patient in BROKEN for rule in ("prepare", "simulate")))
        + jobs("simulate s0003")
        + gathering("s0003", *BROKEN)
    )
    assert study.plan() == jobs()


def test_the_archive_says_what_was_found(mixed: tuple[Study, Ran]) -> None:
    study, _ = mixed
    with h5py.File(study.results / "cohort.h5") as archive:
        table = archive["patients"]
        patients, *rows = (table[name].asstr()[()] for name in ("patient", "status", "detail"))
        found = dict(zip(patients, zip(*rows, strict=True), strict=True))
        leads = dict(zip(found, archive["ecg/leads"][()], strict=True))
        assert sorted(archive["hearts"]) == sorted(found)
    for patient in ("s0001", "s0002", "s0003"):
        assert found.pop(patient) == ("solved", "")
        assert np.isfinite(leads.pop(patient)).all()
    assert set(found) == set(BROKEN)
    assert np.isnan(list(leads.values())).all()
    for patient, (_, _, words) in BROKEN.items():
        status, detail = found[patient]
        assert status == "bad_mesh"
        assert [word for word in words if word not in detail] == [], detail
        assert "\n" not in detail


def test_verify_holds_and_status_names_them(mixed: tuple[Study, Ran]) -> None:
    study, _ = mixed
    verdict = study.polycardia("verify", "results")
    assert (verdict.returncode, verdict.stderr) == (0, "")
    assert verdict.stdout == "results: 10 hearts keep the format's promises\n"
    shown = study.polycardia("status", "--config", "study.yaml").stdout.splitlines()
    assert shown[0] == "10 hearts: 3 solved, 7 failed, 0 running, 0 interrupted, 0 waiting"
    for patient in BROKEN:
        assert any(f"failed  {patient}  bad_mesh: " in line for line in shown)
    report = (study.results / "report" / "index.html").read_text()
    assert all(patient in report for patient in BROKEN)


def test_too_many_failures_fail_the_run(mixed: tuple[Study, Ran], tmp_path: Path) -> None:
    study = mixed[0].copy(tmp_path)
    study.configure(lambda settings: settings["archive"].update(max_failed_fraction=0.5))
    ran = study.run()
    assert ran.status == 1
    assert ran.executed == jobs()
    sentence = "7 of 10 hearts have no answer, archive.max_failed_fraction allows 50%"
    assert f"polycardia: {sentence}" in ran.output
    assert "Traceback" not in ran.output
    study.configure(lambda settings: settings["archive"].update(max_failed_fraction=0.7))
    assert study.plan() == jobs("archive", "report")


def refused(study: Study) -> str:
    """Return what Snakemake says of a study that it starts no job of."""
    ran = study.run()
    assert ran.status == 1
    assert "Traceback" not in ran.output
    assert ran.announced == jobs()
    assert not study.results.exists()
    return ran.output


def test_a_bad_table_starts_no_job(hearts: list[Row], tmp_path: Path) -> None:
    good = hearts[0]
    study = new_study(
        tmp_path,
        [
            good,
            good | {"patient": "a b"},
            good,
            good | {"patient": "nowhere", "mesh": "nowhere.vtu"},
            good | {"patient": "unborn", "age": "-3", "units": "inch"},
        ],
    )
    said = refused(study)
    for fault in (
        "cohort.tsv: row 3: patient: found 'a b', expected 1 to 64 of A-Z a-z 0-9 _ -",
        "cohort.tsv: row 4: patient: found 's0001', expected an id that row 2 has not",
        "cohort.tsv: row 5: mesh: found 'nowhere.vtu', expected a file that exists",
        "cohort.tsv: row 6: age: found '-3', expected a",
        "number from 0 to 130 [y], or nothing",
        "cohort.tsv: row 6: units: found 'inch', expected one of m, cm, mm, um, or nothing",
    ):
        assert fault in said
    (tmp_path / "cohort.tsv").unlink()
    assert "cohort.tsv: No such file or directory" in refused(study)


def test_a_bad_configuration_starts_no_job(hearts: list[Row], tmp_path: Path) -> None:
    study = new_study(tmp_path, hearts[:1])
    study.configure(
        lambda settings: settings.update(
            numerics={"dt": -0.2, "durration": 250.0}, threads=4, meshes_outside="yes"
        )
    )
    said = refused(study)
    assert (
        "config: numerics.dt: Input should be greater than or equal to 0.0001, found -0.2" in said
    )
    assert "config: numerics.durration: there is no setting 'durration' here" in said
    assert "config: threads: there is no setting 'threads' here" in said
    assert "config: meshes_outside: Input should be a valid boolean, found 'yes'" in said
    assert set(SETTINGS) <= set(said.replace(",", " ").split()), "what is allowed is named"


def test_an_unknown_cell_model_starts_no_job(hearts: list[Row], tmp_path: Path) -> None:
    study = new_study(tmp_path, hearts[:1])
    study.configure(lambda settings: settings["cells"]["midwall"].update(name="tp06_mod"))
    said = refused(study)
    assert "config: cells.midwall.name: found 'tp06_mod', expected one of tp06_epi, tp06_en" in said
    assert "mitchell_schaeffer, or a file .mmt or .cellml or .toml that exists" in said
    study.configure(lambda settings: settings["cells"]["midwall"].update(name="mine.mmt"))
    assert "mine.mmt" in refused(study)


def test_a_constant_that_its_cell_model_lacks_starts_no_job(
    hearts: list[Row], tmp_path: Path
) -> None:
    study = new_study(tmp_path, hearts[:1])
    study.configure(lambda settings: settings["cells"]["midwall"].update(scaling={"g_kzz": 0.5}))
    said = refused(study)
    assert "cell model mitchell_schaeffer: g_kzz is not one of its constants: " in said
