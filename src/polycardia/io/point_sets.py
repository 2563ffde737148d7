"""Points beside a mesh that name where it is stimulated."""

from pathlib import Path

import numpy as np

from polycardia.errors import BadMesh
from polycardia.io.columns import Lines, counted, numbers, read_lines, whole_numbers
from polycardia.physics.mesh import Floats
from polycardia.physics.places import PointSet

DOMAINS = ("intra", "extra")


def read_points(file: Path, nodes: Floats) -> PointSet:
    """Read node numbers of the source mesh (``.vtx``), or places.

    Args:
        file: a ``.vtx`` file as of openCARP (count, ``intra`` or ``extra``, node numbers from 0),
            or lines of x, y and z [mm].
        nodes: ``(n, 3)`` of the source mesh [mm].

    Raises:
        BadMesh: the file cannot be read, or names nodes that the mesh has not.
    """
    if file.suffix != ".vtx":
        return PointSet(file.name, numbers(read_lines(file), (3,), "the x, y and z of a point"))
    lines = _without_domain(read_lines(file))
    wanted = whole_numbers(counted(lines, "nodes"), (1,), "a node").ravel()
    outside = np.flatnonzero((wanted < 0) | (wanted >= len(nodes)))
    if outside.size:
        raise BadMesh(
            f"{file.name}: found node {wanted[outside[0]]}, expected 0 to {len(nodes) - 1}"
        )
    points = nodes[wanted]
    if not np.isfinite(points).all():
        raise BadMesh(f"{file.name}: names nodes whose coordinates are not finite")
    return PointSet(file.name, points)


def _without_domain(lines: Lines) -> Lines:
    """Take out the second line if it says in which domain the nodes are; both are one here."""
    kept = np.ones(len(lines), dtype=bool)
    kept[1:2] = [lines.line(i) not in DOMAINS for i in range(1, min(2, len(lines)))]
    return lines.where(kept)
