"""What a mesh's worst elements would cost every step in stages, taken out where it hardly counts.

The stages of a step go with the root of the operator's largest eigenvalue, which is that of the
worst elements: short edges and flat tetrahedra, of which hearts have some thousands among
millions.  Explicit mechanics meets the same in its critical time step, and gives the fast modes of
such elements more mass (Olovsson, Simonsson & Unosson, Int J Numer Meth Eng 63:1436, 2005).  Here
these modes conduct less.  They are differences of voltage over a fraction of an edge; with the
limit for their rate they still even out within some microseconds.  The slow modes of the same
element, in the plane of a flat one, stay as they are: a thin brim of tissue conducts as before.

An element's modes are those of its stiffness with a quarter of its volume at each corner.  No mode
of the whole is faster than the fastest of an element (Irons & Treharne, Int J Numer Meth Eng
3:599, 1971).
"""

from typing import NamedTuple

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.solver.elements import Elements

OCTAVES, A_DOUBLING = 40, 16  # of rates around 1/ms, and how finely they are told apart
AT_ONCE = 100_000  # elements


class Allowance(NamedTuple):
    """How much may be softened.

    Attributes:
        volume: the largest share of the wall [1].
        rate: that the operator may have without costing a stage [1/ms].
    """

    volume: float
    rate: float


class Softening(NamedTuple):
    """Which elements have modes that are too fast.

    Attributes:
        cells: ``(n,)`` numbers of elements that may have some.
        limit: of the rate of a mode [1/ms].
        volume: of these elements on all ranks, over the wall's [1].
    """

    cells: Integers
    limit: float
    volume: float


def rates_of(matrices: Floats, volume: Floats) -> Floats:
    """Return ``(n,)`` the sum of the rates of each element's modes [1/ms].

    Args:
        matrices: ``(n, 4, 4)`` of the elements, stiffness over ``chi C_m`` [mm^3/ms].
        volume: ``(n,)`` [mm^3].
    """
    rates: Floats = 4.0 * np.einsum("naa->n", matrices) / volume
    return rates


def softening(
    rates: NDArray[np.float32],
    elements: Elements,
    n_owned: int,
    allowed: Allowance,
    comm: MPI.Comm,
) -> Softening:
    """Return which elements have to conduct less.  Collective.

    Args:
        rates: ``(n_cells,)`` of this rank's elements, as `rates_of` has them.
        elements: of this rank.
        n_owned: how many nodes it owns.
        allowed: how much of the wall, and what would be of no use.
        comm: of all ranks.
    """
    volumes = np.zeros(2 * OCTAVES * A_DOUBLING)
    for start in range(0, len(rates), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        doublings = np.log2(np.maximum(rates[some], np.finfo(np.float32).tiny))
        place = (A_DOUBLING * (doublings + OCTAVES)).astype(int).clip(0, len(volumes) - 1)
        volumes += np.bincount(place, _own_volume(elements, some, n_owned), len(volumes))
    comm.Allreduce(MPI.IN_PLACE, volumes)
    stiffer = np.cumsum(volumes[::-1])[::-1]  # volume of elements in this place and above
    # The first place above the bulk.
    bulk = int(np.count_nonzero(stiffer > allowed.volume * stiffer[0]))
    limit = max(2.0 ** (bulk / A_DOUBLING - OCTAVES), allowed.rate)
    cells = np.flatnonzero(rates > limit)
    concerned = comm.allreduce(float(_own_volume(elements, cells, n_owned).sum()))
    return Softening(cells, limit, concerned / float(stiffer[0]))


def _own_volume(elements: Elements, cells: slice | Integers, n_owned: int) -> Floats:
    """Return ``(n,)`` volumes; 0 of those between two ranks that the other one counts."""
    # One rank owns the first corner.
    return np.where(elements.corners[cells, 0] < n_owned, elements.volume[cells], 0.0)


def excess_of(matrices: Floats, volume: Floats, limit: float) -> Floats:
    """Return ``(n, 4, 4)`` what each matrix has too much, by its modes that are too fast.

    What is left is symmetric and positive, and keeps a constant voltage as it is.

    Args:
        matrices: as in `rates_of`.
        volume: as there.
        limit: of a mode's rate [1/ms].
    """
    mass = 0.25 * volume[:, None]
    rate, mode = np.linalg.eigh(matrices / mass[:, :, None])
    too_much = np.maximum(rate - limit, 0.0) * mass
    excess: Floats = np.matmul(mode * too_much[:, None, :], mode.transpose(0, 2, 1))
    return excess
