"""What changed is computed again, and nothing else: jobs are counted by rule and patient."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from tiny_cohort import ROOT, Jobs, Ran, Row, Study, gathering, jobs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENTS = ("s0001", "s0002", "s0003")
LAYERS = ("endocardial", "midwall", "epicardial")
NOTHING = jobs()


def whole_hearts(*patients: str) -> Jobs:
    return jobs(*(f"{rule} {name}" for name in patients for rule in ("prepare", "simulate")))


def test_a_fresh_run_executes_each_job_once_and_the_next_none(
    fresh_run: tuple[Study, Ran],
) -> None:
    study, ran = fresh_run
    models = jobs(*(f"model {layer}" for layer in LAYERS))
    assert ran.executed == models + whole_hearts(*PATIENTS) + gathering(*PATIENTS)
    again = study.run()
    assert again.status == 0
    assert again.announced == NOTHING
    assert "Nothing to be done" in again.output


def test_each_changed_patient_is_computed_again_and_no_other(
    study: Study, hearts: list[Row], tmp_path: Path
) -> None:
    mesh = tmp_path / "other.vtu"
    shutil.copy(hearts[3]["mesh"], mesh)
    study.change_row("s0001", age="48.5")
    study.change_row("s0002", mesh=str(mesh), surfaces=hearts[3]["surfaces"])
    study.heart("s0003").unlink()
    study.write_rows([*study.rows(), hearts[3]])
    ran = study.run()
    assert ran.status == 0, ran.output
    assert ran.executed == (
        whole_hearts("s0002", "s0004")
        + jobs("simulate s0003")
        + gathering("s0001", "s0002", "s0003", "s0004")
    )
    assert "4 hearts keep" in study.polycardia("verify", "results").stdout
    with h5py.File(study.results / "cohort.h5") as archive:
        table = archive["patients"]
        assert list(table["patient"].asstr()[()]) == [*PATIENTS, "s0004"]
        assert table["age"][0] == 48.5
        volume = table["simulated_wall_volume"][()]
    assert volume[1] == volume[3] != volume[0]
    assert study.plan() == NOTHING


def test_a_removed_patient_leaves_the_archive(study: Study) -> None:
    study.write_rows([row for row in study.rows() if row["patient"] != "s0002"])
    ran = study.run()
    assert ran.status == 0, ran.output
    assert ran.executed == jobs("archive", "report")
    with h5py.File(study.results / "cohort.h5") as archive:
        assert list(archive["patients/patient"].asstr()[()]) == ["s0001", "s0003"]
        assert list(archive["hearts"]) == ["s0001", "s0003"]
    # Hours of computing are not thrown away because a row went missing.
    assert not study.heart("s0002").exists()
    assert (study.results / "removed" / "s0002.vtkhdf").exists()
    assert "s0002.vtkhdf" in (study.results / "logs" / "archive.log").read_text()
    assert "2 hearts keep" in study.polycardia("verify", "results").stdout
    assert study.plan() == NOTHING


def _touch_the_table(study: Study) -> None:
    os.utime(study.folder / "cohort.tsv")


def _reorder_the_rows(study: Study) -> None:
    study.write_rows(study.rows()[::-1])


def _reorder_the_columns(study: Study) -> None:
    table = study.folder / "cohort.tsv"
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    table.write_text("".join("\t".join([*row[:2], *row[:1:-1]]) + "\n" for row in rows))


def _write_a_number_another_way(study: Study) -> None:
    study.change_row("s0001", age=study.rows()[0]["age"] + "0")


def _setting(*names: str, value: object) -> Callable[[Study], None]:
    def change(settings: dict[str, Any]) -> None:
        for name in names[:-1]:
            settings = settings.setdefault(name, {})
        settings[names[-1]] = value

    return lambda study: study.configure(change)


def _pair(fibre: float, cross: float) -> dict[str, float]:
    return {"fibre": fibre, "cross": cross}


def _tissue(**sections: dict[str, float]) -> Callable[[Study], None]:
    """Replace the tissue, but for its fast endocardial layer."""
    return _setting("tissue", value={**sections, "endocardial_factor": 9.0})


def _deleted(*paths: str) -> Callable[[Study], None]:
    def delete(study: Study) -> None:
        for path in paths:
            found = study.results / path
            shutil.rmtree(found) if found.is_dir() else found.unlink()

    return delete


def _cell(patient: str, **cells: str) -> Callable[[Study], None]:
    return lambda study: study.change_row(patient, **cells)


SIMULATIONS = jobs(*(f"simulate {patient}" for patient in PATIENTS)) + gathering(*PATIENTS)
APEX = {"name": "apex", "coordinates": {"apicobasal": [0.0, 0.1]}}
MODELS = {layer: jobs(f"model {layer}") for layer in LAYERS}
ALL_MODELS = jobs(*(f"model {layer}" for layer in LAYERS))

CHANGES: dict[str, tuple[Callable[[Study], None], Jobs]] = {
    "the table's time": (_touch_the_table, NOTHING),
    "the order of its rows": (_reorder_the_rows, NOTHING),
    "the order of its columns": (_reorder_the_columns, NOTHING),
    "the spelling of a number": (_write_a_number_another_way, NOTHING),
    "an age": (_cell("s0002", age="31"), gathering("s0002")),
    "a sex that is now unknown": (_cell("s0003", sex=""), gathering("s0003")),
    "a unit": (_cell("s0001", units=""), whole_hearts("s0001") + gathering("s0001")),
    "surfaces": (_cell("s0001", surfaces=""), whole_hearts("s0001") + gathering("s0001")),
    "a deleted shard": (_deleted("shards/5.h5"), NOTHING),
    "deleted intermediates": (_deleted("work", "shards", "models"), NOTHING),
    "a deleted archive and all of its shards": (
        _deleted("cohort.h5", "shards"),
        gathering(*PATIENTS),
    ),
    "a deleted heart": (
        _deleted("hearts/s0003.vtkhdf"),
        jobs("simulate s0003") + gathering("s0003"),
    ),
    "a deleted heart without its prepared one": (
        _deleted("hearts/s0003.vtkhdf", "work"),
        whole_hearts("s0003") + gathering("s0003"),
    ),
    "a deleted report": (_deleted("report"), jobs("report")),
    "the report's title": (_setting("report", "title", value="Other"), jobs("report")),
    "the tolerated failures": (
        _setting("archive", "max_failed_fraction", value=0.25),
        jobs("archive", "report"),
    ),
    "the time step": (_setting("numerics", "dt", value=0.1), ALL_MODELS + SIMULATIONS),
    # Waves are measured at the tissue's anisotropy; no conductivity prepares a heart again.
    "a conductivity outside the cells": (
        _setting("tissue", "extracellular", "fibre", value=3.9),
        ALL_MODELS + SIMULATIONS,
    ),
    "a conductivity inside the cells": (
        _setting("tissue", "intracellular", "cross", value=1.9),
        ALL_MODELS + SIMULATIONS,
    ),
    "all conductivities by one factor": (
        _tissue(intracellular=_pair(2.0, 1.0), extracellular=_pair(2.0, 1.0)),
        SIMULATIONS,
    ),
    "velocities for conductivities": (
        _tissue(velocities=_pair(0.5, 0.25), extracellular=_pair(4.0, 2.0)),
        ALL_MODELS + SIMULATIONS,
    ),
    "the factor of the endocardial layer": (
        _setting("tissue", "endocardial_factor", value=8.0),
        whole_hearts(*PATIENTS) + gathering(*PATIENTS),
    ),
    "the limit of velocity errors": (
        _setting("numerics", "velocity_error_limit", value=0.2),
        SIMULATIONS,
    ),
    "a site's radius": (
        _setting("protocol", "site_radius", value=9.0),
        whole_hearts(*PATIENTS) + gathering(*PATIENTS),
    ),
    "a place": (
        _setting("protocol", "places", value=[APEX]),
        whole_hearts(*PATIENTS) + gathering(*PATIENTS),
    ),
    "the strength of a stimulus": (
        _setting("protocol", "stimulus", "amplitude", value=60.0),
        SIMULATIONS,
    ),
    "a train of beats": (
        _setting("protocol", "stimuli", value=[{"name": "s", "extrastimuli": [200.0]}]),
        SIMULATIONS,
    ),
    "one layer's cells": (
        _setting("cells", "midwall", "parameters", "tau_close", value=65.0),
        MODELS["midwall"] + SIMULATIONS,
    ),
    "the cells' rhythm": (
        _setting("cells", "beats", value=1),
        ALL_MODELS + SIMULATIONS,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_plans_what_depends_on_it(study: Study, name: str) -> None:
    change, expected = CHANGES[name]
    change(study)
    assert study.plan() == expected


def test_a_changed_mesh_file_plans_its_heart(study: Study, tmp_path: Path) -> None:
    mesh = tmp_path / "mesh.vtu"
    shutil.copy(study.rows()[0]["mesh"], mesh)
    study.change_row("s0001", mesh=str(mesh))
    study.run("--touch")  # as if it had been computed from this file
    assert study.plan() == NOTHING
    mesh.write_bytes(mesh.read_bytes() + b"\n")
    assert study.plan() == whole_hearts("s0001") + gathering("s0001")


def test_other_words_in_a_rule_plan_nothing(study: Study, tmp_path: Path) -> None:
    for name in ("Snakefile", "config.yaml", "rules", "envs", "profiles"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    rule = tmp_path / "rules" / "simulate.smk"
    text = rule.read_text()
    rule.write_text(text.replace("python -m mpi4py", "python -X dev -m mpi4py"))
    assert rule.read_text() != text
    ran = study.run("--dry-run", "--snakefile", str(tmp_path / "Snakefile"))
    assert ran.status == 0, ran.output
    assert ran.announced == NOTHING
