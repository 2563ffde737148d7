r"""Conduction velocity and conductivity: each of them from the other.

A plane wave of one cell model has the velocity :math:`c = k \sqrt{D}`, with the diffusivity
:math:`D = \sigma / (\chi C_m)`: lengths enter the monodomain equation through D alone, so k belongs
to the cell model.  So a conductivity follows from its velocity at once; what a mesh makes of it is
for `polycardia.study.tissue` (after Costa, Hoetzl, Rocha, Prassl, Plank, Comput Cardiol 40:373,
2013).  The effective conductivity of the monodomain equation,
:math:`\sigma = \sigma_i \sigma_e / (\sigma_i + \sigma_e)`, stays below either domain's.
"""

import math


def effective(inside: float, outside: float) -> float:
    """Return the monodomain conductivity of two domains that conduct side by side [mS/mm].

    Args:
        inside: intracellular conductivity [mS/mm].
        outside: extracellular conductivity [mS/mm].
    """
    return inside * outside / (inside + outside)


def intracellular(sigma: float, outside: float) -> float:
    """Return the intracellular conductivity that gives an effective one [mS/mm].

    Args:
        sigma: effective conductivity, less than ``outside`` [mS/mm].
        outside: extracellular conductivity [mS/mm].
    """
    return sigma * outside / (outside - sigma)


def conductivity(velocity: float, speed: float, charge: float) -> float:
    """Return the effective conductivity that gives a velocity [mS/mm].

    Args:
        velocity: [mm/ms].
        speed: k of the cell model [1/sqrt(ms)].
        charge: ``chi C_m`` [uF/mm^3].
    """
    return charge * (velocity / speed) ** 2


def velocity(sigma: float, speed: float, charge: float) -> float:
    """Return the velocity that an effective conductivity [mS/mm] gives [mm/ms].

    It is also the limit that no velocity reaches, if ``sigma`` is the extracellular conductivity.
    """
    return speed * math.sqrt(sigma / charge)
