"""From a heart's shape to its mesh: tetrahedra, the labelled boundary, and what was promised."""

from dataclasses import dataclass, replace

import numpy as np

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface, TetMesh
from polycardia.physics.topology import boundary_faces, components, row_keys, triangle_edges
from polycardia.synthesis.anatomy import HeartShape
from polycardia.synthesis.lattice import lattice_around
from polycardia.synthesis.pose import Pose
from polycardia.synthesis.smoothing import mean_ratio, smoothed
from polycardia.synthesis.stuffing import stuffed

# Edges of the lattice are 1 and 0.87 of a cube's side, 8 of the first and 6 of the second at
# a node; cut and smoothed edges at the surface are shorter.
SIDE_OF_EDGE = 1.1
FINEST_EDGE, COARSEST_EDGE = 0.8, 3.0  # [mm]
# Below this ratio of wall to side the lattice leaves holes in the wall: none in 52 hearts at
# 1.06 and more, in all of 12 at 0.97.
WALL_OF_SIDE = 1.05
LOWEST_QUALITY = 0.15  # mean ratio; the lowest of some 180 hearts is 0.32

LV_WALL, RV_WALL = 1, 2  # region tags; the septum belongs to the LV


@dataclass(frozen=True)
class Heart:
    """A meshed heart.

    Attributes:
        mesh: with the region `LV_WALL` or `RV_WALL` of every cell.
        boundary: its whole surface, one closed sheet.
    """

    mesh: TetMesh
    boundary: Boundary

    def placed(self, pose: Pose) -> "Heart":
        """Return the heart where ``pose`` puts it."""
        return Heart(replace(self.mesh, points=pose.placed(self.mesh.points)), self.boundary)


def meshed(shape: HeartShape, *, edge_length: float) -> Heart:
    """Return the heart's mesh in its own frame (base in z = 0, apex towards -z).

    Args:
        shape: the heart.
        edge_length: of the tetrahedra inside the wall [mm]; over all edges the mean is about
            a tenth less, for those at the surface are shorter.

    Raises:
        BadStudy: the edge length is too coarse for the wall.
    """
    side = SIDE_OF_EDGE * edge_length
    wall = shape.thinnest_wall()
    if wall < WALL_OF_SIDE * side:
        raise BadStudy(
            f"edge length {edge_length:g} mm is too coarse for a wall of {wall:.2f} mm, need "
            f"at most {wall / (WALL_OF_SIDE * SIDE_OF_EDGE):.2f} mm"
        )
    lattice = lattice_around(shape.wall, *shape.bounds(), side)
    points, tetrahedra = stuffed(lattice, shape.wall, side)
    points = smoothed(points, tetrahedra, shape.wall)
    faces, _ = boundary_faces(tetrahedra)
    _check(points, tetrahedra, faces, edge_length)
    centres = points[tetrahedra].mean(axis=1)
    region = np.where(shape.lv_outer.distance(centres) < 0.0, LV_WALL, RV_WALL).astype(np.int64)
    boundary = Boundary(faces, _labels(shape, points, faces))
    return Heart(TetMesh(points, tetrahedra, region), boundary)


def _labels(shape: HeartShape, points: Floats, faces: Integers) -> Integers:
    """Return ``(n,)`` values of `Surface`: the base, or the wall surface that the face lies on."""
    in_order = np.array([Surface.LV_ENDO, Surface.RV_ENDO, Surface.EPI])
    nearest = in_order[shape.layers(points[faces].mean(axis=1)).argmax(axis=0)]
    in_base = (points[faces, 2] == 0.0).all(axis=1)
    return np.where(in_base, Surface.BASE, nearest).astype(np.int64)


def _check(points: Floats, tetrahedra: Integers, faces: Integers, edge_length: float) -> None:
    """Raise `BadStudy` unless this is one piece with one closed surface and no flat cell."""
    edges, _ = triangle_edges(faces)
    _, uses = np.unique(row_keys(edges, len(points)), return_counts=True)
    holes = len(np.unique(faces)) - len(uses) + len(faces) - 2
    pieces = components(len(points), tetrahedra[:, [[0, 1], [0, 2], [0, 3]]].reshape(-1, 2)).max()
    lowest = mean_ratio(points, tetrahedra).min()
    if (uses != 2).any() or holes or pieces or lowest < LOWEST_QUALITY:
        raise BadStudy(
            f"at an edge length of {edge_length:g} mm the heart's surface is not one closed sheet "
            f"of sound tetrahedra (lowest mean ratio {lowest:.2f}, need {LOWEST_QUALITY:g}); "
            "a finer mesh resolves it"
        )
