"""Bricks of tetrahedra, each its neighbour's mirror image: all that is regular about a mesh."""

from collections.abc import Sequence

import numpy as np

from polycardia.physics.mesh import Floats, Integers

# Six tetrahedra around the diagonal of a brick, corners numbered x + 2 y + 4 z (Kuhn 1960).
KUHN = np.array(
    [[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]]
)


def bricks(axes: Sequence[Floats]) -> tuple[Floats, Integers]:
    """Return bricks of six tetrahedra, each brick its neighbour's mirror image.

    So no diagonal is preferred: with all of them alike a wave is some 10 % faster along their
    diagonals than against them.

    Args:
        axes: three, ascending: where the bricks' faces are [mm].

    Returns:
        Points ``(n, 3)`` and tetrahedra ``(m, 4)``.
    """
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    counts = [len(axis) - 1 for axis in axes]
    number = np.arange(len(points)).reshape([n + 1 for n in counts])
    brick = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3)
    odd = brick % 2
    tetrahedra = np.empty((len(brick), len(KUHN), 4), np.int64)
    for place, corner in np.ndenumerate(KUHN):
        step = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        x, y, z = (brick + np.where(odd, 1 - step, step)).T
        tetrahedra[:, place[0], place[1]] = number[x, y, z]
    mirrored = odd.sum(axis=1) % 2 == 1
    tetrahedra[mirrored] = tetrahedra[mirrored][:, :, [1, 0, 2, 3]]
    return points, tetrahedra.reshape(-1, 4)


def along_the_diagonal(counts: tuple[int, int, int]) -> tuple[Floats, Integers]:
    """Return a bar of unit bricks that lie at 45 degrees to it.

    Args:
        counts: diagonals of bricks along it and across it, an even number; edges along the third
            axis.

    Returns:
        Points ``(n, 3)``, ascending along the bar from 0, and tetrahedra ``(m, 4)``.
    """
    length, width, height = counts
    edges = [np.arange(n + 1.0) for n in (length + width, length + width, height)]
    points, cells = bricks(edges)
    # Every second diagonal is one of tetrahedra's edges all along: the bar's faces are such.
    along, across = points[:, 0] + points[:, 1] - width, points[:, 1] - points[:, 0]
    inside = (along >= 0.0) & (along <= 2.0 * length) & (np.abs(across) <= width)
    cells = cells[inside[cells].all(axis=1)]
    kept = np.unique(cells)
    kept = kept[np.argsort(along[kept], kind="stable")]
    number = np.empty(len(points), np.int64)
    number[kept] = np.arange(len(kept))
    root = np.sqrt(0.5)
    place = np.column_stack([root * along, root * (across + width), points[:, 2]])
    return place[kept], number[cells]
