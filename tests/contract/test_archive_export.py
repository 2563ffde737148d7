"""`polycardia export`: the same numbers, private, clinical ones where they are asked for."""

import csv
import json
import os
import stat

import h5py
import numpy as np
import pytest
from damage import add, put
from solved_hearts import gather, result

from polycardia.cli import main
from polycardia.errors import BadArchive, BadStudy, MachineTrouble
from polycardia.io import optional
from polycardia.study.export import FORMATS, export

CLINICAL = {"sex", "age", "height", "weight", "qrs_duration", "qt_interval", "heart_rate"}
AGE, ALL = "47.38291", 7


@pytest.fixture
def archive(results):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        file["patients/age"][1] = float(AGE)
    return results / "cohort.h5"


def rows(path, delimiter=","):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def test_csv_holds_the_table_and_long_ecgs(archive, tmp_path):
    output = tmp_path / "deep" / "csv"
    said = export(archive, "csv", output, clinical=False)
    assert said == f"{output}: 3 patients, 2 ECGs; {ALL} clinical columns left out"
    table = rows(output / "patients.csv")
    assert [row["patient"] for row in table] == ["a", "b", "c"]
    assert table[2]["detail"] == "3 tetrahedra are flat, need 0"
    assert [row["simulated_qrs_duration"] for row in table] == ["91.0", "92.0", ""]
    described = json.loads((output / "patients.json").read_text())
    assert list(described) == list(table[0])
    assert described["simulated_qrs_duration"]["Units"] == "ms"
    assert sorted(os.listdir(output / "ecg")) == ["a.csv", "b.csv"]
    ecg = rows(output / "ecg" / "b.csv")
    assert len(ecg) == 12 * 40, "as long as the heart's own"
    v2 = np.array([row["potential"] for row in ecg if row["lead"] == "V2"], np.float32)
    np.testing.assert_array_equal(v2, result(2, 40).leads[7])
    assert [float(row["time"]) for row in ecg][:41] == [*range(40), 0.0]
    assert json.loads((output / "ecg.json").read_text())["potential"]["Units"] == "mV"


@pytest.mark.parametrize("sign", "=+-@")
def test_a_sentence_is_no_formula_to_a_spreadsheet(archive, tmp_path, sign):
    sentence = f"{sign}HYPERLINK(1).vtu: damaged"
    with h5py.File(archive, "r+") as file:
        file["patients/detail"][2] = sentence
        file["patients/age"][1] = -1.5
    export(archive, "csv", tmp_path / "out", clinical=True)
    table = rows(tmp_path / "out" / "patients.csv")
    assert table[2]["detail"] == f"'{sentence}"
    assert table[1]["age"] == "-1.5"


def test_bids_lies_and_is_described_as_bids_says(archive, tmp_path):
    output = tmp_path / "bids"
    export(archive, "bids", output, clinical=True)
    description = json.loads((output / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "DatasetType", "GeneratedBy"} == set(description)
    people = rows(output / "participants.tsv", "\t")
    assert [row["participant_id"] for row in people] == ["sub-a", "sub-b", "sub-c"]
    assert [row["age"] for row in people] == ["n/a", AGE, "50.0"]
    assert people[0]["detail"] == "n/a"
    assert list(json.loads((output / "participants.json").read_text())) == list(people[0])
    place = output / "sub-a" / "ecg"
    assert sorted(os.listdir(place)) == ["sub-a_ecg.csv", "sub-a_ecg.json"]
    assert not (output / "sub-c").exists()
    sidecar = json.loads((place / "sub-a_ecg.json").read_text())
    assert (sidecar["SamplingFrequency"], sidecar["V6"]) == (1000.0, {"Units": "mV"})
    samples = rows(place / "sub-a_ecg.csv")
    assert list(samples[0]) == sidecar["Columns"]
    aVF = np.array([row["aVF"] for row in samples], np.float32)
    np.testing.assert_array_equal(aVF, result(1).leads[5])


def test_parquet_holds_the_same(archive, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed, which polycardia does without")
    import pandas

    output = tmp_path / "parquet"
    export(archive, "parquet", output, clinical=False)
    table = pandas.read_parquet(output / "patients.parquet")
    assert list(table["patient"]) == ["a", "b", "c"]
    assert not CLINICAL & set(table)
    ecg = pandas.read_parquet(output / "ecg")
    assert len(ecg) == 12 * (50 + 40)
    v1 = ecg.query("patient == 'b' and lead == 'V1'")
    np.testing.assert_array_equal(v1["potential"], result(2, 40).leads[6])
    assert v1["potential"].dtype == np.float32


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_clinical_values_leave_only_when_asked(archive, tmp_path, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    for clinical in (False, True):
        output = tmp_path / f"{kind}{clinical}"
        said = export(archive, kind, output, clinical=clinical)
        assert ("clinical columns left out" in said) != clinical
        text = b"".join(path.read_bytes() for path in output.rglob("*") if path.is_file())
        value = np.float64(AGE).tobytes() if kind == "parquet" else AGE.encode()
        assert (value in text) == clinical
        for name in ("weight", "heart_rate"):
            assert (name.encode() in text) == clinical


def test_columns_that_nobody_knows_count_as_clinical(archive, tmp_path):
    with h5py.File(archive, "r+") as file:
        file["patients/diagnosis"] = ["i42", "i42", "i42"]
    export(archive, "csv", tmp_path / "out", clinical=False)
    assert "i42" not in (tmp_path / "out" / "patients.csv").read_text()


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_everything_is_private(archive, tmp_path, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    old = os.umask(0)
    try:
        export(archive, kind, tmp_path / "out", clinical=True)
    finally:
        os.umask(old)
    found = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(found) > 6
    assert [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o007] == []


def test_hostile_text_stays_in_its_cell(archive, tmp_path):
    hostile = 'x\t"y",\r\nz\x1b[2J'
    with h5py.File(archive, "r+") as file:
        put("patients/detail", 0, hostile)(file)
        add("patients/simulated_qrs_duration", "unit", 'm"s\n')(file)
    for kind, name, delimiter in (("csv", "patients.csv", ","), ("bids", "participants.tsv", "\t")):
        export(archive, kind, tmp_path / kind, clinical=False)
        table = rows(tmp_path / kind / name, delimiter)
        assert [row["patient"] for row in table] == ["a", "b", "c"]
        assert table[0]["status"] == "solved"
        text = (tmp_path / kind / name).read_text()
        assert "\x1b" not in text
        assert len(text.splitlines()) == 4


@pytest.mark.parametrize("name", ["../a", "a/b", "..", "a\x00", "", "a.b", "-" * 65])
def test_identifiers_cannot_leave_the_folder(archive, tmp_path, name):
    with h5py.File(archive, "r+") as file:
        names = [*file["patients/patient"].asstr()[:2], "c"]
        names[0] = name.replace("\x00", "\x01")
        file["patients/patient"][:] = names
    with pytest.raises(BadArchive, match="found the patient"):
        export(archive, "csv", tmp_path / "out", clinical=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("names", "sentence"), [
    (["a-b", "a_b", "c"], "patients a-b and a_b would both be sub-ab"),
    (["--", "a", "b"], "patient -- has no letter and no digit"),
])  # fmt: skip
def test_labels_that_would_be_the_same_are_refused(archive, tmp_path, names, sentence):
    with h5py.File(archive, "r+") as file:
        file["patients/patient"][:] = names
    with pytest.raises(BadStudy, match=sentence):
        export(archive, "bids", tmp_path / "out", clinical=False)
    assert list(tmp_path.glob("*out*")) == []


def test_a_folder_with_something_in_it_is_refused(archive, tmp_path):
    (tmp_path / "empty").mkdir()
    export(archive, "csv", tmp_path / "empty", clinical=False)
    with pytest.raises(BadStudy, match="something is there, expected a new folder or an empty one"):
        export(archive, "csv", tmp_path / "empty", clinical=False)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("link", "cohort.tsv"):
        with pytest.raises(BadStudy, match=f"{name}: something is there"):
            export(archive, "csv", tmp_path / name, clinical=False)
    with pytest.raises(BadStudy, match="cannot be made: File exists"):
        export(archive, "csv", tmp_path / "cohort.tsv" / "x", clinical=False)


def test_an_export_that_fails_leaves_nothing(archive, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("polycardia.io.table_export.write_json", full)
    with pytest.raises(MachineTrouble, match="out cannot be written: No space left on device"):
        export(archive, "csv", tmp_path / "out", clinical=False)
    assert list(tmp_path.glob("*out*")) == []


def test_without_pyarrow_a_sentence_says_so(archive, tmp_path, monkeypatch, capsys):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(optional, "import_module", missing)
    typed = ["export", "--archive", str(archive), "--format", "parquet", "--output"]
    assert main([*typed, str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == (
        "polycardia: Parquet files need pyarrow, which is not installed: pip install pyarrow\n"
    )
    assert list(tmp_path.glob("*out*")) == []


def test_a_pyarrow_that_does_not_load_is_told(archive, tmp_path, monkeypatch):
    def broken(name):
        raise ImportError("pyarrow requires NumPy 2.0 or newer")

    monkeypatch.setattr(optional, "import_module", broken)
    with pytest.raises(BadStudy, match="need pyarrow, which cannot be loaded: pyarrow requires"):
        export(archive, "parquet", tmp_path / "out", clinical=False)


def test_the_command(archive, tmp_path, capsys):
    typed = ["export", "--archive", str(archive), "--format", "csv", "--output"]
    assert main([*typed, str(tmp_path / "out"), "--clinical"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 3 patients, 2 ECGs\n"
    assert set(rows(tmp_path / "out" / "patients.csv")[0]) > CLINICAL
