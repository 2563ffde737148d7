"""Files that VTK or meshio can read, read by them in a process of their own."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadMesh, MachineTrouble
from polycardia.io.gmsh_text import check_tags
from polycardia.io.legacy_vtk import check_legacy_whole
from polycardia.io.reading import require_ordinary
from polycardia.physics.mesh import Floats, Integers

VTK_SUFFIXES = (".vtk", ".vtu", ".vtp", ".vtkhdf", ".stl", ".ply")
TIME_LIMIT = 900  # [s]; a mesh of 5 million tetrahedra takes about ten
# What a damaged count or a decompression bomb may not exceed.  Readers hold a few times a mesh's
# arrays, and a VTK file that is compressed well holds ten times its size.
MOST_BYTES = 16 << 30  # of a file; one of 5 million tetrahedra as text has 1
MEMORY_LIMIT = 8 << 30  # [bytes], and
MEMORY_PER_BYTE = 100  # of the file
# How a reader dies of a damaged file.  All other signals come from outside, first of all SIGKILL
# where a job uses up its memory.
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE)
# foreign_reader's exit statuses and sign, without importing what runs there.
_REFUSED, _OUT_OF_MEMORY = 3, 4
_BEGUN = "begun"

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
        MachineTrouble: the reader does not work here, was ended from outside or ran out of
            time, or there is no room for its answer.
    """
    _check_whole(file)
    kind = "vtk" if file.suffix.lower() in VTK_SUFFIXES else "meshio"
    try:
        with tempfile.TemporaryDirectory(prefix="polycardia-read-") as folder:
            output = Path(folder, "answer.npz")
            _run(kind, file, output)
            mesh = _load(output)
    except OSError as error:
        raise MachineTrouble(f"{file.name} could not be read here: {error}") from error
    for cells, what in ((mesh.tetrahedra, "tetrahedron"), (mesh.triangles, "triangle")):
        wrong = np.flatnonzero(((cells < 0) | (cells >= len(mesh.points))).any(axis=1))
        if wrong.size:
            raise BadMesh(
                f"{file.name}: {what} {wrong[0]} names nodes {cells[wrong[0]].tolist()}, "
                f"expected 0 to {len(mesh.points) - 1}"
            )
    return mesh


def _check_whole(file: Path) -> None:
    require_ordinary(file, BadMesh, file.name)
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            opened.seek(max(0, size - 4096))
            tail = opened.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BadMesh(f"{file.name} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise MachineTrouble(f"{file.name} could not be read: {error.strerror}") from error
    if size == 0:
        raise BadMesh(f"{file.name} is empty (0 bytes)")
    if size > MOST_BYTES:
        raise BadMesh(f"{file.name} has {size} bytes, expected at most {MOST_BYTES}")
    last = _LAST_WORDS.get(file.suffix.lower())
    lines = tail.rstrip().splitlines()
    if last is not None and (not lines or last not in lines[-1]):
        raise BadMesh(
            f"{file.name} ends after {size} bytes without {last.decode()}: the file is truncated "
            "or of another format"
        )
    if file.suffix.lower() == ".vtk":
        check_legacy_whole(file)
    elif file.suffix.lower() == ".msh":
        check_tags(file)


def _run(kind: str, file: Path, output: Path) -> None:
    wanted = MEMORY_LIMIT + MEMORY_PER_BYTE * file.stat().st_size
    memory = min(wanted, _site_limit())
    command = [sys.executable, "-m", "polycardia.io.foreign_reader"]
    # One thread each: thread pools of a large node alone would fill the address space allowed.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    try:
        finished = subprocess.run(
            [*command, kind, str(file), str(output), str(memory)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT,
            env=os.environ | single,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise MachineTrouble(f"{file.name} could not be read within {TIME_LIMIT} s") from error
    if finished.returncode or not output.is_file():
        begun = output.with_name(_BEGUN).exists()
        raise _trouble(kind, file.name, finished, begun=begun, limit=wanted, memory=memory)


def _site_limit() -> int:
    """Memory that a process may have here [bytes]; batch systems set such limits."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _trouble(
    kind: str,
    name: str,
    finished: subprocess.CompletedProcess[str],
    *,
    begun: bool,
    limit: int,
    memory: int,
) -> BadMesh | MachineTrouble:
    """What to raise for a reader that gave no answer: is it the file or the machine?

    Args:
        kind: of the reader.
        name: of the file.
        finished: the child.
        begun: it had loaded its libraries, and was reading.
        limit: memory above which a file of this size is damaged [bytes].
        memory: that the child could have [bytes].
    """
    status = finished.returncode
    said = _sentence(finished.stdout) or _sentence(finished.stderr) or "nothing"
    bad_alloc = begun and status == -signal.SIGABRT and "bad_alloc" in finished.stderr
    if status == _OUT_OF_MEMORY or bad_alloc:
        if memory < limit:
            return MachineTrouble(f"{name} needs more than the {memory:.3g} bytes allowed here")
        return BadMesh(
            f"{name} cannot be read: the {kind} reader wants more than {limit:.3g} bytes of "
            "memory, so the file is damaged"
        )
    if status == _REFUSED:
        return BadMesh(f"{name} cannot be read: {said}")
    if begun and -status in _CRASHES:
        return BadMesh(
            f"{name} cannot be read: the {kind} reader died of signal {-status}, so the file is "
            "damaged"
        )
    end = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return MachineTrouble(f"{name} could not be read: the {kind} reader {end} and said: {said}")


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
