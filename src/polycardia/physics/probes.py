"""The node that a probe is placed at."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from polycardia.physics.axes import heart_axes
from polycardia.physics.mesh import Boundary, Floats, TetMesh
from polycardia.physics.sites import ActivationSite, place_sites

DEPTH_BAND = 0.1  # of the wall: nodes that count as at a probe's depth


@dataclass(frozen=True)
class HeartPlace:
    """A place in the wall of any heart.

    Attributes:
        ventricle: whose endocardium it is seen from.
        apicobasal: height, 0 at the apex, 1 at the base.
        rotation: about the long axis, as of activation sites [degrees].
        transmural: depth, 0 at the endocardium, 1 at the epicardium.
    """

    ventricle: Literal["lv", "rv"]
    apicobasal: float
    rotation: float
    transmural: float = 0.0


def nearest_node(points: Floats, place: Floats) -> int:
    """Return the node nearest to a place; the first of several.

    Args:
        points: ``(n, 3)`` [mm].
        place: ``(3,)`` [mm].
    """
    return int(np.argmin(np.linalg.norm(points - place, axis=1)))


def node_at(
    mesh: TetMesh, boundary: Boundary, transmural: Floats, name: str, place: HeartPlace
) -> int:
    """Return the node at a place in the wall.

    On the endocardium it is where an activation site's middle would be.  Within the wall it is the
    nearest to that of the nodes within `DEPTH_BAND` of the depth, or of those nearest to it.

    Args:
        mesh: the heart.
        boundary: its boundary with labels.
        transmural: ``(n_nodes,)`` depth, 0 at the endocardium, 1 at the epicardium.
        name: of the probe, for messages.
        place: where.

    Raises:
        BadMesh: no endocardium is there.
    """
    site = ActivationSite(name, place.ventricle, place.apicobasal, place.rotation)
    axes = heart_axes(mesh, boundary)
    (found,) = place_sites(mesh, boundary, axes, [site])
    inner = int(found.nodes[0])
    if place.transmural == 0.0:
        return inner
    apart = np.abs(transmural - place.transmural)
    candidates = np.flatnonzero(apart <= max(DEPTH_BAND, float(apart.min())))
    return int(candidates[nearest_node(mesh.points[candidates], mesh.points[inner])])
