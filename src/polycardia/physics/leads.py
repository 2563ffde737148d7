r"""From transmembrane voltage to electrodes and the twelve standard leads.

The heart lies in an unbounded homogeneous conductor, and acts on it through the current that
leaves the cells, :math:`\nabla\cdot(\sigma_i \nabla V)`:

.. math:: \phi_e(x_e) = -\frac{1}{4\pi\sigma_b} \int_H \sigma_i \nabla V \cdot
          \nabla\frac{1}{|x - x_e|}\,dx

(Plonsey & Barr, Bioelectricity; as a pseudo-ECG: Gima & Rudy, Circ. Res. 90 (2002) 889).  With V
and :math:`z = 1 / (4\pi\sigma_b |x - x_e|)` interpolated linearly between the nodes the integral
is :math:`-V^T K z`: an electrode is one vector :math:`w = -K z` and a sample one dot product.
"""

from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadMesh
from polycardia.physics.electrodes import ELECTRODES
from polycardia.physics.elements import conductivity_tensor, stiffness
from polycardia.physics.mesh import Floats, TetMesh

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def lead_vectors(mesh: TetMesh, sigma_i: Floats, electrodes: Floats, sigma_b: float) -> Floats:
    """Vectors whose dot product with the nodes' voltage is an electrode's potential.

    Args:
        mesh: the heart.
        sigma_i: ``(n_cells, 3, 3)`` or ``(3, 3)``, *intracellular* conductivity [mS/mm]; the
            effective conductivity of the monodomain equation would make the ECG too small.
        electrodes: ``(k, 3)`` [mm], several cell sizes away from the heart.
        sigma_b: conductivity of the surrounding conductor [mS/mm].

    Returns:
        ``(k, n_points)``, without unit: ``lead_vectors @ voltage`` is in mV, positive where a
        front of depolarisation approaches.

    Raises:
        BadMesh: an electrode coincides with a node.
    """
    field = np.empty((len(mesh.points), len(electrodes)))
    for column, electrode in enumerate(electrodes):
        distance = np.linalg.norm(mesh.points - electrode, axis=1)
        if distance.min() <= 0.0:
            raise BadMesh(
                f"electrode {column} at {electrode.tolist()} mm coincides with node "
                f"{int(distance.argmin())}, it must lie outside the heart"
            )
        field[:, column] = 1.0 / (4.0 * np.pi * sigma_b * distance)
    return np.ascontiguousarray(-(stiffness(mesh, sigma_i) @ field).T)


@dataclass(frozen=True)
class LeadVectors:
    """Lead vectors of tissue whose intracellular conductivity is not known yet.

    The vectors are linear in the conductivity: along the fibres and across them they add up.

    Attributes:
        along: ``(k, n_points)`` for 1 mS/mm along the fibres and none across them [mm/mS].
        across: ``(k, n_points)`` for 1 mS/mm across the fibres and none along them [mm/mS].
    """

    along: Floats
    across: Floats

    def at(self, fibre: float, cross: float) -> Floats:
        """Return the vectors ``(k, n_points)``, without unit.

        Args:
            fibre: intracellular conductivity along the fibres [mS/mm].
            cross: intracellular conductivity across the fibres [mS/mm].
        """
        return fibre * self.along + cross * self.across


def unit_lead_vectors(
    mesh: TetMesh, factor: Floats, electrodes: Floats, sigma_b: float
) -> LeadVectors:
    """Return lead vectors for unit conductivity along and across the fibres.

    Args:
        mesh: the heart, with fibres.
        factor: ``(n_cells,)`` by which each cell's intracellular conductivity is multiplied.
        electrodes: ``(k, 3)`` [mm], several cell sizes away from the heart.
        sigma_b: conductivity of the surrounding conductor [mS/mm].

    Raises:
        BadMesh: an electrode coincides with a node.
    """
    found = []
    for along, across in ((1.0, 0.0), (0.0, 1.0)):
        tensor = conductivity_tensor(np.asarray(mesh.fibre), None, along, across)
        tensor *= factor[:, None, None]
        found.append(lead_vectors(mesh, tensor, electrodes, sigma_b))
    return LeadVectors(*found)


def _lead_matrix() -> Floats:
    right, left, _ground, foot, *chest = np.eye(len(ELECTRODES))
    wilson = (right + left + foot) / 3.0
    limb = [left - right, foot - right, foot - left]
    augmented = [1.5 * (electrode - wilson) for electrode in (right, left, foot)]
    return np.array([*limb, *augmented, *(electrode - wilson for electrode in chest)])


LEAD_MATRIX: Floats = _lead_matrix()
"""``(12, 10)``: rows in the order of `LEADS`, columns in the order of `ELECTRODES`.  It applies to
lead vectors as well as to potentials."""


def twelve_leads(potentials: Floats) -> Floats:
    """Standard leads from the potentials of the electrodes.

    Limb leads are Einthoven's, augmented leads Goldberger's, and the chest leads are taken
    against Wilson's central terminal, the mean of RA, LA and LL.  RL is the recorder's ground and
    enters no lead.

    Args:
        potentials: ``(10, n)`` [mV] in the order of `ELECTRODES`.

    Returns:
        ``(12, n)`` [mV] in the order of `LEADS`.
    """
    leads: Floats = LEAD_MATRIX @ potentials
    return leads
