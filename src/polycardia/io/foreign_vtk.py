"""A mesh file as VTK reads it.  Runs in the child process of `polycardia.io.foreign_reader`."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from polycardia.io.foreign_answer import Unreadable, answer_of

# VTK cell types: corner nodes come first in the quadratic ones.
_VTK_TETRAHEDRA = {10: "tetrahedron", 24: "quadratic tetrahedron", 71: "Lagrange tetrahedron"}
_VTK_TRIANGLES = {5: "triangle", 22: "quadratic triangle", 69: "Lagrange triangle"}
_VTK_NAMES = {
    1: "vertex", 2: "vertex", 3: "line", 4: "line", 6: "triangle strip", 7: "polygon",
    8: "quadrangle", 9: "quadrangle", 11: "voxel", 12: "hexahedron", 13: "prism", 14: "pyramid",
    21: "line", 23: "quadrangle", 25: "quadratic hexahedron", 26: "quadratic prism",
    27: "quadratic pyramid", 42: "polyhedron",
}  # fmt: skip
_UNIT_NAMES = {"unit", "units", "lengthunit", "lengthunits", "pointunit", "spatialunit"}

_VTK_READERS = {
    ".vtk": ("vtkIOLegacy", "vtkGenericDataObjectReader"),
    ".vtu": ("vtkIOXML", "vtkXMLUnstructuredGridReader"),
    ".vtp": ("vtkIOXML", "vtkXMLPolyDataReader"),
    ".vtkhdf": ("vtkIOHDF", "vtkHDFReader"),
    ".stl": ("vtkIOGeometry", "vtkSTLReader"),
    ".ply": ("vtkIOPLY", "vtkPLYReader"),
}


def load(file: Path) -> None:
    """Import what reading a file needs."""
    for module in ("util.numpy_support", "vtkFiltersCore", _VTK_READERS[file.suffix.lower()][0]):
        importlib.import_module(f"vtkmodules.{module}")


def read(file: Path) -> dict[str, Any]:
    """Points, cells and arrays of a VTK file; see `answer_of`."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow

    vtk_to_numpy: Callable[[Any], Any] = numpy_support.vtk_to_numpy
    window = vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(window)
    module, name = _VTK_READERS[file.suffix.lower()]
    reader = getattr(importlib.import_module(f"vtkmodules.{module}"), name)()
    for switch in ("ReadAllScalarsOn", "ReadAllVectorsOn", "ReadAllFieldsOn", "ReadAllTensorsOn"):
        getattr(reader, switch, lambda: None)()
    reader.SetFileName(str(file))
    reader.Update()
    log = window.GetOutput() or ""
    complaint = _vtk_complaint(log if isinstance(log, str) else log.decode("latin-1"))
    if "allocate" in complaint:
        raise MemoryError(complaint)
    if complaint:
        raise Unreadable(complaint.replace(str(file), file.name))
    grid = _vtk_grid(reader.GetOutputDataObject(0))
    arrays = {
        where: _vtk_arrays(data, vtk_to_numpy)
        for where, data in (("cell", grid.GetCellData()), ("point", grid.GetPointData()))
    }
    cells = _vtk_cells(grid, vtk_to_numpy)
    answer = answer_of(vtk_to_numpy(grid.GetPoints().GetData()), cells, arrays["cell"])
    answer["point_arrays"] = arrays["point"]
    answer["unit"] = _vtk_unit(grid.GetFieldData())
    return answer


def _vtk_grid(grid: Any) -> Any:
    """The data set if it is a mesh, poly data cut into triangles."""
    if grid is None or not (grid.IsA("vtkUnstructuredGrid") or grid.IsA("vtkPolyData")):
        found = grid.GetClassName() if grid is not None else "no data set"
        raise Unreadable(f"found {found}, expected an unstructured grid or poly data")
    if grid.GetPoints() is None or grid.GetNumberOfCells() == 0:
        raise Unreadable(
            f"found {grid.GetNumberOfPoints()} points and {grid.GetNumberOfCells()} cells, "
            "expected a mesh"
        )
    if grid.IsA("vtkPolyData"):
        from vtkmodules.vtkFiltersCore import vtkTriangleFilter

        triangulate = vtkTriangleFilter()
        triangulate.SetInputData(grid)
        triangulate.PassVertsOff()
        triangulate.PassLinesOff()
        triangulate.Update()
        return triangulate.GetOutput()
    return grid


def _vtk_arrays(data: Any, as_array: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        data.GetArrayName(i) or f"array{i}": as_array(data.GetArray(i))
        for i in range(data.GetNumberOfArrays())
        if data.GetArray(i) is not None
    }


def _vtk_complaint(log: str) -> str:
    """First error of VTK's log as one line, without places in VTK's source."""
    for message in re.split(r"\n\s*\n", log):
        if "ERR" in message.upper()[:120]:
            text = " ".join(line for line in message.splitlines() if ", line " not in line[:200])
            return "VTK's reader says: " + re.sub(r"\w+ \(0x[0-9a-f]+\): ", "", text).strip()
    return ""


def _vtk_unit(fields: Any) -> str | None:
    for i in range(fields.GetNumberOfArrays()):
        array = fields.GetAbstractArray(i)
        if _plain(array.GetName() or "") in _UNIT_NAMES and array.GetNumberOfValues() > 0:
            return str(array.GetVariantValue(0).ToString())
    return None


def _vtk_cells(grid: Any, as_array: Callable[[Any], Any]) -> list[tuple[str, Any, Any]]:
    """Blocks ``(kind, cell numbers, nodes)`` of equal cells; nodes only for what is used."""
    if grid.IsA("vtkPolyData"):
        nodes = as_array(grid.GetPolys().GetConnectivityArray()).reshape(-1, 3)
        return [("triangle", np.arange(len(nodes)), nodes)]
    types = as_array(grid.GetCellTypesArray())
    offsets = as_array(grid.GetCells().GetOffsetsArray())
    connectivity = as_array(grid.GetCells().GetConnectivityArray())
    blocks = []
    for kind in np.unique(types):
        members = np.flatnonzero(types == kind)
        corners = 4 if kind in _VTK_TETRAHEDRA else 3 if kind in _VTK_TRIANGLES else 0
        name = (_VTK_TETRAHEDRA | _VTK_TRIANGLES | _VTK_NAMES).get(int(kind), f"VTK type {kind}")
        places = offsets[members][:, None] + np.arange(corners)
        if places.size and not 0 <= places.min() <= places.max() < len(connectivity):
            raise Unreadable(f"cells reach beyond the {len(connectivity)} node numbers that follow")
        nodes = connectivity[places]
        blocks.append((name, members, nodes))
    return blocks


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
