"""Every format brings back the same heart."""

import meshio
import numpy as np
import pytest
from mesh_files import (
    HEART,
    LABELS,
    VTK_FORMATS,
    XML,
    gmsh_mesh,
    label_map,
    labels_of,
    vtk_grid,
    write_gmsh41,
    write_vtk,
)
from vtkmodules.vtkCommonCore import vtkStringArray

from polycardia.companions import companions
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit


@pytest.mark.parametrize("name", VTK_FORMATS)
def test_vtk(tmp_path, name):
    suffix, module, writer, settings = VTK_FORMATS[name]
    source = read_source(write_vtk(vtk_grid(), tmp_path / f"h{suffix}", module, writer, **settings))
    np.testing.assert_allclose(source.points, HEART.points, atol=1e-5)
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(source.region, HEART.region)
    np.testing.assert_allclose(source.fibre, HEART.fibre, atol=1e-5)
    assert label_map(source.surface.triangles, source.surface.label) == {**LABELS}
    assert source.other_cells == {"triangle": len(HEART.triangles)}
    assert source.customary_unit == "mm"


@pytest.mark.parametrize(("said", "unit"), [("mm", "mm"), ("centimetres", "cm"), ("[um]", "um")])
def test_a_vtk_file_may_declare_its_unit(tmp_path, said, unit):
    grid, declared = vtk_grid(), vtkStringArray()
    declared.SetName("units")
    declared.InsertNextValue(said)
    grid.GetFieldData().AddArray(declared)
    assert read_source(write_vtk(grid, tmp_path / "h.vtu", *XML)).declared_unit == unit


@pytest.mark.parametrize("binary", [False, True])
def test_gmsh_2_names_regions_and_surfaces(tmp_path, binary):
    meshio.write(tmp_path / "h.msh", gmsh_mesh(), file_format="gmsh22", binary=binary)
    source = read_source(tmp_path / "h.msh")
    np.testing.assert_array_equal(source.region, HEART.region)
    assert labels_of(admit(source)) == LABELS


def test_gmsh_41_ascii(tmp_path):
    write_gmsh41(tmp_path / "h.msh")
    source = read_source(tmp_path / "h.msh")
    np.testing.assert_array_equal(np.bincount(source.region), np.bincount(HEART.region))
    assert labels_of(admit(source)) == LABELS


@pytest.mark.parametrize("binary", [False, True])
def test_gmsh_41_without_groups(tmp_path, binary):
    mesh = meshio.Mesh(HEART.points, [("tetra", HEART.tetrahedra)])
    meshio.write(tmp_path / "h.msh", mesh, file_format="gmsh", binary=binary)
    source = read_source(tmp_path / "h.msh")
    np.testing.assert_allclose(source.points, HEART.points)
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    assert source.surface is None


def test_xdmf_and_its_companion(tmp_path):
    mesh = meshio.Mesh(
        HEART.points, [("tetra", HEART.tetrahedra)],
        cell_data={"region": [HEART.region], "f0": [HEART.fibre]},
    )  # fmt: skip
    meshio.write(tmp_path / "h.xdmf", mesh)
    source = read_source(tmp_path / "h.xdmf")
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(source.region, HEART.region)
    np.testing.assert_allclose(source.fibre, HEART.fibre)
    assert companions(tmp_path / "h.xdmf") == [tmp_path / "h.h5", tmp_path / "h.xdmf"]


def test_quadratic_tetrahedra_become_linear(tmp_path):
    middles = HEART.points[HEART.tetrahedra[:, [0, 1, 2, 0, 1, 2]]]
    middles = 0.5 * (middles + HEART.points[HEART.tetrahedra[:, [1, 2, 0, 3, 3, 3]]])
    numbers = len(HEART.points) + np.arange(6 * len(HEART.tetrahedra)).reshape(-1, 6)
    mesh = meshio.Mesh(
        np.vstack([HEART.points, middles.reshape(-1, 3)]),
        [("tetra10", np.hstack([HEART.tetrahedra, numbers]))],
    )
    meshio.write(tmp_path / "h.vtu", mesh)
    source = read_source(tmp_path / "h.vtu")
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    assert "quadratic tetrahedra became linear" in source.notes[0]
