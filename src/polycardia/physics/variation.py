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
    tags, tag = np.unique(mesh.region, return_inverse=True)
    lowest = np.full(len(mesh.points), len(tags))
    highest = np.full(len(mesh.points), -1)
    for nodes in mesh.tetrahedra.T:
        np.minimum.at(lowest, nodes, tag)
        np.maximum.at(highest, nodes, tag)
    # Only the others have to be measured: those on the border of regions.
    contested = lowest < highest
    if not contested.any():
        return np.asarray(tags[lowest])
    cells = np.flatnonzero(contested[mesh.tetrahedra].any(axis=1))
    border = TetMesh(mesh.points, mesh.tetrahedra[cells], tag[cells])
    corners = np.flatnonzero(contested[border.tetrahedra])
    node, cell = border.tetrahedra.ravel()[corners], corners // 4
    lowest[contested] = _largest(node, border.region[cell], volumes(border)[cell], len(tags))
    winner: Integers = tags[lowest]
    return winner


def _largest(node: Integers, tag: Integers, size: Floats, n_tags: int) -> Integers:
    """Return the tag with the largest share of each node, by node.

    Args:
        node: ``(n,)`` of pieces.
        tag: ``(n,)`` of them, less than ``n_tags``.
        size: ``(n,)`` of them [mm^3].
        n_tags: in all.
    """
    pairs, pair = np.unique(node * n_tags + tag, return_inverse=True)
    share, tag = np.bincount(pair, size), pairs % n_tags
    # The pairs of a node follow each other, by their tags.
    first = np.flatnonzero(np.diff(pairs // n_tags, prepend=-1))
    count = np.diff(first, append=len(pairs))
    around = np.add.reduceat(share, first) if first.size else share
    winner, best = tag[first], np.zeros(len(first))
    for place in range(count.max(initial=0)):
        some = np.flatnonzero(count > place)
        these = first[some] + place
        larger = share[these] > best[some] + TIE * around[some]
        winner[some[larger]] = tag[these[larger]]
        best[some[larger]] = share[these[larger]]
    return winner


def scaled_by_region(factors: Mapping[int, float], region: NDArray[np.integer[Any]]) -> Floats:
    """Return the factor of each entry's region; regions that have none have 1."""
    scaled = np.ones(len(region))
    for tag, factor in factors.items():
        scaled[region == tag] = factor
    return scaled
