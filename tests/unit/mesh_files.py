"""The box heart as files of every format, written by VTK, by meshio and by hand."""

import importlib

import meshio
import numpy as np
from box_heart import box_heart
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkIdTypeArray, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkUnstructuredGrid

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
