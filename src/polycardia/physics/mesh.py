"""What a heart is made of, as arrays: tetrahedra, their fibres, and a labelled boundary."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Surface(IntEnum):
    """Labels of the boundary triangles of a biventricular mesh."""

    LV_ENDO = 1
    RV_ENDO = 2
    EPI = 3
    BASE = 4


@dataclass(frozen=True)
class TetMesh:
    """Tetrahedra with what is known per cell.

    Attributes:
        points: ``(n_points, 3)`` [mm].
        tetrahedra: ``(n_cells, 4)`` node numbers, positively oriented once checked.
        region: ``(n_cells,)`` tag of the source mesh; 0 where it has none.
        fibre: ``(n_cells, 3)`` unit vectors, or None where the source mesh brings none.
    """

    points: Floats
    tetrahedra: Integers
    region: Integers
    fibre: Floats | None = None


@dataclass(frozen=True)
class Boundary:
    """Triangles of the boundary, outward oriented, and what each of them is.

    Attributes:
        triangles: ``(n_faces, 3)`` node numbers of the tetrahedral mesh.
        label: ``(n_faces,)`` values of `Surface`.
    """

    triangles: Integers
    label: Integers
