"""Cutting a surface in two along a short line that prefers creases: a minimum cut."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from polycardia.physics.mesh import Floats, Integers

_UNITS = 2.0**20  # integer steps that the largest term is divided into


def cut_in_two(score: Floats, pairs: Integers, cost: Floats) -> NDArray[np.bool_]:
    """Choose the set S of nodes that maximises ``sum(score over S) - sum(cost of cut pairs)``.

    Args:
        score: ``(n,)`` what a node adds when it is in S; negative ones rather stay out.
        pairs: ``(m, 2)`` neighbours.
        cost: ``(m,)`` not negative, paid when only one of a pair is in S.

    Returns:
        ``(n,)`` membership of S.
    """
    n = len(score)
    source, sink, nodes = n, n + 1, np.arange(n)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], np.full(n, source), nodes])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], nodes, np.full(n, sink)])
    capacity = np.concatenate([cost, cost, np.maximum(score, 0.0), np.maximum(-score, 0.0)])
    steps = np.rint(capacity * (_UNITS / max(float(capacity.max()), 1e-300))).astype(np.int32)
    graph = csr_array((steps, (rows, columns)), (n + 2, n + 2))
    left = graph - maximum_flow(graph, source, sink).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    chosen = np.zeros(n + 2, dtype=bool)
    chosen[breadth_first_order(left, source, return_predecessors=False)] = True
    return chosen[:n]
