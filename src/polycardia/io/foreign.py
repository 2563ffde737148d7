"""Files that VTK or meshio can read, read by them in a process of their own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadMesh
from polycardia.io.legacy_vtk import check_legacy_whole
from polycardia.physics.mesh import Floats, Integers

VTK_SUFFIXES = (".vtk", ".vtu", ".vtp", ".vtkhdf", ".stl", ".ply")
TIME_LIMIT = 900  # [s]; a mesh of 5 million tetrahedra takes about ten
_REFUSED = 3  # foreign_reader.REFUSED, without importing what runs there

# How a whole file of a format ends.  Readers tend to accept less.
_LAST_WORDS = {".vtu": b"</VTKFile>", ".vtp": b"</VTKFile>", ".xdmf": b"</Xdmf>",
               ".xmf": b"</Xdmf>", ".msh": b"$End"}  # fmt: skip

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ForeignMesh:
    """What a foreign reader found.

    Attributes:
        points: ``(n_points, 3)``.
        tetrahedra: ``(n, 4)``.
        triangles: ``(m, 3)``.
        kinds: number of cells of every kind, these two included.
        tetrahedron_arrays: cell arrays, the tetrahedra's rows.
        triangle_arrays: cell arrays, the triangles' rows.
        point_arrays: arrays on nodes.
        sets: named sets of triangles.
        groups: gmsh's physical names with ``[tag, dimension]``.
        unit: the file's own statement, as it stands.
    """

    points: Floats
    tetrahedra: Integers
    triangles: Integers
    kinds: Mapping[str, int]
    tetrahedron_arrays: Arrays
    triangle_arrays: Arrays
    point_arrays: Arrays
    sets: Arrays
    groups: Mapping[str, list[int]]
    unit: str | None


def read_foreign(file: Path) -> ForeignMesh:
    """Let VTK (for its own formats) or meshio (for all others) read ``file``.

    Raises:
        BadMesh: missing, empty, truncated, or the reader refused it or died of it.
    """
    _check_whole(file)
    kind = "vtk" if file.suffix.lower() in VTK_SUFFIXES else "meshio"
    with tempfile.TemporaryDirectory(prefix="polycardia-read-") as folder:
        output = Path(folder, "answer.npz")
        _run(kind, file, output)
        mesh = _load(output)
    for cells, what in ((mesh.tetrahedra, "tetrahedron"), (mesh.triangles, "triangle")):
        wrong = np.flatnonzero(((cells < 0) | (cells >= len(mesh.points))).any(axis=1))
        if wrong.size:
            raise BadMesh(
                f"{file.name}: {what} {wrong[0]} names nodes {cells[wrong[0]].tolist()}, "
                f"expected 0 to {len(mesh.points) - 1}"
            )
    return mesh


def _check_whole(file: Path) -> None:
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            opened.seek(max(0, size - 4096))
            tail = opened.read()
    except OSError as error:
        raise BadMesh(f"{file.name} cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise BadMesh(f"{file.name} is empty (0 bytes)")
    last = _LAST_WORDS.get(file.suffix.lower())
    lines = tail.rstrip().splitlines()
    if last is not None and (not lines or last not in lines[-1]):
        raise BadMesh(
            f"{file.name} ends after {size} bytes without {last.decode()}: the file is truncated "
            "or of another format"
        )
    if file.suffix.lower() == ".vtk":
        check_legacy_whole(file)


def _run(kind: str, file: Path, output: Path) -> None:
    command = [sys.executable, "-m", "polycardia.io.foreign_reader", kind, str(file), str(output)]
    # One thread each: thread pools of a large node alone would fill the address space allowed.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT,
            env=os.environ | single,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise BadMesh(f"{file.name} could not be read within {TIME_LIMIT} s") from error
    if finished.returncode == _REFUSED:
        raise BadMesh(f"{file.name} cannot be read: {_sentence(finished.stdout)}")
    if finished.returncode < 0:
        raise BadMesh(
            f"{file.name} cannot be read: the {kind} reader died of signal "
            f"{-finished.returncode}, so the file is damaged"
        )
    if finished.returncode or not output.is_file():
        said = _sentence(finished.stderr) or _sentence(finished.stdout) or "nothing"
        raise BadMesh(f"{file.name} cannot be read: {kind} says: {said}")


def _sentence(text: str) -> str:
    """Last line that says something, without colours and the exception's module."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _load(output: Path) -> ForeignMesh:
    with np.load(output) as stored:
        contents = json.loads(str(stored["contents"]))

        def arrays(key: str) -> Arrays:
            return {name: stored[f"{key}/{i}"] for i, name in enumerate(contents.get(key) or [])}

        return ForeignMesh(
            points=stored["points"],
            tetrahedra=stored["tetrahedron"],
            triangles=stored["triangle"],
            kinds=contents["kinds"],
            tetrahedron_arrays=arrays("tetrahedron_arrays"),
            triangle_arrays=arrays("triangle_arrays"),
            point_arrays=arrays("point_arrays"),
            sets=arrays("sets"),
            groups=contents.get("groups") or {},
            unit=contents["unit"],
        )
