"""The files keep the promises of docs/archive-format.md, read by h5py and VTK alone."""

import stat

import h5py
import numpy as np
import pytest
import pyvista
from solved_hearts import RECORD, gather, result

from polycardia.cohort import Patient, Source
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.packing import pack
from polycardia.study.archive import verify


@pytest.mark.parametrize("shards", [1, 2, 32])
def test_archive_holds_every_patient_sorted(results, shards):
    gather(results, shards=shards)
    with h5py.File(results / "cohort.h5") as file:
        patients = file["patients"]
        assert list(patients["patient"].asstr()) == ["a", "b", "c"]
        assert list(patients["status"].asstr()) == ["solved", "solved", "bad_mesh"]
        assert patients["detail"].asstr()[2] == "3 tetrahedra are flat, need 0"
        np.testing.assert_array_equal(patients["age"], [np.nan, 61.0, 50.0])
        assert patients["age"].attrs["unit"] == "y"
        np.testing.assert_array_equal(patients["qrs_duration"], [np.nan, 95.0, np.nan])
        np.testing.assert_array_equal(patients["simulated_qrs_duration"], [91.0, 92.0, np.nan])
        np.testing.assert_array_equal(patients["simulated_under_resolved"], [0.0, 1.0, np.nan])
        assert file["ecg/leads"].shape == (3, 12, 50)
        np.testing.assert_array_equal(file["ecg/leads"][1, :, :40], result(2, 40).leads)
        assert np.isnan(file["ecg/leads"][1, :, 40:]).all()
        assert np.isnan(file["ecg/leads"][2]).all()
        assert file["hearts/b/measures/qrs_duration"][()] == 92.0


def test_promises_are_kept(results):
    gather(results)
    assert verify(results) == 3


def test_vtk_reads_a_heart_and_the_whole_cohort(results):
    gather(results)
    grid = pyvista.read(results / "hearts" / "a.vtkhdf")
    expected = result(1)
    np.testing.assert_allclose(grid.points, expected.mesh.points, rtol=1e-6)
    np.testing.assert_array_equal(grid.cells_dict[10], expected.mesh.tetrahedra)
    np.testing.assert_allclose(
        grid["activation_time"], expected.point_fields["activation_time"], rtol=1e-6
    )
    blocks = pyvista.read(results / "cohort.h5", force_ext=".vtkhdf")
    assert blocks.keys() == ["a", "b"]
    assert blocks["b"].n_cells == grid.n_cells


def test_a_packed_archive_stands_alone(results, tmp_path):
    gather(results)
    assert pack(results / "cohort.h5", tmp_path / "packed.h5") == 3
    (results / "hearts" / "a.vtkhdf").unlink()
    with h5py.File(tmp_path / "packed.h5") as file:
        assert file["hearts/a/measures/qrs_duration"][()] == 91.0
        assert file["hearts/c/outcome"].attrs["status"] == "bad_mesh"
    assert pyvista.read(tmp_path / "packed.h5", force_ext=".vtkhdf")["a"].n_points == len(
        result(1).mesh.points
    )


def test_hearts_of_nobody_are_moved_aside(results):
    write_heart(results / "hearts" / "gone.vtkhdf", result(3), Outcome(SOLVED), RECORD)
    gather(results)
    assert not (results / "hearts" / "gone.vtkhdf").exists()
    assert (results / "removed" / "gone.vtkhdf").exists()
    assert verify(results) == 3


def test_a_sentence_with_a_nul_is_recorded(results):
    write_heart(results / "hearts" / "c.vtkhdf", None, Outcome("bad_mesh", "a\x00b"), RECORD)
    gather(results)
    with h5py.File(results / "cohort.h5") as file:
        assert file["patients/detail"].asstr()[2] == "a?b"


def test_packing_without_a_heart_is_refused_and_leaves_nothing(results, tmp_path):
    gather(results)
    (results / "hearts" / "a.vtkhdf").unlink()
    with pytest.raises(BadArchive, match="hearts/a"):
        pack(results / "cohort.h5", tmp_path / "packed.h5")
    assert not list(tmp_path.glob("*packed*"))


def test_too_many_failures_fail_the_archive(results):
    with pytest.raises(BadStudy, match="1 of 3 hearts have no answer"):
        gather(results, most_failed=0.3)
    gather(results, most_failed=0.34)


def test_files_are_private(results):
    gather(results)
    for path in (results / "cohort.h5", results / "hearts" / "a.vtkhdf"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_an_interrupted_write_leaves_the_old_file(results):
    heart = results / "hearts" / "a.vtkhdf"
    before = heart.read_bytes()
    with pytest.raises(TypeError):
        write_heart(heart, result(5), Outcome(SOLVED), {**RECORD, "seconds": object()})
    assert heart.read_bytes() == before
    assert [path.name for path in heart.parent.iterdir() if path.name.startswith(".")] == []


def test_clinical_source_has_no_place_in_a_heart():
    patient = Patient("a", Source(mesh="m"), "F", {"age": 61.0})
    assert "61" not in patient.source.to_json()
