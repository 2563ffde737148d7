"""The box heart on its way through admission, and what holds of every heart behind it."""

from dataclasses import replace

import numpy as np
import pytest
from box_heart import box_heart, volumes

HEART = box_heart()


def points_moved(node, by):
    points = HEART.points.copy()
    points[node] += by
    return points


def labelled(label, triangles=HEART.triangles):
    return replace(HEART.source().surface, label=label, triangles=triangles)


def assert_sound(admitted):
    """A closed, outward oriented, labelled boundary of positive cells."""
    mesh, boundary = admitted.mesh, admitted.boundary
    assert (volumes(mesh.points, mesh.tetrahedra) > 0).all()
    corners = mesh.points[boundary.triangles]
    flux = np.linalg.det(corners).sum() / 6.0  # volume by the divergence theorem
    assert flux == pytest.approx(volumes(mesh.points, mesh.tetrahedra).sum(), rel=1e-9)
    assert set(np.unique(boundary.label)) == {1, 2, 3, 4}
    assert len(np.unique(mesh.tetrahedra)) == len(mesh.points)
