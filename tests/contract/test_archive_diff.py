"""`polycardia diff`: what was changed is named with its size, and nothing else is."""

import json
import math
import os
import re
import shutil
import tracemalloc

import h5py
import numpy as np
import pytest
from damage import add, attribute, drop, put, swap
from solved_hearts import RECORD, gather, result

from polycardia.cli import main
from polycardia.errors import BadArchive, BadStudy
from polycardia.io import content
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.packing import pack
from polycardia.study.diff import as_json, diff, sentences

ACTIVATION = "VTKHDF/PointData/activation_time"


@pytest.fixture
def pair(results, tmp_path):
    """Two archives of the same hearts."""
    gather(results)
    shutil.copytree(results, tmp_path / "other")
    return results / "cohort.h5", tmp_path / "other" / "cohort.h5"


def change(path, *damages):
    with h5py.File(path, "r+") as file:
        for damage in damages:
            damage(file)


def test_equal_archives_are_equal_packed_or_not(pair, tmp_path, capsys):
    pack(pair[0], tmp_path / "packed.h5")
    for other in (pair[0], pair[1], tmp_path / "packed.h5"):
        found = diff(pair[0], other)
        assert found.equal
        assert list(sentences(found)) == ["3 patients, no difference"]
    assert main(["diff", *map(str, pair)]) == 0
    assert capsys.readouterr().out == "3 patients, no difference\n"


def test_who_computed_it_is_no_difference(pair):
    """Seconds and host change the file, and so its digest in the table, and no number of it."""
    other = {**RECORD, "seconds": 99.0, "host": "elsewhere"}
    write_heart(pair[1].parent / "hearts" / "a.vtkhdf", result(1), Outcome(SOLVED), other)
    gather(pair[1].parent)
    assert diff(*pair).equal


def test_a_field_differs_by_the_largest_and_the_relative_amount(pair):
    times = result(1).point_fields["activation_time"].astype(np.float32)
    changed = times.copy()
    changed[3] += 2.0
    changed[7] -= 0.5
    apart = changed.astype(float) - times.astype(float)
    change(pair[1].parent / "hearts" / "a.vtkhdf", put(ACTIVATION, slice(None), changed))
    found = diff(*pair)
    assert list(found.hearts) == ["a"]
    (one,) = found.hearts["a"]
    assert one.where == ACTIVATION
    assert one.amount.largest == np.abs(apart).max()
    expected = np.linalg.norm(apart) / np.linalg.norm(times.astype(float))
    assert one.amount.relative == pytest.approx(expected, rel=1e-12)
    (line,) = sentences(found)
    assert line.startswith(f"a: {ACTIVATION}: largest difference 2, relative 0.00")
    assert not diff(*pair, tolerance=0.9 * expected).equal
    assert diff(*pair, tolerance=1.1 * expected).equal


def test_arrays_are_compared_in_parts_as_in_whole(pair, monkeypatch):
    change(pair[1].parent / "hearts" / "a.vtkhdf", put(ACTIVATION, 11, 1000.0))
    whole = diff(*pair).hearts["a"]
    monkeypatch.setattr(content, "BYTES_AT_ONCE", 64)
    (parts,) = diff(*pair).hearts["a"]
    assert (parts.where, parts.amount.largest) == (whole[0].where, whole[0].amount.largest)
    assert parts.amount.relative == pytest.approx(whole[0].amount.relative, rel=1e-12)


def test_no_tolerance_is_for_whole_numbers_and_text(pair):
    heart = pair[1].parent / "hearts" / "a.vtkhdf"
    change(heart, put("VTKHDF/Connectivity", 0, 5), attribute("outcome", "detail", "x"))
    where = {one.where for one in diff(*pair, tolerance=1e6).hearts["a"]}
    assert where == {"VTKHDF/Connectivity", "outcome@detail"}


def test_nan_equals_nan_and_no_number(pair):
    for archive in pair:
        change(archive.parent / "hearts" / "a.vtkhdf", put(ACTIVATION, slice(2, 5), np.nan))
    assert diff(*pair).equal
    change(pair[1].parent / "hearts" / "a.vtkhdf", put(ACTIVATION, slice(8, 10), np.nan))
    (one,) = diff(*pair, tolerance=1e6).hearts["a"]
    assert (one.amount.unknown, one.amount.largest) == (2, 0.0)


def test_infinite_numbers_are_told_and_are_valid_json(pair):
    change(pair[1].parent / "hearts" / "a.vtkhdf", put(ACTIVATION, 2, np.inf))
    found = diff(*pair)
    assert math.isinf(found.hearts["a"][0].amount.largest)
    assert json.loads(as_json(found))["hearts"]["a"][0]["largest"] is None


DIFFERENT_HEARTS = [
    (drop("VTKHDF/CellData/sheet"), "VTKHDF/CellData/sheet: only in the first"),
    (lambda file: file.create_group("extra/one"), "extra: only in the second"),
    (swap("VTKHDF/CellData/sheet", data=np.ones((2, 3), "f4")), "shapes"),
    (swap("VTKHDF/CellData/region", dtype="i8"), "types int32 and int64"),
    (put("VTKHDF/Connectivity", 0, 5), "VTKHDF/Connectivity: largest difference"),
    (put("measures/qt_interval", (), 401.0), "measures/qt_interval: largest difference 1, "),
    (attribute("ecg/leads", "unit", "V"), "ecg/leads@unit: 'mV' and 'V'"),
    (attribute("ecg/leads", "unit"), "ecg/leads@unit: only in the first"),
    (add("ecg", "colour", "red"), "ecg@colour: only in the second"),
    (attribute("outcome", "detail", "x" * 500), "outcome@detail: '' and 'xxx"),
    (put("ecg/leads", (3, 4), 9.0), "ecg/leads: largest difference"),
    (put("ecg/electrodes", (3, 1), np.nan), "ecg/electrodes: largest difference 0, .* 1 NaN in"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "sentence"), DIFFERENT_HEARTS)
def test_everything_of_a_heart_is_compared(pair, damage, sentence):
    change(pair[1].parent / "hearts" / "b.vtkhdf", damage)
    found = list(sentences(diff(*pair)))
    assert any(line.startswith("b: ") for line in found)
    assert len([line for line in found if re.search(sentence, line)]) == 1
    assert max(map(len, found)) < 250


DIFFERENT_TABLES = [
    (put("patients/age", 1, 63.0), "column age: largest difference 2, .*1 patients: b"),
    (put("patients/age", 0, 1.0), "column age: largest difference 0, .*1 NaN in one of the two"),
    (put("patients/sex", slice(0, 2), ["M", "M"]), "column sex: text .2 patients: a, b"),
    (attribute("patients/age", "unit", "months"), "column age: units y and months"),
    (drop("patients/weight"), "columns only in the first: weight"),
    (put("ecg/leads", (1, 3, 4), 9.0), "b: archived ecg/leads: largest difference"),
    (attribute("ecg", "sampling_interval", 2.0), "a: archived ecg/leads@sampling_interval: 1.0"),
]


@pytest.mark.parametrize(("damage", "sentence"), DIFFERENT_TABLES)
def test_everything_of_the_table_is_compared(pair, damage, sentence):
    change(pair[1], damage)
    found = list(sentences(diff(*pair)))
    assert len([line for line in found if re.search(sentence, line)]) == 1


def test_patients_of_one_archive_only_are_named(pair):
    folder = pair[1].parent
    (folder / "hearts" / "c.vtkhdf").unlink()
    write_heart(folder / "hearts" / "d.vtkhdf", result(2, 60), Outcome(SOLVED), RECORD)
    table = (pair[0].parent.parent / "cohort.tsv").read_text().replace("c\tm.vtu", "d\tm.vtu")
    (folder.parent / "moved").mkdir()
    (folder.parent / "moved" / "cohort.tsv").write_text(table)
    (folder.parent / "moved" / "m.vtu").write_text("x")
    folder.rename(folder.parent / "moved" / "results")
    moved = folder.parent / "moved" / "results"
    shutil.rmtree(moved / "shards")
    gather(moved)
    found = diff(pair[0], moved / "cohort.h5")
    assert found.only == (["c"], ["d"])
    assert (found.n_common, found.hearts, found.columns) == (2, {}, []), "longer rows are no change"
    assert list(sentences(found)) == [
        "patients only in the first: c", "patients only in the second: d",
    ]  # fmt: skip


def test_status_and_json_of_the_command(pair, capsys):
    change(pair[1], put("patients/age", 1, 63.0))
    with pytest.raises(SystemExit) as ended:
        main(["diff", "--json", *map(str, pair)])
    assert ended.value.code == 1
    said = json.loads(capsys.readouterr().out)
    assert said["equal"] is False
    assert said["patients_in_both"] == 3
    (column,) = said["columns"]
    assert (column["name"], column["patients"], column["largest"]) == ("age", ["b"], 2.0)


@pytest.mark.parametrize("typed", [("none.h5",), ("--tolerance", "-1"), ("--tolerance", "nan")])
def test_what_cannot_be_compared_ends_with_two(pair, capsys, typed):
    archives = [str(pair[0]), str(pair[1])][: 2 if len(typed) == 2 else 1]
    with pytest.raises(SystemExit) as ended:
        main(["diff", *archives, *typed])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("polycardia: ")


def test_a_damaged_heart_is_an_error_and_no_difference(pair):
    heart = pair[1].parent / "hearts" / "a.vtkhdf"
    with h5py.File(heart, "r") as file:
        chunk = file[ACTIVATION].id.get_chunk_info(0)
    with heart.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    with pytest.raises(BadArchive, match=r"activation_time of .* is damaged"):
        diff(*pair)
    os.truncate(heart, 100)
    with pytest.raises(BadArchive, match=r"a\.vtkhdf: not a whole HDF5 file"):
        diff(*pair)


def test_a_negative_tolerance_is_refused(pair):
    with pytest.raises(BadStudy, match="found -1 as the tolerance, expected a number from 0 on"):
        diff(*pair, tolerance=-1.0)


def test_a_group_without_end_is_refused(pair):
    change(pair[1].parent / "hearts" / "a.vtkhdf", lambda file: file.__setitem__("ecg/up", file))
    with pytest.raises(BadArchive, match="groups are more than 16 deep"):
        diff(*pair)


def test_memory_does_not_grow_with_the_array(pair):
    """An array of 80 MB in each of two files, compared with less than it."""
    for archive in pair:
        change(
            archive.parent / "hearts" / "a.vtkhdf",
            swap(ACTIVATION, data=None, shape=(20_000_000,), dtype="f4", chunks=(1 << 20,)),
        )
    tracemalloc.start()
    try:
        assert diff(*pair).equal
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
