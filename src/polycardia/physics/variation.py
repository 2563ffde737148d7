"""Cell parameters that differ from node to node: along coordinates, and between regions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.elements import volumes
from polycardia.physics.mesh import Floats, Integers, TetMesh

TIE = 1e-9
"""[1] Shares of the volume around a node that differ by less than this of it are equal."""


def linear_factor(coordinate: Floats, at_zero: float, at_one: float) -> Floats:
    """Return ``(n,)`` factors that go linearly with a coordinate between 0 and 1."""
    return at_zero + (at_one - at_zero) * coordinate


def region_of_nodes(mesh: TetMesh) -> Integers:
    """Return ``(n_points,)`` the region tag that fills most of the volume around each node.

    The volume is that of the node's tetrahedra, so its share of the lumped mass.  Of regions with
    equal shares the lowest tag has the node.  That depends on the node's own tetrahedra alone:
    where a part of a heart has all of them, it finds the same as the whole.

    Args:
        mesh: every node has a tetrahedron.
    """
    size = volumes(mesh)
    around = _volume_around(mesh, size)
    tags = np.unique(mesh.region)
    winner, best = np.full(len(around), tags[0]), np.zeros(len(around))
    for tag in tags:
        share = _volume_around(mesh, np.where(mesh.region == tag, size, 0.0))
        larger = share > best + TIE * around
        winner[larger], best[larger] = tag, share[larger]
    return winner


def _volume_around(mesh: TetMesh, size: Floats) -> Floats:
    """Return for each node the sum of its tetrahedra's ``size``."""
    corners = mesh.tetrahedra.ravel()
    return np.bincount(corners, np.repeat(size, 4), len(mesh.points)).astype(np.float64)


def scaled_by_region(factors: Mapping[int, float], region: NDArray[np.integer[Any]]) -> Floats:
    """Return the factor of each entry's region; regions that have none have 1."""
    scaled = np.ones(len(region))
    for tag, factor in factors.items():
        scaled[region == tag] = factor
    return scaled
