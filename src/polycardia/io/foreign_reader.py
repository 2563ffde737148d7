"""Child process in which VTK or meshio reads a file: ``python -m ... KIND FILE OUTPUT MEMORY``.

Foreign readers are given damaged files here, and then kill the interpreter, call `sys.exit`,
or print and go on with half a mesh: of seven VTK files damaged at 150 random places each,
between 0 and 5 % ended in SIGSEGV or SIGABRT.  So they run in a process of their own, and what
they read comes back as plain arrays.  `polycardia.io.foreign` starts it and reads the answer.

Only what happens while the file is read is the file's fault: libraries are loaded before, the
answer is written after.
"""

import contextlib
import errno
import importlib
import json
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Exit statuses; all others are the machine's fault.
REFUSED = 3  # the file is at fault, and the sentence is on stdout, or the library's on stderr
OUT_OF_MEMORY = 4  # more than MEMORY [bytes]
BEGUN = "begun"  # the file beside OUTPUT that says: libraries are loaded, reading begins
# What a sound file can meet, too.
_MACHINE_ERRORS = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE,
                   errno.EACCES, errno.ESTALE, errno.ETIMEDOUT}  # fmt: skip

# VTK cell types: corner nodes come first in the quadratic ones.
_VTK_TETRAHEDRA = {10: "tetrahedron", 24: "quadratic tetrahedron", 71: "Lagrange tetrahedron"}
_VTK_TRIANGLES = {5: "triangle", 22: "quadratic triangle", 69: "Lagrange triangle"}
_VTK_NAMES = {
    1: "vertex", 2: "vertex", 3: "line", 4: "line", 6: "triangle strip", 7: "polygon",
    8: "quadrangle", 9: "quadrangle", 11: "voxel", 12: "hexahedron", 13: "prism", 14: "pyramid",
    21: "line", 23: "quadrangle", 25: "quadratic hexahedron", 26: "quadratic prism",
    27: "quadratic pyramid", 42: "polyhedron",
}  # fmt: skip
_MESHIO_NAMES = {"vertex": "vertex", "line": "line", "line3": "line", "quad": "quadrangle",
                 "wedge": "prism"}  # fmt: skip
_UNIT_NAMES = {"unit", "units", "lengthunit", "lengthunits", "pointunit", "spatialunit"}

_VTK_READERS = {
    ".vtk": ("vtkIOLegacy", "vtkGenericDataObjectReader"),
    ".vtu": ("vtkIOXML", "vtkXMLUnstructuredGridReader"),
    ".vtp": ("vtkIOXML", "vtkXMLPolyDataReader"),
    ".vtkhdf": ("vtkIOHDF", "vtkHDFReader"),
    ".stl": ("vtkIOGeometry", "vtkSTLReader"),
    ".ply": ("vtkIOPLY", "vtkPLYReader"),
}


class Unreadable(Exception):
    """The file is at fault; the sentence says how."""


def read_with_vtk(file: Path) -> dict[str, Any]:
    """Points, cells and arrays of a VTK file; see `_answer`."""
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
    answer = _answer(vtk_to_numpy(grid.GetPoints().GetData()), cells, arrays["cell"])
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


def read_with_meshio(file: Path) -> dict[str, Any]:
    """The same of a file that meshio reads, with named sets and physical groups."""
    import meshio

    mesh = meshio.read(file)
    start, blocks = 0, []
    for block in mesh.cells:
        kind, corners = block.type, 0
        if kind.startswith("tetra"):
            kind, corners = ("tetrahedron" if kind == "tetra" else "quadratic tetrahedron"), 4
        elif kind.startswith("triangle"):
            kind, corners = ("triangle" if kind == "triangle" else "quadratic triangle"), 3
        members = np.arange(start, start + len(block.data))
        nodes = np.asarray(block.data)[:, :corners] if corners else np.empty((0, 0))
        blocks.append((_MESHIO_NAMES.get(kind, kind), members, nodes))
        start += len(block.data)
    arrays = {name: np.concatenate(parts) for name, parts in mesh.cell_data.items()
              if len({np.shape(part)[1:] for part in parts}) == 1}  # fmt: skip
    points = np.asarray(mesh.points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3:
        raise Unreadable(f"found points of shape {points.shape}, expected three coordinates each")
    answer = _answer(points, blocks, arrays)
    answer["point_arrays"] = {name: np.asarray(array) for name, array in mesh.point_data.items()}
    answer["groups"] = {
        name: [int(value) for value in np.ravel(tag)[:2]] for name, tag in mesh.field_data.items()
    }
    answer["sets"] = _meshio_sets(mesh, answer["triangle_cells"])
    answer["unit"] = None
    return answer


def _meshio_sets(mesh: Any, triangle_cells: Any) -> dict[str, Any]:
    """Named cell sets as positions among the triangles."""
    sizes = [len(block.data) for block in mesh.cells]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    sets = {}
    for name, parts in mesh.cell_sets.items():
        members = [
            start + np.asarray(part, dtype=np.int64).ravel()
            for start, part in zip(starts, parts, strict=False)
            if part is not None
        ]
        chosen = np.isin(triangle_cells, np.concatenate(members)) if members else np.zeros(0, bool)
        if chosen.any() and not name.startswith("gmsh:"):
            sets[name] = np.flatnonzero(chosen)
    return sets


def _answer(points: Any, blocks: list[tuple[str, Any, Any]], arrays: Any) -> dict[str, Any]:
    """Gather tetrahedra, triangles and their rows of every cell array."""
    answer: dict[str, Any] = {"points": np.asarray(points, dtype=np.float64), "kinds": {}}
    for what, width in (("tetrahedron", 4), ("triangle", 3)):
        chosen = [block for block in blocks if block[0].endswith(what)]
        cells = [np.asarray(members, dtype=np.int64) for _, members, _ in chosen]
        nodes = [np.asarray(nodes, dtype=np.int64) for _, _, nodes in chosen]
        answer[f"{what}_cells"] = np.concatenate([np.empty(0, np.int64), *cells])
        answer[what] = np.concatenate([np.empty((0, width), np.int64), *nodes])
        rows = answer[f"{what}_cells"]
        answer[f"{what}_arrays"] = {
            name: array[rows] for name, array in arrays.items()
            if rows.size and rows.max() < len(array) and array.dtype.kind in "iufb"
        }  # fmt: skip
    for kind, members, _ in blocks:
        answer["kinds"][kind] = answer["kinds"].get(kind, 0) + len(members)
    return answer


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _save(answer: dict[str, Any], output: Path) -> None:
    """Arrays and a table of contents into one ``.npz``."""
    stored, contents = {}, {}
    for key, value in answer.items():
        if isinstance(value, np.ndarray):
            stored[key] = value
        elif isinstance(value, dict) and all(isinstance(v, np.ndarray) for v in value.values()):
            contents[key] = list(value)
            stored.update({f"{key}/{i}": array for i, array in enumerate(value.values())})
        else:
            contents[key] = value
    np.savez(output, contents=np.array(json.dumps(contents)), **stored)


def load(kind: str, file: Path) -> None:
    """Import what reading needs, so that a broken library shows before the file can."""
    if kind == "vtk":
        for module in (
            "util.numpy_support",
            "vtkFiltersCore",
            _VTK_READERS[file.suffix.lower()][0],
        ):
            importlib.import_module(f"vtkmodules.{module}")
    else:
        importlib.import_module("meshio")
    importlib.import_module("polycardia.io.references")


def read(kind: str, file: Path) -> dict[str, Any]:
    """Read a file with a library that is loaded.

    Raises:
        Unreadable: whatever the library raised of its own.
        MemoryError, ImportError, OSError: the machine's trouble.
    """
    from polycardia.io.references import reference_fault

    try:
        if fault := reference_fault(file):
            raise Unreadable(fault)
        # meshio prints what it tried, and exits: the last line of stderr is its verdict.
        with contextlib.redirect_stdout(sys.stderr):
            return {"vtk": read_with_vtk, "meshio": read_with_meshio}[kind](file)
    except (Unreadable, MemoryError, ImportError):
        raise
    except SystemExit:
        raise Unreadable from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE_ERRORS:
            raise
        said = " ".join(str(error).split())
        raise Unreadable(f"{kind} says: {type(error).__name__}: {said}") from error


def main(kind: str, file: Path, output: Path, memory: int) -> int:
    """Read, write the answer, and return the exit status."""
    load(kind, file)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, limits[1]))
    output.with_name(BEGUN).touch()
    try:
        answer = read(kind, file)
    except Unreadable as refusal:
        print(*refusal.args)
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    output.with_name(BEGUN).unlink()
    _save(answer, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
