"""`polycardia crate`: every word of it leads somewhere, and none of it to a patient."""

import base64
import csv
import errno
import hashlib
import json
import os
import shutil
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from crate_validator import complaints, filled_cache
from solved_hearts import RECORD, gather, result

from polycardia.cli import main
from polycardia.config import read_study
from polycardia.errors import BadArchive, BadStudy, MachineTrouble
from polycardia.io.archive_reader import open_archive
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.packing import pack
from polycardia.io.seal import sealed_file
from polycardia.study.crate import crate
from polycardia.study.crate.hearts import heart_runs, write_runs

# Patients and what the table says of them: words and numbers that stand nowhere else.
ANNA, BORIS, CLARA = PATIENTS = ("xANNAx", "xBORISx", "xCLARAx")
TABLE = (
    "patient\tmesh\tsex\tage\theight\tweight\tqrs_duration\tqt_interval\theart_rate",
    f"{CLARA}\tm.vtu\tF\t47.38291\t163.7719\t71.93157\t93.31177\t411.7733\t67.71193",
    f"{ANNA}\tm.vtu\tF\t48.38291\t164.7719\t72.93157\t94.31177\t412.7733\t68.71193",
    f"{BORIS}\tm.vtu\tM\t\t\t\t\t\t",
)
SENTINELS = {*PATIENTS, *(word for row in TABLE[1:] for word in row.split("\t") if "." in word)}
SENTINELS -= {"m.vtu"}
DETAIL = f"{BORIS}.vtu: 3 tetrahedra are flat, need 0"

# What a crate may point to that is not described in it.
SPECIFIED = {
    "https://w3id.org/ro/crate/1.1",
    "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
    "https://doi.org/10.12688/f1000research.29032.2",
    "https://snakemake.readthedocs.io",
}
# What the validator recommends and a crate cannot say: polycardia has no page of its own, the
# publisher is not known, and files that are withheld cannot be fetched.
UNKNOWN = (
    "The Application SHOULD have a url",
    "The `publisher` property of a `Root Data Entity` SHOULD be",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The author SHOULD have",
    "Web-based Data Entity ni:",
)
UNSAID = (
    "The Action SHOULD have an agent",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author`",
)


def records(study):
    """Provenance of three hearts, as `simulate` writes it."""
    settings = {
        "preparation": study.preparation().model_dump(mode="json"),
        "simulation": study.simulation().model_dump(mode="json"),
    }
    common = RECORD | {"settings": json.dumps(settings), "host": "node7", "version": "9.8.7"}
    common |= {"git_revision": "abc123+", "petsc_version": "3.18.5", "prepare_seconds": 60.0}
    kernels = json.dumps({"endocardial": "e" * 64, "midwall": "f" * 64, "epicardial": "e" * 64})
    anna = {"began": "2026-01-02T03:04:05+00:00", "seconds": 1800.0, "ranks": 4, "energy": 500.0}
    clara = {"began": "2026-01-02T04:00:00+00:00", "seconds": 900.0, "ranks": 2, "energy": np.nan}
    return {
        name: common
        | {"labels_from": f"{name}_surface.vtp", "mesh_sha256": digit * 64, **own}
        for name, digit, own in (
            (ANNA, "1", anna | {"kernels": kernels, "memory": 10_000}),
            (BORIS, "2", {"seconds": 1.0, "ranks": 1}),
            (CLARA, "3", clara | {"kernels": kernels, "memory": 20_000, "host": "node8"}),
        )
    }  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Folder of a finished study of three hearts, one of them without an answer."""
    folder = tmp_path / "study"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "cohort.tsv").write_text("\n".join(TABLE) + "\n")
    settings = {"report": {"title": "{Three} hearts", "patients": [CLARA]}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    hearts = folder / "results" / "hearts"
    for seed, (name, record) in enumerate(records(read_study(folder / "config.yaml")).items()):
        outcome = Outcome("bad_mesh", DETAIL) if name == BORIS else Outcome(SOLVED)
        content = None if name == BORIS else result(seed)
        write_heart(hearts / f"{name}.vtkhdf", content, outcome, record)
    gather(folder / "results")
    (folder / "results" / "report").mkdir()
    for page in ("index", "run"):
        with sealed_file(folder / "results" / "report" / f"{page}.html") as part:
            part.write_text(f"<html>{ANNA}, 48.38291 y</html>\n")
    return folder


def made(study, **options):
    folder = study.parent / "crate"
    crate(study / "results" / "cohort.h5", study / "config.yaml", folder, **options)
    return folder


def entities(folder):
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph), "an @id is there twice"
    return found


def named(folder, name):
    """The one file of a name."""
    files = (entity for entity in entities(folder).values() if "File" in entity["@type"])
    (found,) = [file for file in files if file["name"] == name]
    return found


def action(folder):
    (found,) = [e for e in entities(folder).values() if e["@type"] == "CreateAction"]
    return found


def links(value):
    """Every @id that anything in a JSON value points to."""
    if isinstance(value, dict):
        own = {value["@id"]} if set(value) == {"@id"} else set()
        return own.union(*map(links, value.values()))
    return set().union(*map(links, value)) if isinstance(value, list) else set()


def ids(value):
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def everything(folder):
    """Names and bytes of all files of a crate."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = "\n".join(str(path.relative_to(folder)) for path in paths)
    return names.encode() + b"".join(path.read_bytes() for path in paths)


@pytest.mark.parametrize("patients", [False, True])
def test_every_reference_leads_to_something_described(study, patients):
    found = entities(made(study, patients=patients, author="Ada", licence="CC-BY-4.0"))
    assert links([*found.values()]) - set(found) == SPECIFIED
    assert {"https://spdx.org/licenses/CC-BY-4.0", "#author"} <= set(found)


@pytest.mark.parametrize("patients", [False, True])
def test_every_file_is_the_one_that_is_described(study, patients):
    folder = made(study, patients=patients)
    withheld = {
        sha256(path): path
        for path in (study / "cohort.tsv", *(study / "results").rglob("*"))
        if path.is_file()
    }
    described = set()
    for name, entity in entities(folder).items():
        if "File" not in entity["@type"]:
            continue
        path = folder / name
        if name.startswith("ni:///sha-256;"):
            digest = base64.urlsafe_b64decode(name.partition(";")[2] + "=").hex()
            path = withheld.pop(digest)
            assert not patients
        described.add(path)
        assert entity["sha256"] == sha256(path)
        assert int(entity["contentSize"]) == path.stat().st_size
    there = {path for path in folder.rglob("*") if path.is_file()}
    assert there - described == {folder / "ro-crate-metadata.json"}
    assert len(described - there) == (0 if patients else 4), "table, archive and two pages"


def test_no_word_of_it_is_of_a_patient(study):
    content = everything(made(study, author="Ada"))
    assert [word for word in SENTINELS if word.encode() in content] == []
    assert b"tetrahedra are flat" not in content


def test_patients_are_in_it_where_they_are_asked_for(study):
    folder = made(study, patients=True)
    content = everything(folder)
    assert [word for word in SENTINELS if word.encode() not in content] == []
    with open_archive(folder / "cohort.h5") as archive:
        assert archive.names == sorted(PATIENTS)
        assert archive.hearts[ANNA].solved
    assert (folder / "hearts" / f"{ANNA}.vtkhdf").samefile(
        study / "results" / "hearts" / f"{ANNA}.vtkhdf"
    )
    table = folder / "cohort.tsv"
    assert table.read_bytes() == (study / "cohort.tsv").read_bytes()
    assert not table.samefile(study / "cohort.tsv"), "people edit the table"
    assert ids(entities(folder)["hearts/"]["hasPart"]) == [
        f"hearts/{name}.vtkhdf" for name in sorted(PATIENTS)
    ]


@pytest.mark.parametrize("patients", [False, True])
def test_it_is_private(study, patients):
    folder = made(study, patients=patients)
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    assert [path for path, mode in modes.items() if mode & 0o007] == []
    assert stat.S_IMODE(modes[folder / "hearts.csv"]) == 0o640


@pytest.mark.parametrize("patients", [False, True])
def test_what_made_each_heart_is_found_by_its_digest(study, patients):
    folder = made(study, patients=patients)
    with (folder / "hearts.csv").open(newline="") as lines:
        rows = {row["heart_sha256"]: row for row in csv.DictReader(lines)}
    columns = json.loads((folder / "hearts.json").read_text())
    assert list(columns) == list(next(iter(rows.values())))
    assert columns["energy"]["Units"] == "J"
    for name in PATIENTS:
        path = study / "results" / "hearts" / f"{name}.vtkhdf"
        row = rows.pop(sha256(path))
        with h5py.File(path) as heart:
            said = heart["provenance"].attrs
            assert row["status"] == heart["outcome"].attrs["status"]
            for column in ("mesh_sha256", "git_revision", "host", "version", "petsc_version"):
                assert row[column] == said[column]
            assert float(row["seconds"]) == said["seconds"]
            kernels = json.loads(said.get("kernels", "{}"))
        assert row["kernel_midwall"] == kernels.get("midwall", "")
        assert row["energy"] == {ANNA: "500.0"}.get(name, "")
        assert row.get("patient") == (name if patients else None)
    assert rows == {}


def test_the_order_of_the_hearts_is_not_that_of_the_patients(study, tmp_path):
    archive = study / "results" / "cohort.h5"
    with open_archive(archive) as opened:
        runs = heart_runs(opened, archive.stat().st_mtime_ns)
    digests = "c" * 64, "b" * 64, "a" * 64
    runs = [replace(run, sha256=digest) for run, digest in zip(runs, digests, strict=True)]
    write_runs(tmp_path / "runs.csv", runs, patients=False)
    with (tmp_path / "runs.csv").open(newline="") as lines:
        assert [row["heart_sha256"] for row in csv.DictReader(lines)] == sorted(digests)


def test_one_heart_is_no_list(study):
    """RO-Crate asks for a value where there is only one."""
    (study / "cohort.tsv").write_text("\n".join([TABLE[0], TABLE[2]]) + "\n")
    gather(study / "results")
    hearts = entities(made(study, patients=True))["hearts/"]
    assert hearts["hasPart"] == {"@id": f"hearts/{ANNA}.vtkhdf"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", "#no-licence"),
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0"),
        ("https://hospital.org/terms", "https://hospital.org/terms"),
    ],
)
def test_the_licence_is_the_datas_own(study, typed, meant):
    found = entities(made(study, licence=typed))
    assert found["./"]["license"] == {"@id": meant}
    assert found[meant]["@type"] == "CreativeWork"
    assert found["workflow/Snakefile"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}


def test_the_run_is_described(study):
    folder = made(study, author="Ada Lovelace")
    run, found = action(folder), entities(folder)
    assert found["./"]["mentions"] == {"@id": run["@id"]}
    assert run["instrument"] == found["./"]["mainEntity"] == {"@id": "workflow/Snakefile"}
    assert ids(run["object"]) == ["config.yaml", named(folder, "cohort.tsv")["@id"], "#meshes"]
    results = ["cohort.h5", "report/index.html", "report/run.html"]
    assert {*ids(run["result"])} == {"#hearts", *(named(folder, name)["@id"] for name in results)}
    assert found[run["agent"]["@id"]]["name"] == "Ada Lovelace"
    assert run["startTime"] == "2026-01-02T03:03:05+00:00", "a minute of preparation before it"
    ended = datetime.fromisoformat(run["endTime"]).timestamp()
    assert ended == pytest.approx((study / "results" / "cohort.h5").stat().st_mtime, abs=1.0)
    assert "3 hearts: 1 bad_mesh, 2 solved" in run["description"]
    usage = {found[own]["name"]: found[own]["value"] for own in ids(run["resourceUsage"])}
    core_seconds = (60 + 4 * 1800) + (60 + 2 * 900) + (60 + 1)
    assert usage.pop("core hours") == pytest.approx(core_seconds / 3600, abs=1e-6)
    assert usage == {
        "hosts": "node7, node8",
        "fewest ranks of a heart": 1,
        "most ranks of a heart": 4,
        "most memory of a heart": 20_000,
        "energy": 500.0,
        "hearts whose energy is known": 1,
    }


def test_the_software_is_named_with_its_versions(study):
    found = entities(made(study))
    parts = [found[own] for own in ids(found["workflow/Snakefile"]["hasPart"])]
    (program,) = [part for part in parts if part["@type"] == "SoftwareApplication"]
    assert (program["name"], program["softwareVersion"]) == ("polycardia", "9.8.7+abc123.changed")
    libraries = {
        found[own]["name"]: found[own]["softwareVersion"]
        for own in ids(program["softwareRequirements"])
    }
    assert libraries["petsc"] == "3.18.5"
    assert libraries["numpy"] == np.__version__


def test_parameters_and_what_stood_for_them_point_to_each_other(study):
    found = entities(made(study))
    main = found["workflow/Snakefile"]
    parameters = [*ids(main["input"]), *ids(main["output"])]
    assert [found[own]["name"] for own in parameters] == [
        "cohort", "meshes", "archive", "hearts", "report",
    ]  # fmt: skip
    for own in parameters:
        (example,) = ids(found[own]["workExample"])
        assert found[example]["exampleOfWork"] == {"@id": own}
        assert found[own]["additionalType"] in found[example]["@type"]


def test_its_settings_are_the_studys(study):
    ours, theirs = (read_study(f / "config.yaml") for f in (study, made(study)))
    assert theirs.preparation() == ours.preparation()
    assert theirs.simulation() == ours.simulation()
    assert theirs.report.title == ours.report.title
    assert theirs.report.patients == ()


def test_cell_models_of_the_studys_own_are_in_it(study):
    shipped = Path(__file__).parents[2] / "src" / "polycardia" / "ionic" / "models"
    own = study / "own" / "mine.mmt"
    own.parent.mkdir()
    shutil.copy(shipped / "mitchell_schaeffer.mmt", own)
    cell = {"name": "own/mine.mmt"}
    settings = {"cells": {"endocardial": cell, "midwall": cell, "epicardial": cell}}
    (study / "config.yaml").write_text(yaml.safe_dump(settings))
    for name, record in records(read_study(study / "config.yaml")).items():
        write_heart(study / f"results/hearts/{name}.vtkhdf", result(1), Outcome(SOLVED), record)
    gather(study / "results")
    folder = made(study)
    model = entities(folder)["cells/mine.mmt"]
    assert model["sha256"] == sha256(own)
    assert model["alternateName"] == "own/mine.mmt"
    assert "cells/mine.mmt" in ids(action(folder)["object"])
    shutil.rmtree(folder)
    own.unlink()
    with pytest.raises(BadStudy, match=r"own/mine\.mmt: missing, expected the cell model"):
        made(study)


def test_voltages_go_with_their_hearts(study):
    voltage = study / "results" / "hearts" / f"{ANNA}.voltage.vtkhdf"
    with sealed_file(voltage) as part:
        part.write_bytes(b"voltage")
    folder = made(study, patients=True)
    assert entities(folder)[f"hearts/{voltage.name}"]["sha256"] == sha256(voltage)
    assert (folder / "hearts" / voltage.name).samefile(voltage)


def test_a_page_that_is_older_than_the_archive_is_none_of_its_results(study):
    page = study / "results" / "report" / "index.html"
    before = (study / "results" / "cohort.h5").stat().st_mtime_ns - 1
    os.utime(page, ns=(before, before))
    names = {entity.get("name") for entity in entities(made(study)).values()}
    assert "report/index.html" not in names
    assert "report/run.html" in names


def test_where_files_cannot_have_two_names_they_are_copied(study, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    folder = made(study, patients=True)
    heart, kept = (f / "hearts" / f"{ANNA}.vtkhdf" for f in (study / "results", folder))
    assert not kept.samefile(heart)
    assert kept.read_bytes() == heart.read_bytes()
    assert kept.stat().st_mtime_ns == heart.stat().st_mtime_ns, "its seal tells this time"


def test_a_full_disk_leaves_nothing(study, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(MachineTrouble, match="crate cannot be written: No space left"):
        made(study, patients=True)
    assert [path.name for path in study.parent.iterdir()] == ["study"]


def change_a_setting(study):
    (study / "config.yaml").write_text("numerics: {dt: 0.01}\n")


def add_a_patient(study):
    with (study / "cohort.tsv").open("a") as table:
        table.write("p4\tm.vtu\t\t\t\t\t\t\t\n")


def change_an_age(study):
    table = study / "cohort.tsv"
    table.write_text(table.read_text().replace("47.38291", "50"))


def change_a_sex(study):
    table = study / "cohort.tsv"
    table.write_text(table.read_text().replace(f"{ANNA}\tm.vtu\tF", f"{ANNA}\tm.vtu\tM"))


def damage_the_archive(study):
    archive = study / "results" / "cohort.h5"
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)


def solve_a_heart_again(study):
    heart = study / "results" / "hearts" / f"{ANNA}.vtkhdf"
    record = records(read_study(study / "config.yaml"))[ANNA]
    write_heart(heart, result(9), Outcome(SOLVED), record)


def lose_a_heart(study):
    (study / "results" / "hearts" / f"{ANNA}.vtkhdf").unlink()


def lose_the_archive(study):
    (study / "results" / "cohort.h5").unlink()


def pack_the_archive(study):
    archive = study / "results" / "cohort.h5"
    pack(archive, study / "packed.h5")
    os.replace(study / "packed.h5", archive)


def damage_a_page(study):
    page = study / "results" / "report" / "index.html"
    page.write_text(page.read_text().replace(ANNA, BORIS))


REFUSED = [
    (change_a_setting, BadStudy, r"config\.yaml: 3 of 3 hearts in .* with other settings"),
    (add_a_patient, BadStudy, r"cohort\.tsv: 1 patients are only in it or only in"),
    (change_an_age, BadStudy, r"cohort\.tsv: column age is another than in"),
    (change_a_sex, BadStudy, r"cohort\.tsv: column sex is another than in"),
    (damage_the_archive, BadArchive, r"cohort\.h5: its bytes are others"),
    (solve_a_heart_again, BadArchive, r"is not the file that the archive was made from"),
    (lose_a_heart, BadArchive, r"xANNAx\.vtkhdf: No such file"),
    (lose_the_archive, BadArchive, r"cohort\.h5: No such file"),
    (pack_the_archive, BadStudy, r"cohort\.h5: is packed, expected the cohort\.h5"),
    (damage_a_page, BadArchive, r"index\.html: its bytes are others"),
]


@pytest.mark.parametrize(("trouble", "error", "sentence"), REFUSED)
def test_what_does_not_belong_together_makes_no_crate(study, trouble, error, sentence):
    trouble(study)
    with pytest.raises(error, match=sentence):
        made(study)
    assert [path.name for path in study.parent.iterdir()] == ["study"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"licence": "do what you want"}, "found the licence 'do what you want', expected an SPDX"),
        ({"workflow": Path("results")}, "results: found no Snakefile"),
    ],
)
def test_options_that_make_no_sense_are_told(study, options, sentence):
    with pytest.raises(BadStudy, match=sentence):
        made(study, **options)


def test_the_command_writes_one_and_leaves_what_is_there(study, capsys):
    typed = ["crate", "--archive", "results/cohort.h5", "--output", "../crate"]
    assert main(typed) == 0
    said = "../crate: 3 hearts and their archive, named by their digests\n"
    assert capsys.readouterr().out == said
    assert main(typed) == 1
    assert "something is there, expected a new folder" in capsys.readouterr().err


@pytest.mark.timeout(300)
@pytest.mark.parametrize("patients", [False, True])
def test_the_public_validator_has_nothing_against_it(study, tmp_path, patients):
    cache = filled_cache(tmp_path)
    folder = made(study, patients=patients)
    assert complaints(folder, cache, "required") == set()
    recommended = complaints(folder, cache, "recommended")
    assert [said for said in recommended if not said.startswith(UNKNOWN + UNSAID)] == []


@pytest.mark.timeout(300)
def test_the_public_validator_recommends_an_author_no_more(study, tmp_path):
    cache = filled_cache(tmp_path)
    recommended = complaints(made(study, author="Ada"), cache, "recommended")
    assert [said for said in recommended if not said.startswith(UNKNOWN)] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("own", "lost", "sentence"),
    [
        ("./", "license", "The Crate (Root Data Entity) must specify a license"),
        ("workflow/Snakefile", "programmingLanguage", "must refer to its language"),
        ("#archive", "additionalType", "FormalParameter MUST have an additionalType"),
        (None, "instrument", "The Action MUST have an instrument"),
    ],
)
def test_the_public_validator_would_have_told(study, tmp_path, own, lost, sentence):
    cache = filled_cache(tmp_path)
    folder = made(study)
    path = folder / "ro-crate-metadata.json"
    content = json.loads(path.read_text())
    wanted = own or action(folder)["@id"]
    (entity,) = [entity for entity in content["@graph"] if entity["@id"] == wanted]
    del entity[lost]
    path.write_text(json.dumps(content))
    assert any(sentence in said for said in complaints(folder, cache, "required"))
