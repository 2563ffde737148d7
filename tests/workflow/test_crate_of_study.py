"""The crate of a study that was computed, not made up."""

from pathlib import Path

import pytest
from tiny_cohort import CLINICAL, LONGEST, Ran, Study, jobs, polycardia

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST)]

STEPS = ("prepare", "simulate")
ASKED = ("crate", "--archive", "results/cohort.h5", "--config", "study.yaml", "--output")


def test_nothing_in_a_crate_tells_of_a_patient(
    fresh_run: tuple[Study, Ran], tmp_path: Path
) -> None:
    study = fresh_run[0]
    crate = tmp_path / "crate"
    done = study.polycardia(*ASKED, crate)
    assert (done.returncode, done.stderr) == (0, "")
    words = [*CLINICAL.values(), *(row["patient"] for row in study.rows())]
    files = [path for path in crate.rglob("*") if path.is_file()]
    for path in files:
        content = str(path.relative_to(crate)).encode() + path.read_bytes()
        assert [word for word in words if word.encode() in content] == [], path
    assert {path.name for path in files} >= {"ro-crate-metadata.json", "hearts.csv", "Snakefile"}


def test_a_crate_with_patients_is_a_results_folder_and_can_be_run_again(
    study: Study, tmp_path: Path
) -> None:
    crate = Study(tmp_path / "crate")
    assert study.polycardia(*ASKED, crate.folder, "--with-patients").returncode == 0
    verified = polycardia("verify", crate.folder, folder=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert study.plan() == jobs(), "links are not changes"
    again = ("--snakefile", "workflow/Snakefile", "--configfile", "config.yaml", "--forceall")
    planned = crate.run(*again, "--dry-run")
    assert planned.status == 0, planned.output
    expected = jobs(*(f"{step} {row['patient']}" for row in study.rows() for step in STEPS))
    assert planned.announced >= expected + jobs("archive", "report")
