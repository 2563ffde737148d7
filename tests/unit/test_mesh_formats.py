"""Every format brings back the same heart, and damaged files become sentences."""

import importlib
from dataclasses import replace

import meshio
import numpy as np
import pytest
from box_heart import box_heart, write_carp
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkIdTypeArray, vtkPoints, vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkUnstructuredGrid

from polycardia.companions import companions
from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.mesh import Surface

HEART = box_heart()
TETRAHEDRON, TRIANGLE = 10, 5


def vtk_array(values, name):
    array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
    array.SetName(name)
    return array


def vtk_cells(*blocks):
    cells = vtkCellArray()
    widths = np.concatenate([np.full(len(block), block.shape[1]) for block in blocks])
    offsets, nodes = np.append(0, np.cumsum(widths)), np.concatenate([b.ravel() for b in blocks])
    ids = vtkIdTypeArray().GetDataType()
    cells.SetData(numpy_to_vtk(offsets, deep=True, array_type=ids), numpy_to_vtk(nodes, True, ids))
    return cells


def vtk_points():
    points = vtkPoints()
    points.SetData(vtk_array(HEART.points, "points"))
    return points


def vtk_grid():
    """Tetrahedra and labelled triangles in one grid, as a mesher would write them."""
    grid = vtkUnstructuredGrid()
    grid.SetPoints(vtk_points())
    n, m = len(HEART.tetrahedra), len(HEART.triangles)
    types = numpy_to_vtk(np.repeat([TETRAHEDRON, TRIANGLE], [n, m]).astype(np.uint8), deep=True)
    grid.SetCells(types, vtk_cells(HEART.tetrahedra, HEART.triangles))
    label = np.concatenate([np.zeros(n, np.int32), HEART.label.astype(np.int32)])
    region = np.concatenate([HEART.region, np.zeros(m)]).astype(np.int32)
    fibre = np.vstack([HEART.fibre, np.zeros((m, 3))])
    for values, name in ((label, "surface"), (region, "region"), (fibre, "fibre")):
        grid.GetCellData().AddArray(vtk_array(values, name))
    return grid


def write_vtk(data, path, module, writer, **settings):
    made = getattr(importlib.import_module(f"vtkmodules.{module}"), writer)()
    made.SetFileName(str(path))
    made.SetInputData(data)
    for name, value in settings.items():
        getattr(made, name)(*value)
    assert made.Write() == 1
    return path


LEGACY, XML = ("vtkIOLegacy", "vtkUnstructuredGridWriter"), (
    "vtkIOXML", "vtkXMLUnstructuredGridWriter",
)  # fmt: skip
VTK_FORMATS = {
    "legacy-4.2-ascii": (".vtk", *LEGACY, {"SetFileVersion": (42,), "SetFileTypeToASCII": ()}),
    "legacy-4.2-binary": (".vtk", *LEGACY, {"SetFileVersion": (42,), "SetFileTypeToBinary": ()}),
    "legacy-5.1-ascii": (".vtk", *LEGACY, {"SetFileVersion": (51,), "SetFileTypeToASCII": ()}),
    "legacy-5.1-binary": (".vtk", *LEGACY, {"SetFileVersion": (51,), "SetFileTypeToBinary": ()}),
    "xml-ascii": (".vtu", *XML, {"SetDataModeToAscii": ()}),
    "xml-binary": (".vtu", *XML, {"SetDataModeToBinary": ()}),
    "xml-appended-raw": (".vtu", *XML, {"SetEncodeAppendedData": (0,)}),
    "xml-appended-base64": (".vtu", *XML, {"SetEncodeAppendedData": (1,)}),
    "xml-lz4": (".vtu", *XML, {"SetCompressorTypeToLZ4": ()}),
    "xml-uncompressed": (".vtu", *XML, {"SetCompressorTypeToNone": ()}),
    "hdf": (".vtkhdf", "vtkIOHDF", "vtkHDFWriter", {}),
}  # fmt: skip


def label_map(triangles, label):
    return {tuple(sorted(t)): s for t, s in zip(triangles.tolist(), label.tolist(), strict=True)}


LABELS = label_map(HEART.triangles, HEART.label)


def labels_of(admitted):
    return label_map(admitted.boundary.triangles, admitted.boundary.label)


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


GMSH_NAMES = {"LV_endo": (2, 11), "rv-endo": (2, 12), "EPI": (2, 13), "base": (2, 14)}


def gmsh_mesh():
    return meshio.Mesh(
        HEART.points,
        [("triangle", HEART.triangles), ("tetra", HEART.tetrahedra)],
        cell_data={
            "gmsh:physical": [HEART.label + 10, HEART.region],
            "gmsh:geometrical": [HEART.label + 10, HEART.region],
        },
        field_data={name: np.array([tag, dim]) for name, (dim, tag) in GMSH_NAMES.items()},
    )


@pytest.mark.parametrize("binary", [False, True])
def test_gmsh_2_names_regions_and_surfaces(tmp_path, binary):
    meshio.write(tmp_path / "h.msh", gmsh_mesh(), file_format="gmsh22", binary=binary)
    source = read_source(tmp_path / "h.msh")
    np.testing.assert_array_equal(source.region, HEART.region)
    assert labels_of(admit(source)) == LABELS


def write_gmsh41(path):
    """ASCII layout 4.1 by hand: one entity a physical group (gmsh reference manual, MSH 4.1)."""
    entities = [(2, s + 10, HEART.triangles[HEART.label == s], 2) for s in range(1, 5)]
    entities += [(3, r, HEART.tetrahedra[HEART.region == r], 4) for r in (1, 2)]
    n, cells = len(HEART.points), sum(len(block) for _, _, block, _ in entities)
    lines = ["$MeshFormat", "4.1 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(GMSH_NAMES))]
    lines += [f'{dim} {tag} "{name}"' for name, (dim, tag) in GMSH_NAMES.items()]
    lines += ["$EndPhysicalNames", "$Entities", "0 0 4 2"]
    lines += [f"{tag} 0 0 0 1 1 1 1 {tag} 0" for _, tag, _, _ in entities]
    lines += ["$EndEntities", "$Nodes", f"1 {n} 1 {n}", f"3 1 0 {n}"]
    lines += [str(i + 1) for i in range(n)]
    lines += ["{!r} {!r} {!r}".format(*p) for p in HEART.points.tolist()]
    lines += ["$EndNodes", "$Elements", f"{len(entities)} {cells} 1 {cells}"]
    number = 0
    for dim, tag, block, kind in entities:
        lines.append(f"{dim} {tag} {kind} {len(block)}")
        for row in block:
            number += 1
            lines.append(" ".join(map(str, [number, *(row + 1)])))
    path.write_text("\n".join([*lines, "$EndElements"]) + "\n")


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


def tetrahedra_file(tmp_path, suffix=".vtu"):
    meshio.write(tmp_path / f"h{suffix}", meshio.Mesh(HEART.points, [("tetra", HEART.tetrahedra)]))
    return tmp_path / f"h{suffix}"


def surface_data(chosen, label=None):
    data = vtkPolyData()
    data.SetPoints(vtk_points())
    data.SetPolys(vtk_cells(HEART.triangles[chosen]))
    if label is not None:
        data.GetCellData().AddArray(vtk_array(label[chosen].astype(np.int32), "surface"))
    return data


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


def test_surfaces_without_labels_are_refused(tmp_path):
    write_vtk(surface_data(slice(None)), tmp_path / "s.vtp", "vtkIOXML", "vtkXMLPolyDataWriter")
    with pytest.raises(BadMesh, match="cell arrays none, expected an array 'surface'"):
        read_source(tetrahedra_file(tmp_path), surfaces=tmp_path / "s.vtp")


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
