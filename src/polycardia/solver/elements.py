"""The elements of one rank, as the solver knows them while it runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Conductivity
from polycardia.physics.mesh import Floats


@dataclass(frozen=True)
class Elements:
    """The elements that touch one rank's nodes, by the rank's local node numbers.

    Attributes:
        corners: ``(n_cells, 4)`` int32, positions among the rank's own nodes and ghosts.
        points: ``(n_local, 3)`` [mm].
        volume: ``(n_cells,)`` [mm^3].
        fibre: ``(n_cells, 3)`` unit vectors.
        factor: ``(n_cells,)`` by which the conductivities are multiplied.
        diffusivity: of the tissue, conductivity over ``chi C_m`` [mm^2/ms].
    """

    corners: NDArray[np.int32]
    points: Floats
    volume: Floats
    fibre: NDArray[np.floating[Any]]
    factor: NDArray[np.floating[Any]]
    diffusivity: Conductivity
