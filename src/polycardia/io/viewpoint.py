"""From where to look at a heart."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, KDTree

from polycardia.physics.mesh import Floats, Integers


@dataclass(frozen=True)
class Viewpoint:
    """What all views of one heart have in common.

    Attributes:
        frame: ``(3, 3)``, rows septal, anterior, long, as `physics.axes.HeartAxes.frame`.
        centre: ``(3,)`` of the heart's extent in its own frame [mm].
        half_extent: ``(3,)`` along the rows of ``frame`` [mm].
    """

    frame: Floats
    centre: Floats
    half_extent: Floats

    @classmethod
    def of(cls, points: Floats, frame: Floats) -> "Viewpoint":
        """Return the viewpoint that shows all points, ``(n, 3)`` [mm]."""
        within = points @ frame.T
        low, high = within.min(axis=0), within.max(axis=0)
        return cls(frame, (low + high) / 2.0 @ frame, (high - low) / 2.0)


def viewing_axes(points: Floats, tetrahedra: Integers) -> Floats:
    """Heart's own frame from the geometry alone, good enough to look at it from the right side.

    The convex hull closes the open base, so its facets that lie far from any node of the mesh
    face away from the apex.  Across the long axis a heart is widest from one ventricle to the
    other, and as the left wall is the thick one the wall's centre lies left of the hull's.
    Within 11 degrees of the way between the labelled endocardia, and 20 of the base's normal,
    in both of the hearts this was tried on.

    Args:
        points: ``(n_points, 3)`` [mm].
        tetrahedra: ``(n_cells, 4)`` node numbers.

    Returns:
        ``(3, 3)``, rows septal, anterior, long, as `physics.axes.HeartAxes.frame`.
    """
    up, hull_centre = _base_and_centre(points)
    wall = points[tetrahedra]
    weight = np.abs(np.linalg.det(wall[:, 1:] - wall[:, :1]))[:, None]
    wall_centre = (wall.mean(axis=1) * weight).sum(axis=0) / weight.sum()
    across = wall.mean(axis=1) - wall_centre
    across -= np.outer(across @ up, up)
    septal = np.linalg.eigh((across * weight).T @ across)[1][:, -1]
    septal *= np.sign((hull_centre - wall_centre) @ septal) or 1.0
    return np.stack([septal, np.cross(up, septal), up])


def _base_and_centre(points: Floats) -> tuple[Floats, Floats]:
    """Unit vector from apex to base, and the centre of the filled heart [mm]."""
    hull = ConvexHull(points)
    corner = points[hull.simplices]
    facet = corner.mean(axis=1)
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area *= np.sign(np.einsum("ij,ij->i", area, hull.equations[:, :3]))[:, None]
    gap = np.asarray(KDTree(points).query(facet)[0])
    up = (area * gap[:, None]).sum(axis=0)
    # Divergence theorem, from a point inside so that every cone's volume is positive.
    inside = points.mean(axis=0)
    cone = np.einsum("ij,ij->i", area, facet - inside)[:, None]
    centre = inside + 0.75 * (cone * (facet - inside)).sum(axis=0) / cone.sum()
    return up / np.linalg.norm(up), centre
