"""The node that a probe is placed at."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from polycardia.errors import BadMesh
from polycardia.physics.axes import HeartAxes
from polycardia.physics.mesh import Boundary, Floats
from polycardia.physics.places import Cloud, shown
from polycardia.physics.sites import ActivationSite, endocardial_node

DEPTH_BAND = 0.1  # of the wall: nodes that count as at a probe's depth
LARGEST_MISS = 3.0  # [mm] or an edge, between a point and the nearest node
NODES_AT_ONCE = 100_000  # 10 MB: distances from all nodes are 90 B a node


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


def nearest_node(points: Floats, place: Floats) -> tuple[int, float]:
    """Return the node nearest to a place, the first of several, and how far it is [mm].

    Args:
        points: ``(n, 3)`` [mm].
        place: ``(3,)`` [mm].
    """
    nearest, least = 0, np.inf
    for first in range(0, len(points), NODES_AT_ONCE):
        away = np.linalg.norm(points[first : first + NODES_AT_ONCE] - place, axis=1)
        node = int(np.argmin(away))
        if away[node] < least:
            nearest, least = first + node, float(away[node])
    return nearest, least


def node_at_point(cloud: Cloud, name: str, point: Floats) -> tuple[int, float]:
    """Return the node nearest to a point, and how far it is [mm].

    Args:
        cloud: the heart's nodes.
        name: of the probe, for messages.
        point: ``(3,)`` [mm].

    Raises:
        BadMesh: the point is outside the heart, or in another unit.
    """
    node, miss = nearest_node(cloud.points, point)
    allowed = max(LARGEST_MISS, cloud.edge)
    if miss > allowed:
        raise BadMesh(
            f"probe {name}: the point {shown(point)} is {miss:.1f} mm from the nearest node, "
            f"allowed are {allowed:.1f} mm; the heart goes from "
            f"{shown(cloud.points.min(axis=0))} to {shown(cloud.points.max(axis=0))}"
        )
    return node, miss


def node_at(
    points: Floats,
    boundary: Boundary,
    axes: HeartAxes,
    transmural: Floats,
    name: str,
    place: HeartPlace,
) -> int:
    """Return the node at a place in the wall.

    On the endocardium it is where an activation site's middle would be.  Within the wall it is the
    nearest to that of the nodes within `DEPTH_BAND` of the depth, or of those nearest to it.

    Args:
        points: ``(n_nodes, 3)`` of the heart [mm].
        boundary: its boundary with labels.
        axes: its frame.
        transmural: ``(n_nodes,)`` depth, 0 at the endocardium, 1 at the epicardium.
        name: of the probe, for messages.
        place: where.

    Raises:
        BadMesh: no endocardium is there.
    """
    site = ActivationSite(name, place.ventricle, place.apicobasal, place.rotation)
    inner = endocardial_node(points, boundary, axes, site)
    if place.transmural == 0.0:
        return inner
    apart = np.abs(transmural - place.transmural)
    candidates = np.flatnonzero(apart <= max(DEPTH_BAND, float(apart.min())))
    node, _ = nearest_node(points[candidates], points[inner])
    return int(candidates[node])
