"""The heart's own frame, found from the labels of its boundary.

Everything that is placed on or around a heart (sites, electrodes) is placed in this frame, so
that a heart may lie anywhere and in any pose.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from polycardia.errors import BadMesh
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface, TetMesh

# Below this [degrees] between the long axis and the way to the right ventricle the frame has no
# meaning.  Healthy hearts are at 60 to 90.
SMALLEST_ANGLE = 15.0
APEX_SHARE = 0.01  # of the ventricle's length: what is nearer together than this is the apex
CELLS_AT_ONCE = 100_000  # 30 MB: the corners and edges of all cells are 1.6 kB a node


@dataclass(frozen=True)
class HeartAxes:
    """Right-handed frame of a biventricular heart.

    Attributes:
        apex: ``(3,)`` endocardial apex of the left ventricle [mm].
        base: ``(3,)`` centre of the left ventricle's widest opening, which is the mitral valve
            or, in a heart cut flat, the whole opening [mm].
        long: ``(3,)`` unit vector from apex to base.
        septal: ``(3,)`` unit vector from the left to the right ventricle, normal to ``long``.
        anterior: ``(3,)`` ``long x septal``, towards the anterior wall.
    """

    apex: Floats
    base: Floats
    long: Floats
    septal: Floats
    anterior: Floats

    @property
    def length(self) -> float:
        """From the endocardial apex to the base [mm]."""
        return float(np.linalg.norm(self.base - self.apex))

    @property
    def frame(self) -> Floats:
        """``(3, 3)`` with rows septal, anterior, long."""
        return np.stack([self.septal, self.anterior, self.long])

    def height(self, points: Floats) -> Floats:
        """Place along the long axis, ``(n,)``: 0 at the endocardial apex, 1 at the base."""
        height: Floats = (points - self.apex) @ self.long / self.length
        return height

    def apex_nodes(self, points: Floats, candidates: Integers) -> Integers:
        """Those of the candidates that are as near to the apex as any, but for `APEX_SHARE`."""
        away = np.linalg.norm(points[candidates] - self.apex, axis=1)
        chosen: Integers = candidates[away <= away.min() + APEX_SHARE * self.length]
        return chosen


def heart_axes(points: Floats, boundary: Boundary) -> HeartAxes:
    """Find the frame of a heart.

    Args:
        points: ``(n, 3)`` its nodes [mm].
        boundary: its boundary with all four surfaces labelled; flat cut base or valve rims.

    Raises:
        BadMesh: the left ventricle has no opening, or the right ventricle lies on the left
            one's long axis.
    """
    left = boundary.triangles[boundary.label == Surface.LV_ENDO]
    right = boundary.triangles[boundary.label == Surface.RV_ENDO]
    base = _widest_opening(points, left)
    downwards = _farthest(points, left, base) - base
    long = -downwards / np.linalg.norm(downwards)
    apex = base - long * ((base - points[left]) @ long).max()
    if len(right) == 0:
        raise BadMesh("the boundary has no triangles labelled RV_ENDO, need a right endocardium")
    across = surface_centroid(points[right]) - surface_centroid(points[left])
    normal = across - (across @ long) * long
    angle = np.degrees(np.arctan2(np.linalg.norm(normal), abs(across @ long)))
    if not angle >= SMALLEST_ANGLE:
        raise BadMesh(
            f"the right ventricle's centre lies {angle:.0f} degrees from the left one's long axis, "
            f"need {SMALLEST_ANGLE:.0f} or more: are the endocardial labels right?"
        )
    septal = normal / np.linalg.norm(normal)
    return HeartAxes(
        apex=apex,
        base=base,
        long=long,
        septal=septal,
        anterior=np.cross(long, septal),
    )


def _widest_opening(points: Floats, triangles: Integers) -> Floats:
    """Centre of the opening that encloses the largest area, ``(3,)`` [mm]."""
    if len(triangles) == 0:
        raise BadMesh("the boundary has no triangles labelled LV_ENDO, need a left endocardium")
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, first, count = np.unique(
        np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True
    )
    rim = edges[first[count == 1]]  # keeps the orientation that its one triangle gave it
    if len(rim) == 0:
        raise BadMesh("the left endocardium is closed, need an opening at the base")
    graph = coo_array((np.ones(len(rim)), (rim[:, 0], rim[:, 1])), shape=(len(points),) * 2)
    loop = connected_components(graph, directed=False)[1][rim[:, 0]]
    loop = np.unique(loop, return_inverse=True)[1]
    start, end = points[rim[:, 0]], points[rim[:, 1]]
    length = np.linalg.norm(end - start, axis=1)
    weight = np.bincount(loop, length)
    centre = _grouped(loop, length[:, None] * (start + end) / 2.0) / weight[:, None]
    area = _grouped(loop, np.cross(start - centre[loop], end - centre[loop])) / 2.0
    widest: Floats = centre[np.argmax(np.linalg.norm(area, axis=1))]
    return widest


def _grouped(group: Integers, vectors: Floats) -> Floats:
    """Sums of ``(n, 3)`` vectors over the groups that they belong to, ``(n_groups, 3)``."""
    return np.stack([np.bincount(group, column) for column in vectors.T], axis=1)


def _farthest(points: Floats, triangles: Integers, place: Floats) -> Floats:
    """The end of a surface that is farthest from a place, ``(3,)`` [mm].

    A mean over the end's last percent: the one farthest node would jump about with the mesh.
    """
    corner = points[triangles]
    distance = np.linalg.norm(corner.mean(axis=1) - place, axis=1)
    weight = np.exp((distance / distance.max() - 1.0) / APEX_SHARE)
    return surface_centroid(corner, weight)


def surface_centroid(corner: Floats, weight: Floats | float = 1.0) -> Floats:
    """Centroid of a surface of triangles.

    Args:
        corner: ``(n, 3, 3)`` their corners [mm].
        weight: ``(n,)`` density of each triangle.

    Returns:
        ``(3,)`` [mm].
    """
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    mass = weight * np.linalg.norm(normal, axis=1)
    centroid: Floats = mass @ corner.mean(axis=1) / mass.sum()
    return centroid


def wall_centroid(mesh: TetMesh) -> Floats:
    """Centroid of both ventricles' walls, ``(3,)`` [mm], from the corners of `CELLS_AT_ONCE`."""
    n_cells = len(mesh.tetrahedra)
    volume, middle = np.empty(n_cells), np.empty((n_cells, 3))
    for first in range(0, n_cells, CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        corner = mesh.points[mesh.tetrahedra[part]]
        edge = corner[:, 1:] - corner[:, :1]
        volume[part] = np.abs(np.einsum("ni,ni->n", edge[:, 0], np.cross(edge[:, 1], edge[:, 2])))
        middle[part] = corner.mean(axis=1)
    centroid: Floats = volume @ middle / volume.sum()
    return centroid
