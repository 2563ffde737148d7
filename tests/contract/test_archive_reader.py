"""`open_archive` gives what the files hold, reads no more than it is asked for, and trusts none."""

import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from damage import attribute, drop, put, swap
from solved_hearts import gather, result

from polycardia.archive import Field, open_archive
from polycardia.errors import BadArchive, BadStudy
from polycardia.io import optional
from polycardia.io.packing import pack


@pytest.fixture(params=["linked", "packed"])
def archive(request, results, tmp_path):
    """The same cohort in its two forms; the packed one far from the hearts it was made of."""
    gather(results)
    if request.param == "linked":
        return results / "cohort.h5"
    packed = tmp_path / "elsewhere" / "packed.h5"
    pack(results / "cohort.h5", packed)
    shutil.rmtree(results)
    return packed


def test_the_table_is_a_data_frame_with_units(archive):
    with open_archive(archive) as cohort:
        table = cohort.patients
        assert (len(cohort), cohort.names, cohort.columns[0]) == (3, ["a", "b", "c"], "patient")
    assert list(table.index) == ["a", "b", "c"]
    assert table.index.name == "patient"
    assert table.loc["b", "age"] == 61.0
    assert np.isnan(table.loc["a", "age"])
    assert list(table["status"]) == ["solved", "solved", "bad_mesh"]
    assert list(table.query("simulated_under_resolved == 1").index) == ["b"]
    units = table.attrs["units"]
    assert (units["age"], units["simulated_qrs_duration"]) == ("y", "ms")
    assert "status" not in units


def test_ecgs_are_read_by_patient_number_slice_and_list(archive):
    with open_archive(archive) as cohort:
        ecg = cohort.ecg
        assert ecg.shape == (3, 12, 50)
        assert (ecg.leads[7], ecg.sampling_interval, ecg.unit) == ("V2", 1.0, "mV")
        np.testing.assert_array_equal(ecg["a"], result(1).leads)
        np.testing.assert_array_equal(ecg[1][:, :40], result(2, 40).leads)
        np.testing.assert_array_equal(ecg[0:2][0], result(1).leads)
        np.testing.assert_array_equal(ecg[["c", "a"]][1], result(1).leads)
        assert ecg[[]].shape == (0, 12, 50)
        np.testing.assert_array_equal(ecg.times, np.arange(50.0))


def test_one_ecg_is_read_without_the_others(results):
    gather(results)
    with h5py.File(results / "cohort.h5", "r") as file:
        chunk = file["ecg/leads"].id.get_chunk_info(1)
    with (results / "cohort.h5").open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    with open_archive(results / "cohort.h5") as cohort:
        np.testing.assert_array_equal(cohort.ecg["a"], result(1).leads)
        for damaged in ("b", slice(None), ["b"]):
            with pytest.raises(BadArchive, match=r"cohort\.h5: ecg/leads is damaged"):
                cohort.ecg[damaged]


def test_ecgs_have_coordinates_in_xarray(archive):
    pytest.importorskip("xarray", reason="xarray is not installed, which polycardia does without")
    with open_archive(archive) as cohort:
        everybody = cohort.ecg.to_xarray()
        two = cohort.ecg.to_xarray(["c", "b"])
    assert everybody.dims == ("patient", "lead", "time")
    assert (everybody.attrs["units"], everybody["time"].attrs["units"]) == ("mV", "ms")
    own = everybody.sel(patient="a", lead="V2", time=slice(10.0, 12.0))
    np.testing.assert_array_equal(own, result(1).leads[7, 10:13])
    assert list(two["patient"]) == ["c", "b"]
    np.testing.assert_array_equal(two.sel(patient="b", time=39.0), result(2, 40).leads[:, 39])


def test_without_xarray_or_pandas_a_sentence_says_so(archive, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(optional, "import_module", missing)
    with open_archive(archive) as cohort:
        with pytest.raises(BadStudy, match=r"need xarray, which is not installed: pip install"):
            cohort.ecg.to_xarray()
        with pytest.raises(BadStudy, match=r"need pandas, which is not installed: pip install"):
            _ = cohort.patients


def test_a_heart_has_its_fields(archive):
    expected = result(2, 40)
    with open_archive(archive) as cohort:
        heart = cohort.hearts["b"]
        assert (heart.patient, heart.solved, heart.outcome.status) == ("b", True, "solved")
        assert heart.points.shape == expected.mesh.points.shape
        assert (heart.points.unit, heart.points.dtype) == ("mm", np.float32)
        np.testing.assert_allclose(heart.points[5:9], expected.mesh.points[5:9], rtol=1e-6)
        times = heart.point_fields["activation_time"]
        assert times.unit == "ms"
        np.testing.assert_allclose(times[:], expected.point_fields["activation_time"], rtol=1e-6)
        np.testing.assert_allclose(np.asarray(times), times[:])
        np.testing.assert_allclose(heart.cell_fields["fibre"][3], expected.mesh.fibre[3])
        assert list(heart.cell_fields) == ["fibre", "region", "sheet"]
        np.testing.assert_array_equal(heart.ecg[:], expected.leads)
        np.testing.assert_array_equal(heart.axes, np.eye(3))
        assert heart.electrodes.shape == (10, 3)
        assert heart.measures["qrs_duration"] == (92.0, "ms")
        assert heart.provenance["ranks"] == 2
        with pytest.raises(KeyError):
            heart.point_fields["pressure"]
        assert cohort.provenance["version"] == heart.provenance["version"]


@pytest.mark.parametrize(
    "rows", [slice(None), 4, -1, slice(3, 9, 2), slice(9, 3, -1), [7, 2], slice(5, 5)]
)
def test_cells_are_rows_of_four_nodes(archive, rows):
    with open_archive(archive) as cohort:
        cells = cohort.hearts["a"].cells
        assert cells.shape == (len(result(1).mesh.tetrahedra), 4)
        np.testing.assert_array_equal(cells[rows], result(1).mesh.tetrahedra[rows])


def test_a_heart_that_was_not_solved_says_why(archive):
    with open_archive(archive) as cohort:
        heart = cohort.hearts["c"]
        assert not heart.solved
        assert heart.outcome.detail == "3 tetrahedra are flat, need 0"
        assert heart.provenance["ranks"] == 2
        for read in ("points", "cells", "point_fields", "measures", "ecg"):
            with pytest.raises(BadArchive, match=r"c has no .*, it is bad_mesh: 3 tetrahedra"):
                getattr(heart, read)


def test_hearts_are_a_mapping_that_opens_what_is_asked_for(results):
    gather(results)
    (results / "hearts" / "b.vtkhdf").unlink()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with open_archive(results / "cohort.h5") as cohort:
        assert list(cohort.hearts) == ["a", "b", "c"]
        assert len(cohort.hearts) == 3
        assert "d" not in cohort.hearts
        for _ in range(50):
            assert cohort.hearts["a"].solved
        if before:
            assert len(os.listdir("/proc/self/fd")) < before + 10, "hearts of nobody are closed"
        with pytest.raises(BadArchive, match=r"hearts/b\.vtkhdf: No such file"):
            cohort.hearts["b"]
        with pytest.raises(BadStudy, match="found no patient 'd'"):
            cohort.hearts["d"]
        with pytest.raises(BadStudy, match="found no patient 'd'"):
            cohort.ecg["d"]
        with pytest.raises(BadStudy, match="found no column 'colour'"):
            cohort.column("colour")
        kept = cohort.hearts["a"]
    assert not kept.group, "closed with its archive"


def test_the_reader_is_light():
    """Neither VTK nor the solver, nor what only some of its answers need."""
    heavy = "{'vtkmodules', 'pyvista', 'petsc4py', 'mpi4py', 'scipy', 'pandas', 'xarray'}"
    code = f"import polycardia.archive, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (attribute("/", "format"), "found no 'polycardia cohort', expected cohort.h5"),
        (attribute("/", "format_version", 2), "found version 2 of the archive's format, can read"),
        (attribute("/", "format_version", "x"), "found version x of the archive's format, can"),
        (drop("patients"), "patients is missing"),
        (drop("patients/patient"), "patients/patient is missing"),
        (swap("patients/age", data=[1.0]), "patients/age is no column of 3 rows"),
        (put("patients/patient", 0, "../a"), r"found the patient '\.\./a', expected 1 to 64 of"),
        (put("patients/patient", 0, "a\nb"), r"found the patient 'a\\nb', expected"),
        (put("patients/patient", 0, "b"), "patients are not sorted, or one is there twice"),
        (swap("patients/patient", shape=(10**9,), data=None, dtype=h5py.string_dtype()),
         "patients/patient claims 8000000000 bytes of values and stores 0"),
    ],
)  # fmt: skip
def test_what_is_no_archive_of_a_known_version_is_refused(results, damage, sentence):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        damage(file)
    with pytest.raises(BadArchive, match=rf"cohort\.h5: {sentence}"):
        open_archive(results / "cohort.h5")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "not a whole HDF5 file"),
        (b"x" * 4096, "not a whole HDF5 file"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(tmp_path, content, sentence):
    path = tmp_path / "cohort.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadArchive, match=rf"cohort\.h5: {sentence}"):
        open_archive(path)


def test_a_truncated_archive_and_a_heart_are_refused(results):
    gather(results)
    with h5py.File(results / "foreign.h5", "w") as foreign:
        foreign["x"] = 1
    for name in ("hearts/a.vtkhdf", "cohort.h5"):
        path = results / name
        with open_archive(results / "cohort.h5") as cohort:
            os.truncate(path, path.stat().st_size // 2)
            if path.suffix == ".vtkhdf":
                with pytest.raises(BadArchive, match=r"a\.vtkhdf: not a whole HDF5 file"):
                    cohort.hearts["a"]
    for path in (results / "cohort.h5", results / "hearts" / "b.vtkhdf", results / "foreign.h5"):
        with pytest.raises(BadArchive, match=path.name):
            open_archive(path)


def test_links_are_followed_to_the_patients_own_file_only(results, tmp_path):
    """An archive from elsewhere could otherwise show any file that its reader may read."""
    gather(results)
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["values"] = np.ones(4)
    shutil.copy(results / "hearts" / "b.vtkhdf", results / "hearts" / "a.vtkhdf.bak")
    ways = [
        h5py.ExternalLink(str(tmp_path / "secret.h5"), "/"),
        h5py.ExternalLink("../secret.h5", "/"),
        h5py.ExternalLink("hearts/b.vtkhdf", "/"),
        h5py.ExternalLink("hearts/a.vtkhdf", "/VTKHDF"),
        h5py.SoftLink("/hearts/b"),
    ]
    for way in ways:
        with h5py.File(results / "cohort.h5", "r+") as file:
            del file["hearts/a"]
            file["hearts/a"] = way
        with (
            open_archive(results / "cohort.h5") as cohort,
            pytest.raises(BadArchive, match=r"hearts/a is no link to hearts/a\.vtkhdf"),
        ):
            cohort.hearts["a"]


def test_values_are_taken_from_the_file_itself_only(results, tmp_path):
    gather(results)
    (tmp_path / "secret").write_bytes(b"x" * 4096)
    heart = results / "hearts" / "a.vtkhdf"
    with h5py.File(heart, "r+") as file:
        group = file["VTKHDF/PointData"]
        outside = [(str(tmp_path / "secret"), 0, 4096)]
        group.create_dataset("outside", shape=(4096,), dtype="u1", external=outside)
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "values", (4,))
        group.create_virtual_dataset("virtual", layout)
        group["linked"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "values")
        group["group/x"] = 1
    with open_archive(results / "cohort.h5") as cohort:
        fields = cohort.hearts["a"].point_fields
        for name in ("outside", "virtual"):
            with pytest.raises(BadArchive, match=f"{name} takes its values from another file"):
                fields[name]
        with pytest.raises(BadArchive, match="linked is a link, expected what it holds"):
            fields["linked"]
        with pytest.raises(BadArchive, match="group is no array"):
            fields["group"]


def test_a_field_tells_what_it_is(archive):
    with open_archive(archive) as cohort:
        points = cohort.hearts["a"].points
        assert isinstance(points, Field)
        assert "VTKHDF/Points" in repr(points)
        assert "float32 [mm]" in repr(points)
        assert repr(cohort.hearts["c"]) == "<Heart c bad_mesh>"
        assert repr(cohort).endswith(" of 3 patients>")
