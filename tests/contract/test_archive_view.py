"""`polycardia view`: a small file through which VTK's own reader opens chosen hearts."""

import os
import shutil

import h5py
import numpy as np
import pytest
import pyvista
from solved_hearts import gather, result

from polycardia.cli import main
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.packing import pack
from polycardia.study.view import listed_patients, view

SMALL = 4096  # [bytes], whatever the hearts' size


@pytest.fixture(params=["linked", "packed"])
def archive(request, results, tmp_path):
    gather(results)
    if request.param == "linked":
        return results / "cohort.h5"
    packed = tmp_path / "packed" / "packed.h5"
    pack(results / "cohort.h5", packed)
    shutil.rmtree(results)
    return packed


def activation(patient):
    own = {"a": result(1), "b": result(2, 40)}[patient]
    return own.point_fields["activation_time"].astype(np.float32)


def test_one_heart_opens_as_itself(archive, tmp_path, monkeypatch):
    output = tmp_path / "far" / "away" / "b.vtkhdf"
    assert view(archive, ["b"], output) == 1
    assert output.stat().st_size < SMALL
    monkeypatch.chdir("/")
    grid = pyvista.read(output)
    assert isinstance(grid, pyvista.UnstructuredGrid)
    np.testing.assert_array_equal(grid["activation_time"], activation("b"))


def test_several_hearts_are_blocks_in_the_order_given(archive, tmp_path, monkeypatch):
    output = tmp_path / "far" / "chosen.vtkhdf"
    assert view(archive, ["b", "a", "b"], output) == 2
    assert output.stat().st_size < SMALL
    monkeypatch.chdir("/")
    blocks = pyvista.read(output)
    assert blocks.keys() == ["b", "a"]
    np.testing.assert_array_equal(blocks["a"]["activation_time"], activation("a"))
    np.testing.assert_array_equal(blocks["b"]["activation_time"], activation("b"))
    with h5py.File(output) as file:
        assert file["hearts/a/measures/qrs_duration"][()] == 91.0


def test_the_archive_itself_opens_with_the_fields_of_every_solved_heart(archive, monkeypatch):
    monkeypatch.chdir("/")
    blocks = pyvista.read(archive, force_ext=".vtkhdf")
    assert blocks.keys() == ["a", "b"]
    for patient in blocks.keys():  # noqa: SIM118, iterating gives the blocks
        block = blocks[patient]
        np.testing.assert_array_equal(block["activation_time"], activation(patient))
        assert {"repolarisation_time", "fibre", "region"} <= set(block.array_names)


def test_a_patient_may_be_called_as_vtk_calls_its_own(results, tmp_path):
    names = ["Assembly", "CellData", "PointData", "Steps"]
    for name in names:
        shutil.copy(results / "hearts" / "a.vtkhdf", results / "hearts" / f"{name}.vtkhdf")
    table = "patient\tmesh\n" + "".join(f"{name}\tm.vtu\n" for name in names)
    (tmp_path / "cohort.tsv").write_text(table)
    gather(results)
    view(results / "cohort.h5", names, tmp_path / "x.vtkhdf")
    for blocks in (
        pyvista.read(tmp_path / "x.vtkhdf"),
        pyvista.read(results / "cohort.h5", force_ext=".vtkhdf"),
    ):
        assert blocks.keys() == names
        np.testing.assert_array_equal(blocks["Steps"]["activation_time"], activation("a"))


def test_a_view_moves_with_its_archive(results, tmp_path):
    gather(results)
    view(results / "cohort.h5", ["a"], results / "views" / "a.vtkhdf")
    results.rename(tmp_path / "moved")
    assert pyvista.read(tmp_path / "moved" / "views" / "a.vtkhdf").n_points > 0


def test_links_on_the_way_are_followed_as_the_system_does(results, tmp_path):
    gather(results)
    deep = tmp_path / "deep" / "down"
    deep.mkdir(parents=True)
    (tmp_path / "short").symlink_to(deep)
    (tmp_path / "alias.h5").symlink_to(results / "cohort.h5")
    view(tmp_path / "alias.h5", ["a"], tmp_path / "short" / "a.vtkhdf")
    assert pyvista.read(deep / "a.vtkhdf").n_points > 0


def test_the_command_takes_a_list_or_a_file(results, tmp_path, capsys):
    gather(results)
    listed = tmp_path / "ids.txt"
    listed.write_text("\ufeff# chosen\n b \n\na\n", encoding="utf-8")
    output = tmp_path / "chosen.vtkhdf"
    archive = ("view", "--archive", str(results / "cohort.h5"), "--output", str(output))
    for chosen in (("--patients", "b, a"), ("--patients-file", str(listed))):
        assert main([*archive, *chosen]) == 0
        assert capsys.readouterr().out == f"{output}: 2 hearts\n"
        assert pyvista.read(output).keys() == ["b", "a"]
    assert output.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("patients", "output", "sentence"),
    [
        ([], "x.vtkhdf", "found no patient, expected one at least"),
        (["d"], "x.vtkhdf", "found no patient 'd'"),
        (["../a"], "x.vtkhdf", r"found no patient '\.\./a'"),
        (["a", "c"], "x.vtkhdf", "1 of 2 hearts were not solved and have nothing to show: c"),
        (["a"], "x.h5", r"x\.h5: expected a name that ends with \.vtkhdf"),
        (["a"], "results/hearts/a.vtkhdf", "found a file of the archive's own"),
        (["a"], "results/hearts/new.vtkhdf", "found a file of the archive's own"),
    ],
)
def test_a_view_of_nothing_or_in_the_wrong_place_is_refused(
    results, tmp_path, patients, output, sentence
):
    gather(results)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(BadStudy, match=sentence):
        view(results / "cohort.h5", patients, tmp_path / output)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_view_of_a_packed_archive_does_not_replace_it(results, tmp_path):
    gather(results)
    packed = tmp_path / "packed.vtkhdf"
    pack(results / "cohort.h5", packed)
    with pytest.raises(BadStudy, match="found a file of the archive's own"):
        view(packed, ["a"], packed)


def test_a_heart_that_is_gone_or_cut_is_told(results, tmp_path):
    gather(results)
    heart = results / "hearts" / "a.vtkhdf"
    os.truncate(heart, heart.stat().st_size // 2)
    with pytest.raises(BadArchive, match=r"a\.vtkhdf: not a whole HDF5 file"):
        view(results / "cohort.h5", ["a", "b"], tmp_path / "x.vtkhdf")
    heart.unlink()
    with pytest.raises(BadArchive, match=r"a\.vtkhdf: No such file"):
        view(results / "cohort.h5", ["a", "b"], tmp_path / "x.vtkhdf")
    assert not (tmp_path / "x.vtkhdf").exists()


def test_a_list_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, sentence in (("none", "No such file"), ("binary", "byte 0 is not UTF-8 text")):
        with pytest.raises(BadStudy, match=f"{name}: {sentence}"):
            listed_patients(tmp_path / name)
