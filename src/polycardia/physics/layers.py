"""Layers of the wall: cell types across it, and the fast layer on the endocardium."""

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface, TetMesh

ENDOCARDIAL, MIDWALL, EPICARDIAL = 0, 1, 2


def layers(transmural: Floats, endocardial_layer: float, midwall_layer: float) -> Integers:
    """Cell type of every node by its depth in the wall.

    The septum has an endocardium on both faces and none of the epicardium's depth, so that it
    is endocardial throughout.

    Args:
        transmural: ``(n_points,)`` 0 on the endocardium, 1 on the epicardium.
        endocardial_layer: depth at which endocardial cells end, themselves included.
        midwall_layer: depth at which mid-wall cells end, themselves included.

    Returns:
        ``(n_points,)`` of `ENDOCARDIAL`, `MIDWALL`, `EPICARDIAL`.

    Raises:
        BadStudy: the depths are not ordered between 0 and 1.
    """
    if not 0.0 <= endocardial_layer <= midwall_layer <= 1.0:
        raise BadStudy(
            f"layers of the wall end at depths {endocardial_layer} and {midwall_layer}, "
            f"allowed are two ascending numbers from 0 to 1"
        )
    return np.searchsorted([endocardial_layer, midwall_layer], transmural, side="left")


def endocardial_cells(mesh: TetMesh, boundary: Boundary) -> NDArray[np.bool_]:
    """Cells that touch an endocardium, ``(n_cells,)``.

    One layer of cells, whatever their size, stands for the Purkinje network and the
    subendocardial muscle that it excites.
    """
    inside = np.isin(boundary.label, [Surface.LV_ENDO, Surface.RV_ENDO])
    on_endocardium = np.zeros(len(mesh.points), dtype=bool)
    on_endocardium[boundary.triangles[inside]] = True
    touching: NDArray[np.bool_] = on_endocardium[mesh.tetrahedra].any(axis=1)
    return touching
