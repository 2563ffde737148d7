"""Region tags are kept as they are, or refused where they would not fit."""

from dataclasses import replace

import meshio
import numpy as np
import pytest
from box_heart import write_carp
from mesh_files import HEART, gmsh_mesh, write_gmsh41

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source

HIGHEST = 2**31 - 1  # that a prepared heart has room for
LIMITS = f"-{2**31} to {HIGHEST}"


def tagged(tag, kind=np.int64):
    region = HEART.region.astype(kind)
    region[5] = tag
    return region


@pytest.mark.parametrize("tag", [HIGHEST, -(2**31)])
def test_the_highest_and_the_lowest_tag_stay_as_they_are(tmp_path, tag):
    write_carp(replace(HEART, region=tagged(tag)), tmp_path / "c")
    array = {"region": [tagged(tag)]}
    meshio.write(
        tmp_path / "h.vtu",
        meshio.Mesh(HEART.points, [("tetra", HEART.tetrahedra)], cell_data=array),
    )
    write_gmsh22(tmp_path / "g.msh", tag)
    for name in ("c.elem", "h.vtu", "g.msh"):
        assert read_source(tmp_path / name).region[5] == tag


@pytest.mark.parametrize("tag", [HIGHEST + 1, -(2**31) - 1, 2**32 + 1, 2**60])
def test_a_tag_beyond_32_bits_is_refused_in_carp(tmp_path, tag):
    write_carp(replace(HEART, region=tagged(tag)), tmp_path / "c")
    with pytest.raises(BadMesh, match=rf"c\.elem, line 7: found '.* {tag}', .* from {LIMITS} for"):
        read_source(tmp_path / "c.elem")


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        (HIGHEST + 1, np.int64),
        (-(2**31) - 1, np.int64),
        (2**32 + 1, np.float64),
        (2**32 - 1, np.uint32),
        (2**64 - 5, np.uint64),
    ],
)
def test_a_tag_beyond_32_bits_is_refused_in_vtk(tmp_path, tag, kind):
    array = {"region": [tagged(tag, kind)]}
    meshio.write(
        tmp_path / "h.vtu",
        meshio.Mesh(HEART.points, [("tetra", HEART.tetrahedra)], cell_data=array),
    )
    with pytest.raises(BadMesh, match=rf"h\.vtu: found the region tag {tag}.*, expected {LIMITS}"):
        read_source(tmp_path / "h.vtu")


def write_gmsh22(path, tag):
    """The sixth tetrahedron has the tag, which meshio would wrap when it writes."""
    meshio.write(path, gmsh_mesh(), file_format="gmsh22", binary=False)
    lines = path.read_text().split("\n")
    row = lines.index("$Elements") + 2 + len(HEART.triangles) + 5
    number, kind, n_tags, _, *rest = lines[row].split()
    assert (kind, n_tags) == ("4", "2")
    lines[row] = " ".join([number, kind, n_tags, str(tag), *rest])
    path.write_text("\n".join(lines))
    return row + 1


@pytest.mark.parametrize("tag", [HIGHEST + 1, -(2**31) - 1, 2**32 + 1, 10**30])
def test_a_tag_beyond_32_bits_is_refused_in_gmsh(tmp_path, tag):
    line = write_gmsh22(tmp_path / "h.msh", tag)
    shown = str(tag)[:20]
    expected = rf"h\.msh, line {line}: found the tag {shown}, expected {LIMITS}"
    with pytest.raises(BadMesh, match=expected):
        read_source(tmp_path / "h.msh")
    write_gmsh41(tmp_path / "h.msh")
    text = (tmp_path / "h.msh").read_text()
    group = "\n2 0 0 0 1 1 1 1 2 0\n"
    assert group in text
    (tmp_path / "h.msh").write_text(text.replace(group, f"\n2 0 0 0 1 1 1 1 {tag} 0\n"))
    with pytest.raises(BadMesh, match=rf"h\.msh, line \d+: found the tag {shown}, expected"):
        read_source(tmp_path / "h.msh")


def test_long_numbers_are_allowed_in_gmsh_where_no_tags_are(tmp_path):
    write_gmsh22(tmp_path / "h.msh", 7)
    text = (tmp_path / "h.msh").read_text()
    (tmp_path / "h.msh").write_text(text + "$Comments\n30000000000\n$EndComments\n")
    assert read_source(tmp_path / "h.msh").region[5] == 7
