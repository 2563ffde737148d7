"""Labels of the surface, and fibres, from files beside the mesh."""

import numpy as np
import pytest
from box_heart import write_carp
from mesh_files import (
    HEART,
    LABELS,
    XML,
    labels_of,
    surface_data,
    tetrahedra_file,
    vtk_grid,
    write_vtk,
)

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.mesh import Surface


@pytest.mark.parametrize(
    ("suffix", "module", "writer"),
    [(".vtp", "vtkIOXML", "vtkXMLPolyDataWriter"), (".vtk", "vtkIOLegacy", "vtkPolyDataWriter")],
)
def test_labelled_surface_file(tmp_path, suffix, module, writer):
    shuffled = np.random.default_rng(1).permutation(len(HEART.triangles))
    surfaces = tmp_path / f"s{suffix}"
    write_vtk(surface_data(shuffled, HEART.label), surfaces, module, writer)
    source = read_source(tetrahedra_file(tmp_path), surfaces=surfaces)
    admitted = admit(source)
    assert labels_of(admitted) == LABELS
    assert admitted.labels_from == surfaces.name
    assert set(source.files) == {tmp_path / "h.vtu", surfaces}


def test_one_stl_a_label_in_a_folder(tmp_path):
    folder = tmp_path / "surfaces"
    folder.mkdir()
    for surface in Surface:
        chosen = np.flatnonzero(HEART.label == surface)
        path = folder / f"patient_{surface.name.lower()}.stl"
        write_vtk(surface_data(chosen), path, "vtkIOGeometry", "vtkSTLWriter")
    source = read_source(tetrahedra_file(tmp_path), surfaces=folder)
    assert labels_of(admit(source)) == LABELS
    assert len(source.files) == 5


def test_surfs_of_a_folder_for_a_vtk_mesh(tmp_path):
    (tmp_path / "carp").mkdir()
    write_carp(HEART, tmp_path / "carp" / "box")
    source = read_source(tetrahedra_file(tmp_path), surfaces=tmp_path / "carp" / "box")
    assert labels_of(admit(source)) == LABELS
    assert labels_of(admit(read_source(tmp_path / "h.vtu", surfaces=tmp_path / "carp"))) == LABELS


def test_fibres_from_a_lon_file_and_from_a_mesh(tmp_path):
    write_carp(HEART, tmp_path / "box", fibres=True)
    write_vtk(vtk_grid(), tmp_path / "f.vtu", *XML)
    mesh = tetrahedra_file(tmp_path)
    for fibres in (tmp_path / "box.lon", tmp_path / "f.vtu"):
        np.testing.assert_allclose(read_source(mesh, fibres=fibres).fibre, HEART.fibre, atol=1e-6)
    with pytest.raises(BadMesh, match=r"h\.vtu holds no fibres"):
        read_source(mesh, fibres=mesh)


def test_surfaces_without_labels_are_refused(tmp_path):
    write_vtk(surface_data(slice(None)), tmp_path / "s.vtp", "vtkIOXML", "vtkXMLPolyDataWriter")
    with pytest.raises(BadMesh, match="cell arrays none, expected an array 'surface'"):
        read_source(tetrahedra_file(tmp_path), surfaces=tmp_path / "s.vtp")
