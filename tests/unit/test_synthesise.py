"""The cohort folder: what is in it, that it can be repeated, and what is refused."""

import shutil
from pathlib import Path

import meshio
import numpy as np
import pytest
import pyvista

from polycardia.cohort import read_cohort
from polycardia.errors import BadStudy
from polycardia.io.mesh_writer import write_tetrahedra
from polycardia.physics.mesh import TetMesh
from polycardia.study.synthesise import synthesise

EDGE = 3.0


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return synthesise(1, 5, folder, edge_length=EDGE)


def test_cohort_is_read_by_the_table_reader(cohort):
    patients = read_cohort(cohort)
    assert list(patients) == ["s0001"]
    for patient in patients.values():
        assert patient.source.units == "mm"
        assert patient.source.mesh.is_file()
        assert patient.source.surfaces.is_file()
        assert set(patient.clinical) == {"age", "height", "weight", "heart_rate"}


def test_files_hold_the_heart_for_meshio_and_vtk(cohort):
    folder = cohort.parent / "meshes"
    mesh = meshio.read(folder / "s0001.vtu")
    assert [block.type for block in mesh.cells] == ["tetra"]
    assert mesh.points.dtype == np.float64
    assert set(np.unique(mesh.cell_data["region"][0])) == {1, 2}
    surface = pyvista.read(folder / "s0001_surface.vtp")
    assert set(np.unique(surface.cell_data["surface"])) == {1, 2, 3, 4}
    assert surface.n_open_edges == 0
    # The boundary's nodes are the mesh's, to the last bit.
    assert set(map(tuple, surface.points)) <= set(map(tuple, mesh.points))
    extent = np.ptp(mesh.points, axis=0)
    assert 50.0 < extent.max() < 250.0


def test_larger_cohort_begins_with_the_same_hearts_and_touches_no_file(cohort, tmp_path):
    folder = Path(shutil.copytree(cohort.parent, tmp_path / "cohort"))
    before = contents(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.v*")}
    synthesise(2, 5, folder, edge_length=EDGE)
    after = contents(folder)
    meshes = [path for path in before if path.suffix != ".tsv"]
    assert len(meshes) == 2
    assert all(after[path] == before[path] for path in meshes)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert len(after) == len(before) + 2
    for table in ("cohort.tsv", "sizes.tsv"):
        grown = (folder / table).read_text().splitlines()
        assert grown[:2] == before[next(p for p in before if p.name == table)].decode().splitlines()
        assert len(grown) == 3


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path, cohort):
    again = contents(synthesise(1, 5, tmp_path / "again", edge_length=EDGE).parent)
    other = contents(synthesise(1, 6, tmp_path / "other", edge_length=EDGE).parent)
    first = contents(cohort.parent)
    meshes = [path for path in again if path.suffix != ".tsv"]
    assert len(meshes) == 2
    assert all(first[path] == again[path] != other[path] for path in meshes)
    assert not set(again.values()) & set(other.values())


def test_fibres_are_written_when_there_are_some(tmp_path):
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    fibre = np.array([[0.0, 0.6, 0.8]])
    mesh = TetMesh(points, np.array([[0, 1, 2, 3]]), np.array([4]), fibre)
    write_tetrahedra(tmp_path / "one.vtu", mesh)
    read = meshio.read(tmp_path / "one.vtu")
    np.testing.assert_array_equal(read.cell_data["fibre"][0], fibre)
    np.testing.assert_array_equal(read.cell_data["region"][0], [4])


@pytest.mark.parametrize(
    ("patients", "seed", "edge_length", "sentence"),
    [
        (0, 1, 2.0, "patients: found 0, need 1 to"),
        (1, -1, 2.0, "seed: found -1, need 0 or more"),
        (1, 1, 5.0, "edge length: found 5 mm, need 0.8 to 3 mm"),
        (1, 1, 0.0, "edge length: found 0 mm"),
        (1, 1, float("nan"), "edge length: found nan mm"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path, patients, seed, edge_length, sentence
):
    with pytest.raises(BadStudy, match=sentence):
        synthesise(patients, seed, tmp_path / "cohort", edge_length=edge_length)
    assert not (tmp_path / "cohort").exists()


def test_output_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadStudy, match=r"output: .*file.* cannot be written"):
        synthesise(1, 1, tmp_path / "file", edge_length=EDGE)
