"""Sets of nodes that stimuli act on, other than the sites of a beat, and what lies around them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from polycardia.errors import BadMesh
from polycardia.physics.heart import Site
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.physics.refinement import mean_edge_length

FEWEST_NODES = 4  # in a ball, on a coarse mesh the nearest ones
GAP = 2.0  # [mm] or an edge, beside a stimulus, which its current alone lifts above the threshold
RIM = 2.0  # [mm] or an edge, the width of what is watched beyond that


@dataclass(frozen=True)
class PointSet:
    """Points of a file, as they lie on the source mesh.

    Attributes:
        origin: the file, for messages.
        points: ``(n, 3)`` [mm].
    """

    origin: str
    points: Floats


@dataclass(frozen=True)
class Cloud:
    """A heart's nodes, and how far apart they are.

    Attributes:
        points: ``(n, 3)`` [mm].
        edge: mean length of an edge [mm].
    """

    points: Floats
    edge: float


def cloud_of(mesh: TetMesh) -> Cloud:
    """Return the nodes of a mesh, all of whose edges are measured."""
    return Cloud(mesh.points, mean_edge_length(mesh))


def site_of(cloud: Cloud, name: str, nodes: Integers) -> Site:
    """Return nodes with those around them, at which a front that starts there arrives first.

    The current itself also lifts the voltage of refractory tissue, so a response is looked for
    beyond the `GAP`.  Where a heart has nothing there, the nodes show it themselves.

    Args:
        cloud: the heart's nodes.
        name: of the site or place.
        nodes: at least one.
    """
    gap = max(GAP, cloud.edge)
    away, _ = cKDTree(cloud.points[nodes]).query(
        cloud.points, distance_upper_bound=gap + max(RIM, cloud.edge)
    )
    around = np.flatnonzero((away > gap) & np.isfinite(away))
    return Site(name, nodes, around if around.size else nodes)


def nodes_in_ball(points: Floats, centre: Floats, radius: float) -> Integers:
    """Return all nodes within ``radius`` [mm], `FEWEST_NODES` at least, from the middle outwards.

    Args:
        points: ``(n, 3)`` [mm], of more nodes than the fewest.
        centre: ``(3,)`` [mm].
        radius: [mm].
    """
    away = np.linalg.norm(points - centre, axis=1)
    count = max(FEWEST_NODES, int(np.count_nonzero(away <= radius)))
    nearest = np.argpartition(away, count - 1)[:count]
    return nearest[np.argsort(away[nearest], kind="stable")]


def place_ball(cloud: Cloud, name: str, centre: Floats, radius: float) -> Site:
    """Return a ball's nodes; a small one within the wall has the nearest.

    Raises:
        BadMesh: the ball is outside the heart.
    """
    nodes = nodes_in_ball(cloud.points, centre, radius)
    miss = float(np.linalg.norm(cloud.points[nodes[0]] - centre))
    if miss > max(radius, cloud.edge):
        raise BadMesh(
            f"place {name}: the ball of {radius:g} mm around {shown(centre)} holds no node, "
            f"the nearest is {miss:.1f} mm from its centre"
        )
    return site_of(cloud, name, nodes)


def place_box(cloud: Cloud, name: str, lowest: Floats, highest: Floats) -> Site:
    """Return the nodes within a box, faces included.

    Raises:
        BadMesh: no node is in it.
    """
    inside = ((cloud.points >= lowest) & (cloud.points <= highest)).all(axis=1)
    if not inside.any():
        raise BadMesh(
            f"place {name}: the box from {shown(lowest)} to {shown(highest)} holds no node, "
            f"the heart goes from {shown(cloud.points.min(axis=0))} to "
            f"{shown(cloud.points.max(axis=0))}"
        )
    return site_of(cloud, name, np.flatnonzero(inside))


def place_points(cloud: Cloud, name: str, wanted: PointSet, radius: float) -> Site:
    """Return the nodes within ``radius`` [mm] of any of the points.

    Raises:
        BadMesh: there are no points, or one has no node within the radius.
    """
    if len(wanted.points) == 0:
        raise BadMesh(f"place {name}: {wanted.origin} holds no points, need at least one")
    distances, _ = cKDTree(cloud.points).query(wanted.points)
    miss = np.asarray(distances)
    worst = int(np.argmax(miss))
    if miss[worst] > radius:
        raise BadMesh(
            f"place {name}: point {worst + 1} of {wanted.origin}, at "
            f"{shown(wanted.points[worst])}, is {miss[worst]:.2f} mm from the nearest node, "
            f"allowed is the radius, {radius:g} mm"
        )
    away, _ = cKDTree(wanted.points).query(
        cloud.points, distance_upper_bound=np.nextafter(radius, np.inf)
    )
    return site_of(cloud, name, np.flatnonzero(away <= radius))


def place_region(
    cloud: Cloud,
    name: str,
    coordinates: Mapping[str, Floats],
    spans: Mapping[str, tuple[float, float]],
) -> Site:
    """Return the nodes whose coordinates all lie in their spans, ends included.

    Args:
        cloud: the heart's nodes.
        name: of the place.
        coordinates: ``(n_nodes,)`` each, by name.
        spans: from and to, by the coordinate's name.

    Raises:
        BadMesh: no node is in the region.
    """
    inside: NDArray[np.bool_] = np.ones(len(cloud.points), dtype=bool)
    for axis, (low, high) in spans.items():
        inside &= (coordinates[axis] >= low) & (coordinates[axis] <= high)
    if not inside.any():
        wanted = " and ".join(f"{axis} {low:g} to {high:g}" for axis, (low, high) in spans.items())
        raise BadMesh(f"place {name}: none of {len(cloud.points)} nodes has {wanted}")
    return site_of(cloud, name, np.flatnonzero(inside))


def shown(point: Floats) -> str:
    """Return ``(3,)`` a point [mm] as messages have it."""
    x, y, z = point
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm"
