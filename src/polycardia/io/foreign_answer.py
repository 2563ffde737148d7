"""What a child process answers of a mesh file: points, cells and arrays, or why it has none."""

from typing import Any

import numpy as np


class Unreadable(Exception):
    """The file is at fault; the sentence says how."""


def answer_of(points: Any, blocks: list[tuple[str, Any, Any]], arrays: Any) -> dict[str, Any]:
    """Gather tetrahedra, triangles and their rows of every cell array.

    Args:
        points: ``(n, 3)`` in the file's unit.
        blocks: ``(kind, cell numbers, nodes)`` of equal cells; nodes only for what is used.
        arrays: values by name, a row for every cell of the file.
    """
    answer: dict[str, Any] = {"points": np.asarray(points, dtype=np.float64), "kinds": {}}
    for what, width in (("tetrahedron", 4), ("triangle", 3)):
        chosen = [block for block in blocks if block[0].endswith(what)]
        cells = [np.asarray(members, dtype=np.int64) for _, members, _ in chosen]
        nodes = [np.asarray(nodes, dtype=np.int64) for _, _, nodes in chosen]
        answer[f"{what}_cells"] = np.concatenate([np.empty(0, np.int64), *cells])
        answer[what] = np.concatenate([np.empty((0, width), np.int64), *nodes])
        rows = answer[f"{what}_cells"]
        answer[f"{what}_arrays"] = {
            name: array[rows] for name, array in arrays.items()
            if rows.size and rows.max() < len(array) and array.dtype.kind in "iufb"
        }  # fmt: skip
    for kind, members, _ in blocks:
        answer["kinds"][kind] = answer["kinds"].get(kind, 0) + len(members)
    return answer
