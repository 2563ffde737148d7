"""What 4 to 256 ranks would send each other, counted on the mesh, and what that predicts.

The ranks' slices are those of `polycardia.solver.partition`: nobody has to run them to count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Integers
from polycardia.solver.partition import owners

RANKS = (4, 8, 16, 32, 64, 128, 256)
LATENCY = 2.0e-6  # [s] of a message between two nodes of a cluster with InfiniBand
BANDWIDTH = 10.0e9  # [B/s] of one rank's messages, all ranks of a node sending
VALUE = 8  # [B]
LOOKS = 1  # reductions at each look at the tissue (`solver.control`)
# Values a node in the exchanges of each look (`solver.resolution`): the slope, both measures.
WIDE = (3, 2)


@dataclass(frozen=True)
class Load:
    """What the ranks of one number of them do in an exchange.

    Attributes:
        ranks: how many.
        most_nodes: that a rank steps, ghosts included.
        neighbours: of the rank with most of them.
        messages: of all ranks.
        most_ghosts: of a rank.
        ghosts: of all ranks.
    """

    ranks: int
    most_nodes: int
    neighbours: int
    messages: int
    most_ghosts: int
    ghosts: int


def load(tetrahedra: Integers, n_nodes: int, ranks: int) -> Load:
    """Count the ghosts of every rank: the others' nodes in elements with one of its own."""
    owner = owners(tetrahedra.astype(np.int64), n_nodes, ranks)
    shared = (owner != owner[:, :1]).any(axis=1)
    owner, nodes = owner[shared], tetrahedra[shared].astype(np.int64)
    reader = np.repeat(owner, 4, axis=1).ravel()
    read, source = np.tile(nodes, (1, 4)).ravel(), np.tile(owner, (1, 4)).ravel()
    foreign = reader != source
    ghosts = np.unique(reader[foreign] * n_nodes + read[foreign])
    links = np.unique(reader[foreign] * ranks + source[foreign])
    of_rank = np.bincount(ghosts // n_nodes, minlength=ranks)
    bounds = np.arange(ranks + 1) * n_nodes // ranks
    return Load(
        ranks=ranks,
        most_nodes=int((np.diff(bounds) + of_rank).max()),
        neighbours=int(np.bincount(links // ranks, minlength=ranks).max()),
        messages=len(links),
        most_ghosts=int(of_rank.max()),
        ghosts=len(ghosts),
    )


def predicted(
    count: Load,
    n_nodes: int,
    *,
    reaction_ns: float,
    other_ns: float,
    exchanges: float,
    steps_a_look: float,
) -> dict[str, float]:
    """Return what a step costs with ``count.ranks`` ranks.

    A rank steps its own nodes, and the reaction of its ghosts too; an exchange is a latency for
    every neighbour and the ghosts over the bandwidth, with one value for each of them but at looks;
    a reduction a latency for every level of a tree.  Differences in the front's share between ranks
    are left out.  This is a beat with a front in it: where there is none, a look exchanges less.

    Args:
        count: of the partition.
        n_nodes: of the mesh.
        reaction_ns: a node and step, on one core [ns].
        other_ns: of all other computation a node and step [ns].
        exchanges: in a step.
        steps_a_look: between two looks at the tissue.
    """
    values = exchanges + sum(wide - 1 for wide in WIDE) / steps_a_look
    exchanging = exchanges * count.neighbours * LATENCY
    exchanging += values * count.most_ghosts * VALUE / BANDWIDTH
    reductions = LOOKS / steps_a_look
    own = n_nodes / count.ranks
    computing = 1e-9 * (reaction_ns * count.most_nodes + other_ns * own)
    step = computing + exchanging + reductions * math.log2(count.ranks) * LATENCY
    return {
        "ranks": count.ranks,
        "nodes_a_rank": own,
        "neighbours_at_most": count.neighbours,
        "ghosts_at_most": count.most_ghosts,
        "messages_a_step": count.messages * exchanges,
        "bytes_a_step": count.ghosts * VALUE * values,
        "reductions_a_step": reductions,
        "us_a_step": 1e6 * step,
        "efficiency": 1e-9 * (reaction_ns + other_ns) * own / step,
    }


def prediction(
    tetrahedra: Integers, n_nodes: int, measured: Mapping[str, float], ranks: Sequence[int] = RANKS
) -> list[dict[str, float]]:
    """Return the table; ``measured`` has the keyword arguments of `predicted`."""
    return [predicted(load(tetrahedra, n_nodes, r), n_nodes, **measured) for r in ranks]
