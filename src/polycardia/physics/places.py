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


def site_of(mesh: TetMesh, name: str, nodes: Integers) -> Site:
    """Return nodes with those around them, at which a front that starts there arrives first.

    The current itself also lifts the voltage of refractory tissue, so a response is looked for
    beyond the `GAP`.  Where a heart has nothing there, the nodes show it themselves.

    Args:
        mesh: the heart.
        name: of the site or place.
        nodes: at least one.
    """
    edge = mean_edge_length(mesh)
    gap = max(GAP, edge)
    away, _ = cKDTree(mesh.points[nodes]).query(
        mesh.points, distance_upper_bound=gap + max(RIM, edge)
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


def place_ball(mesh: TetMesh, name: str, centre: Floats, radius: float) -> Site:
    """Return a ball's nodes; a small one within the wall has the nearest.

    Raises:
        BadMesh: the ball is outside the heart.
    """
    nodes = nodes_in_ball(mesh.points, centre, radius)
    miss = float(np.linalg.norm(mesh.points[nodes[0]] - centre))
    if miss > max(radius, mean_edge_length(mesh)):
        raise BadMesh(
            f"place {name}: the ball of {radius:g} mm around {_shown(centre)} holds no node, "
            f"the nearest is {miss:.1f} mm from its centre"
        )
    return site_of(mesh, name, nodes)


def place_box(mesh: TetMesh, name: str, lowest: Floats, highest: Floats) -> Site:
    """Return the nodes within a box, faces included.

    Raises:
        BadMesh: no node is in it.
    """
    inside = ((mesh.points >= lowest) & (mesh.points <= highest)).all(axis=1)
    if not inside.any():
        raise BadMesh(
            f"place {name}: the box from {_shown(lowest)} to {_shown(highest)} holds no node, "
            f"the heart goes from {_shown(mesh.points.min(axis=0))} to "
            f"{_shown(mesh.points.max(axis=0))}"
        )
    return site_of(mesh, name, np.flatnonzero(inside))


def place_points(mesh: TetMesh, name: str, wanted: PointSet, radius: float) -> Site:
    """Return the nodes within ``radius`` [mm] of any of the points.

    Raises:
        BadMesh: there are no points, or one has no node within the radius.
    """
    if len(wanted.points) == 0:
        raise BadMesh(f"place {name}: {wanted.origin} holds no points, need at least one")
    distances, _ = cKDTree(mesh.points).query(wanted.points)
    miss = np.asarray(distances)
    worst = int(np.argmax(miss))
    if miss[worst] > radius:
        raise BadMesh(
            f"place {name}: point {worst + 1} of {wanted.origin}, at "
            f"{_shown(wanted.points[worst])}, is {miss[worst]:.2f} mm from the nearest node, "
            f"allowed is the radius, {radius:g} mm"
        )
    away, _ = cKDTree(wanted.points).query(
        mesh.points, distance_upper_bound=np.nextafter(radius, np.inf)
    )
    return site_of(mesh, name, np.flatnonzero(away <= radius))


def place_region(
    mesh: TetMesh,
    name: str,
    coordinates: Mapping[str, Floats],
    spans: Mapping[str, tuple[float, float]],
) -> Site:
    """Return the nodes whose coordinates all lie in their spans, ends included.

    Args:
        mesh: the heart.
        name: of the place.
        coordinates: ``(n_nodes,)`` each, by name.
        spans: from and to, by the coordinate's name.

    Raises:
        BadMesh: no node is in the region.
    """
    inside: NDArray[np.bool_] = np.ones(len(mesh.points), dtype=bool)
    for axis, (low, high) in spans.items():
        inside &= (coordinates[axis] >= low) & (coordinates[axis] <= high)
    if not inside.any():
        wanted = " and ".join(f"{axis} {low:g} to {high:g}" for axis, (low, high) in spans.items())
        raise BadMesh(f"place {name}: none of {len(mesh.points)} nodes has {wanted}")
    return site_of(mesh, name, np.flatnonzero(inside))


def _shown(point: Floats) -> str:
    x, y, z = point
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm"
