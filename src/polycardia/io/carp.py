"""CARP text meshes: ``.pts``, ``.elem``, ``.lon`` and ``.surf`` (openCARP user manual, mesh files).

Lengths are micrometres by the format's convention.  Node numbers count from zero.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from polycardia.companions import surfaces_beside, with_ending
from polycardia.errors import BadMesh
from polycardia.io.columns import (
    Lines,
    counted,
    numbers,
    read_lines,
    whole_numbers,
    without_first_words,
)
from polycardia.physics.mesh import Floats, Integers, Surface
from polycardia.physics.source import SourceMesh, SourceSurface

# Two-letter element codes of the .elem and .surf files.
_KINDS = {
    "Tt": "tetrahedron",
    "Hx": "hexahedron",
    "Oc": "octahedron",
    "Py": "pyramid",
    "Pr": "prism",
    "Qd": "quadrangle",
    "Tr": "triangle",
    "Ln": "line",
    "cH": "line",
}


def read_carp(base: Path, fibres: Path | None) -> SourceMesh:
    """Read ``<base>.pts``, ``<base>.elem`` and, where they exist, fibres and surfaces.

    Args:
        base: what the names of the files have in common.
        fibres: a ``.lon`` file elsewhere, in place of ``<base>.lon``.

    Raises:
        BadMesh: a file is missing, truncated or not what it should be.
    """
    points_file, cells_file = with_ending(base, ".pts"), with_ending(base, ".elem")
    points = numbers(counted(read_lines(points_file), "nodes"), (3,), "the x, y and z of a node")
    tetrahedra, region, rows, other = _read_elements(cells_file)
    files = [points_file, cells_file]
    beside = with_ending(base, ".lon")
    fibres = fibres or (beside if beside.is_file() else None)
    fibre = None
    if fibres is not None:
        fibre = read_lon(fibres, len(tetrahedra) + sum(other.values()))[rows]
    surf_files = [(file, label) for file, label in surfaces_beside(base) if file.suffix == ".surf"]
    return SourceMesh(
        name=cells_file.name,
        points=points,
        tetrahedra=tetrahedra,
        region=region,
        fibre=fibre,
        surface=read_surfs(surf_files) if surf_files else None,
        other_cells=other,
        customary_unit="um",
        files=(*files, *([fibres] if fibres else []), *(file for file, _ in surf_files)),
    )


def read_lon(file: Path, n_cells: int) -> Floats:
    """Fibre directions ``(n, 3)`` of a ``.lon`` file; a second axis, the sheets, is dropped.

    The first line, the number of axes, is missing from files of old versions; so is nothing else.
    """
    lines = read_lines(file)
    if lines.words[0] == 1:
        if lines.line(0) not in ("1", "2"):
            raise BadMesh(
                f"{file.name}, line 1: found '{lines.line(0)}', expected 1 or 2, the number of axes"
            )
        lines = lines.after(1)
    directions = numbers(lines, (3, 6), "the fibre (and sheet) direction of an element")
    if len(directions) != n_cells:
        raise BadMesh(
            f"{file.name}: found {len(directions)} fibre directions, expected {n_cells}, "
            "one for each element"
        )
    return np.ascontiguousarray(directions[:, :3])


def read_surfs(files: Sequence[tuple[Path, str | None]]) -> SourceSurface:
    """The triangles of ``.surf`` files.

    Args:
        files: each with the name of the `Surface` that all its triangles belong to, or None if
            a fourth column labels them.
    """
    triangles, labels = [], []
    for file, surface in files:
        nodes, tags = _read_surf(file)
        if surface is not None:
            tags = np.full(len(nodes), int(Surface[surface]))
        elif tags is None:
            raise BadMesh(
                f"{file.name}: the name holds no label (lv_endo, rv_endo, epi or base) and the "
                "triangles carry no tag"
            )
        triangles.append(nodes)
        labels.append(tags)
    origin = ", ".join(file.name for file, _ in files)
    return SourceSurface(np.vstack(triangles), np.concatenate(labels), None, origin)


def _read_surf(file: Path) -> tuple[Integers, Integers | None]:
    lines = counted(read_lines(file), "triangles")
    kinds = _kinds(lines)
    if set(kinds) - {"Tr"}:
        if not all(kind.isdigit() for kind in kinds):
            raise BadMesh(f"{file.name}: found elements {', '.join(sorted(kinds))}, expected Tr")
    else:
        lines = without_first_words(lines)
    rows = whole_numbers(lines, (3, 4), "the nodes (and tag) of a triangle")
    return rows[:, :3], rows[:, 3] if rows.shape[1] == 4 else None


def _read_elements(file: Path) -> tuple[Integers, Integers, Integers, dict[str, int]]:
    """Tetrahedra, their tags, which elements they are, and how many there are of other kinds."""
    lines = counted(read_lines(file), "elements")
    groups = _kinds(lines)
    unknown = sorted(set(groups) - set(_KINDS))
    if unknown:
        i = int(groups[unknown[0]][0])
        raise BadMesh(
            f"{file.name}, line {lines.number[i]}: found '{lines.line(i)}', expected an element "
            f"code out of {', '.join(_KINDS)}"
        )
    other: dict[str, int] = {}
    for code, members in groups.items():
        if code != "Tt":
            other[_KINDS[code]] = other.get(_KINDS[code], 0) + len(members)
    if "Tt" not in groups:
        none = np.empty(0, dtype=np.int64)
        return none.reshape(0, 4), none, none, other
    chosen = lines.where(groups["Tt"]) if other else lines
    rows = whole_numbers(
        without_first_words(chosen), (5, 4), "the four nodes and the tag of a tetrahedron"
    )
    region = rows[:, 4] if rows.shape[1] == 5 else np.zeros(len(rows), dtype=np.int64)
    return rows[:, :4], region, groups["Tt"], other


def _kinds(lines: Lines) -> dict[str, Integers]:
    """Which lines begin with which word; only two letters of it count."""
    if len(lines) == 0:
        return {}
    black = np.append(np.flatnonzero(lines.text != 32), lines.text.size)
    begin = black[np.searchsorted(black, lines.start)]
    padded = np.append(lines.text, [32, 32]).astype(np.int64)
    codes = padded[begin] * 256 + padded[begin + 1]
    return {
        bytes(divmod(int(code), 256)).decode("latin-1").strip(): np.flatnonzero(codes == code)
        for code in np.unique(codes)
    }
