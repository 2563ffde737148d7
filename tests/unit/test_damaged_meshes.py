"""Damaged mesh files become sentences."""

import meshio
import numpy as np
import pytest
from mesh_files import HEART, LEGACY, VTK_FORMATS, vtk_grid, write_vtk

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source


@pytest.mark.parametrize("name", ["legacy-4.2-ascii", "legacy-5.1-binary", "xml-appended-raw"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_truncated_vtk_is_refused(tmp_path, name, share):
    suffix, module, writer, settings = VTK_FORMATS[name]
    path = write_vtk(vtk_grid(), tmp_path / f"h{suffix}", module, writer, **settings)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(BadMesh, match=r"^h\.vt[ku],? [^\n]{10,400}$"):
        read_source(path)


@pytest.mark.parametrize("suffix", [".vtk", ".vtkhdf", ".inp", ".x"])
def test_garbage_is_refused_in_one_sentence(tmp_path, suffix):
    path = tmp_path / f"h{suffix}"
    path.write_bytes(np.random.default_rng(2).bytes(5000))
    with pytest.raises(BadMesh, match=rf"^h{suffix} [^\n]{{10,400}}$"):
        read_source(path)


def test_a_reader_that_dies_takes_nobody_along(tmp_path):
    """A count of points that no memory holds ends VTK in an abort or an error: either is named."""
    path = write_vtk(vtk_grid(), tmp_path / "h.vtk", *LEGACY, SetFileTypeToBinary=())
    raw = path.read_bytes()
    count = str(len(HEART.points)).encode()
    path.write_bytes(raw.replace(b"POINTS " + count, b"POINTS 99999999999", 1))
    with pytest.raises(BadMesh, match=r"h\.vtk cannot be read"):
        read_source(path)


def test_node_numbers_beyond_the_points_are_refused(tmp_path):
    mesh = meshio.Mesh(HEART.points[:-5], [("tetra", HEART.tetrahedra)])
    meshio.write(tmp_path / "h.vtu", mesh)
    with pytest.raises(BadMesh, match=rf"names nodes .* expected 0 to {len(HEART.points) - 6}"):
        read_source(tmp_path / "h.vtu")
