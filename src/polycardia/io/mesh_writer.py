"""Hearts as VTK XML files, the way that this project, ParaView and meshio read them.

Equal hearts give equal bytes, and a file that already holds these bytes is left alone with
its time, so that nothing which depends on it is computed again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import (
    VTK_TETRA,
    vtkCellArray,
    vtkPolyData,
    vtkUnstructuredGrid,
)
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter, vtkXMLUnstructuredGridWriter

from polycardia.io.atomic import whole_file
from polycardia.physics.mesh import Boundary, Floats, Integers, TetMesh

# VTK's helpers carry no types.
_to_vtk: Callable[..., Any] = numpy_support.numpy_to_vtk
_to_ids: Callable[..., Any] = numpy_support.numpy_to_vtkIdTypeArray


def write_tetrahedra(path: Path, mesh: TetMesh) -> None:
    """Write a ``.vtu`` file, points in mm, with cell arrays ``region`` and, if any, ``fibre``."""
    grid = vtkUnstructuredGrid()
    grid.SetPoints(_points(mesh.points))
    grid.SetCells(VTK_TETRA, _cells(mesh.tetrahedra))
    _add_cell_array(grid, "region", mesh.region.astype(np.int32))
    if mesh.fibre is not None:
        _add_cell_array(grid, "fibre", mesh.fibre)
    write_unless_equal(path, _as_xml(vtkXMLUnstructuredGridWriter(), grid))


def write_surface(path: Path, points: Floats, boundary: Boundary) -> None:
    """Write a ``.vtp`` file of the boundary with the cell array ``surface`` (`Surface` values).

    Args:
        path: of the file.
        points: ``(n, 3)`` [mm] of the whole mesh; those of the boundary are written, unchanged.
        boundary: triangles in the numbers of ``points``.
    """
    used, numbers = np.unique(boundary.triangles, return_inverse=True)
    surface = vtkPolyData()
    surface.SetPoints(_points(points[used]))
    surface.SetPolys(_cells(numbers.reshape(-1, 3)))
    _add_cell_array(surface, "surface", boundary.label.astype(np.int32))
    write_unless_equal(path, _as_xml(vtkXMLPolyDataWriter(), surface))


def write_unless_equal(path: Path, content: bytes) -> None:
    """Make ``path`` hold ``content``: whole or not at all, and untouched if it already does."""
    if path.is_file() and path.read_bytes() == content:
        return
    with whole_file(path) as part:
        part.write_bytes(content)


def _points(points: Floats) -> Any:
    vtk_points = vtkPoints()
    vtk_points.SetData(_to_vtk(np.ascontiguousarray(points), deep=True))
    return vtk_points


def _cells(nodes: Integers) -> Any:
    """Return cells that all have as many nodes as ``nodes`` has columns."""
    cells = vtkCellArray()
    offsets = np.arange(len(nodes) + 1, dtype=np.int64) * nodes.shape[1]
    cells.SetData(
        _to_ids(offsets, deep=True),
        _to_ids(np.ascontiguousarray(nodes, dtype=np.int64).ravel(), deep=True),
    )
    return cells


def _add_cell_array(data: Any, name: str, values: Any) -> None:
    array = _to_vtk(np.ascontiguousarray(values), deep=True)
    array.SetName(name)
    data.GetCellData().AddArray(array)


def _as_xml(writer: Any, data: Any) -> bytes:
    """Return the file's bytes, arrays inline in base64 and compressed, as any reader takes them."""
    writer.SetInputData(data)
    writer.SetDataModeToBinary()
    writer.SetCompressorTypeToZLib()
    writer.WriteToOutputStringOn()
    if not writer.Write():
        raise RuntimeError("VTK could not write the mesh to memory")
    return bytes(writer.GetOutputString(), "ascii")
