"""A study with hearts that were made to hurt computes the others; nobody else may look at it."""

import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiny_cohort import Row, Study, new_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

OTHERS, GROUP = 0o007, 0o070
HOSTILE = {
    "link": "VTKHDF/Points is a link to another file",
    "claim": "VTKHDF/Points claims 6442450944 bytes of values and stores 0",
    "deep": "died of signal 11|says|cannot be read",
}


@pytest.fixture
def anything_open() -> Iterator[None]:
    """Let new files be open to all, where nobody minds."""
    before = os.umask(0)
    yield
    os.umask(before)


def vtkhdf(path: Path, points: h5py.ExternalLink | tuple[int, int]) -> None:
    with h5py.File(path, "w") as file:
        grid = file.create_group("VTKHDF")
        if isinstance(points, tuple):
            grid.create_dataset("Points", points, "f8", chunks=(1024, 3))
        else:
            grid["Points"] = points


def hostile_meshes(folder: Path) -> list[Row]:
    folder.mkdir()
    with h5py.File(folder.parent / "secret.h5", "w") as file:
        file["points"] = np.zeros((4, 3))
    vtkhdf(folder / "link.vtkhdf", h5py.ExternalLink("../secret.h5", "points"))
    vtkhdf(folder / "claim.vtkhdf", (1 << 28, 3))
    (folder / "deep.vtu").write_text(
        '<VTKFile type="UnstructuredGrid">' + "<a>" * 300_000 + "</a>" * 300_000 + "</VTKFile>"
    )
    return [
        {"patient": path.stem, "mesh": str(path), "units": "mm", "age": "50"}
        for path in sorted(folder.iterdir())
    ]


def test_other_hearts_go_on_and_others_may_look_at_nothing(
    anything_open: None, hearts: list[Row], tmp_path: Path
) -> None:
    study = new_study(tmp_path / "study", [hearts[0], *hostile_meshes(tmp_path / "hostile")])
    ran = study.run()
    assert ran.status == 0, ran.output
    with h5py.File(study.results / "cohort.h5") as archive:
        names = archive["patients/patient"].asstr()[()]
        statuses = archive["patients/status"].asstr()[()]
        details = archive["patients/detail"].asstr()[()]
    told = {name: (status, detail) for name, status, detail in zip(
        names, statuses, details, strict=True)}  # fmt: skip
    assert told.pop("s0001") == ("solved", "")
    assert {status for status, _ in told.values()} == {"bad_mesh"}
    for name, sentence in HOSTILE.items():
        assert any(part in told[name][1] for part in sentence.split("|")), told[name]
    by_hand(study)
    closed(study.folder / ".snakemake")
    closed(study.results)
    opened = [path for path in study.folder.rglob("*") if path.stat().st_mode & OTHERS]
    written = [path for path in opened if ".snakemake" not in path.parts]
    assert sorted(path.name for path in written) == ["cohort.tsv", "study.yaml"]


def by_hand(study: Study) -> None:
    """Have every command write that leaves files, into folders that are not there."""
    archive, new = study.results / "cohort.h5", study.folder / "new"
    config, chosen = ("--config", "study.yaml"), ("--archive", archive)
    for arguments in (
        ("pack", archive, new / "packed" / "p.h5"),
        ("view", *chosen, "--patients", "s0001", "--output", study.folder / "v.vtkhdf"),
        ("export", *chosen, "--format", "bids", "--output", new / "bids"),
        ("status", *config, "--page", new / "page" / "run.html"),
        ("pace", "--model", "mitchell_schaeffer", "--beats", "2", "--picture", new / "p.svg"),
    ):  # fmt: skip
        done = study.polycardia(*arguments)
        assert done.returncode == 0, done.stderr


def closed(folder: Path) -> None:
    assert folder.is_dir()
    assert folder.stat().st_mode & OTHERS == 0


def test_who_keeps_files_from_the_group_keeps_them(hearts: list[Row], tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        study = new_study(tmp_path / "study", hearts[:1])
        ran = study.run("--until", "prepare")
    finally:
        os.umask(before)
    assert ran.status == 0, ran.output
    # What Snakemake keeps has modes of its own, in a folder that is closed.
    for path in (study.folder / ".snakemake", *study.results.rglob("*"), study.results):
        assert path.stat().st_mode & (OTHERS | GROUP) == 0, path


@pytest.mark.parametrize(
    "identifier", ["../p", "$(touch executed)", "-rf", "p q", "CON", "p\u202e"]
)
def test_an_id_that_could_mean_anything_else_starts_no_job(
    hearts: list[Row], tmp_path: Path, identifier: str
) -> None:
    study = new_study(tmp_path / "study", [hearts[0] | {"patient": identifier}])
    ran = study.run()
    assert ran.status == 1
    assert "row 2: patient: found" in ran.output
    assert not study.results.exists()
    assert list(tmp_path.rglob("executed")) == []
