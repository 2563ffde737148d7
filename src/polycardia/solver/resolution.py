"""What is done about elements that are coarse beside the front that crosses them.

A front thinner than an element is carried on by the few points of the quadrature that it meets,
too fast or too slowly; an element whose edges are askew to the front carries it faster, and less so
where the nodes' stencils are uneven (`polycardia.solver.stencil`).  A factor of the current there,
measured once for a cell model and a time step (`polycardia.study.calibration`), gives the wave the
velocity that fine elements would give it.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from polycardia.physics.mesh import Floats

ASKEW, UNEVEN = 0.3, 0.6
"""Dispersion that the second row of factors is for, and unevenness of the third: about those of the
bars that they are measured on."""
DISPERSIONS, UNEVENNESSES = (-0.2, 0.7), (0.0, 1.0)  # told apart: flat elements know no bound


class Crossing(NamedTuple):
    """How elements lie in the front that crosses them.

    Attributes:
        resolution: ``(n,)`` length along the front's way over the root of the diffusivity there
            [sqrt(ms)].
        dispersion: ``(n,)`` as `physics.resolution.dispersion` has it [1].
        unevenness: ``(n,)`` by how much the nodes' stencils differ, which takes back some of the
            dispersion: the square of the relative difference between the diffusivity that a node
            sees and the tissue's, over the node's rate of diffusion and the length's square [1].

    The last two are means over the elements around.
    """

    resolution: Floats
    dispersion: Floats
    unevenness: Floats


@dataclass(frozen=True)
class CurrentFactor:
    """What the current near the front is multiplied by, for the way an element lies in it.

    Attributes:
        resolution: ``(n,)`` ascending, of a `Crossing` [sqrt(ms)].
        factor: ``(3, n)`` for elements without dispersion, for `ASKEW` ones, and for those that are
            as much `UNEVEN` besides [1].
    """

    resolution: Floats
    factor: Floats

    def at(self, crossing: Crossing) -> Floats:
        """Return ``(n,)`` factors.

        They are 1 for elements without length, linear between those of the table, and a power law
        beyond it.  Their logarithm is linear in the dispersion and in the unevenness.
        """
        rows = np.log([self._at(crossing.resolution, row) for row in self.factor])
        factor: Floats = np.exp((rows * shares(crossing)).sum(axis=0))
        return factor

    def _at(self, resolution: Floats, row: Floats) -> Floats:
        factor = np.interp(resolution, np.append(0.0, self.resolution), np.append(1.0, row))
        if len(self.resolution) > 1:
            last, end = self.resolution[-2:], np.log(row[-2:])
            power = min(0.0, (end[1] - end[0]) / math.log(last[1] / last[0]))
            factor *= np.maximum(1.0, resolution / last[1]) ** power
        return factor


def shares(crossing: Crossing) -> Floats:
    """Return ``(3, n)`` what each row of a `CurrentFactor` counts for, 1 together."""
    dispersion = np.clip(crossing.dispersion, *DISPERSIONS) / ASKEW
    unevenness = np.clip(crossing.unevenness, *UNEVENNESSES) / UNEVEN
    return np.stack([1.0 - dispersion, dispersion - unevenness, unevenness])


UNCHANGED = CurrentFactor(np.zeros(0), np.zeros((3, 0)))
