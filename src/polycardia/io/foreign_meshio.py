"""A mesh file as meshio reads it.  Runs in the child process of `polycardia.io.foreign_reader`."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from polycardia.io.foreign_answer import Unreadable, answer_of

_MESHIO_NAMES = {"vertex": "vertex", "line": "line", "line3": "line", "quad": "quadrangle",
                 "wedge": "prism"}  # fmt: skip


def load(file: Path) -> None:
    """Import what reading any file needs."""
    importlib.import_module("meshio")


def read(file: Path) -> dict[str, Any]:
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
    answer = answer_of(points, blocks, arrays)
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
