"""The diffusion half of the splitting: explicit stages, as many as the mesh asks for.

With a lumped mass matrix there is nothing to solve.  Runge-Kutta-Legendre stages (RKL2: Meyer,
Balsara & Aslam, J Comput Phys 257:594, 2014) are of second order and stable for steps that grow
with the square of their number, so that a mesh's worst element costs its square root.  A stage
is one product with the operator and one exchange with neighbours: no reductions, no tolerance.

Everything here is collective: all ranks of the halo's communicator call it together.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from petsc4py import PETSc

from polycardia.physics.mesh import Floats
from polycardia.solver.halo import Halo
from polycardia.solver.operators import Operators

FEWEST_STAGES = 2


class Stage(NamedTuple):
    """How a stage's change of the voltage follows from those of the two before it.

    Attributes:
        last: weight of the change after the last stage.
        before: of that after the stage before it.
        start: of the rate at the start [ms].
        latest: of the rate of the last stage's change [ms].
    """

    last: float
    before: float
    start: float
    latest: float


def free_rate(dt: float) -> float:
    """Return the fastest rate for which half a step of ``dt`` [ms] takes the fewest stages."""
    return (FEWEST_STAGES**2 + FEWEST_STAGES - 2.0) / dt


def stages_needed(stiffness: float) -> int:
    """Return how many stages are stable for eigenvalues up to ``stiffness`` = lambda dt."""
    # Stable up to lambda dt = (s^2 + s - 2) / 2: equation 20 of the paper.
    return max(FEWEST_STAGES, math.ceil(0.5 * (math.sqrt(9.0 + 8.0 * stiffness) - 1.0)))


@lru_cache(maxsize=64)
def stages_of(count: int, dt: float) -> Sequence[Stage]:
    """Return the recursion of RKL2, equations 16 and 17 of the paper, for a linear operator.

    The paper's recursion is of the solution; with its start subtracted the weights of the start
    drop out, and the rate of a sum is the sum of the rates.
    """
    j = np.arange(2, count + 1)
    b = np.full(count + 1, 1.0 / 3.0)
    b[2:] = (j**2 + j - 2.0) / (2.0 * j * (j + 1.0))
    w = 4.0 / (count**2 + count - 2.0)
    recursion = [Stage(0.0, 0.0, b[1] * w * dt, 0.0)]
    for k in range(2, count + 1):
        last = (2.0 * k - 1.0) / k * b[k] / b[k - 1]
        before = -(k - 1.0) / k * b[k] / b[k - 2]
        latest = last * w * dt
        recursion.append(Stage(last, before, latest * b[k - 1], latest))
    return recursion


class _Field:
    """One value a node, as PETSc's products and exchanges take it.  Made collectively."""

    def __init__(self, halo: Halo, values: Floats) -> None:
        self.everywhere = halo.vector(values)
        self.own = PETSc.Vec().createWithArray(values[: halo.owned.count], comm=PETSc.COMM_SELF)

    def destroy(self) -> None:
        self.own.destroy()
        self.everywhere.destroy()


class Diffusion:
    """Advances ``dV/dt = -decay V``.

    Args:
        operators: of the tissue; their matrix is this object's from here on.
        voltage: ``(n_local,)`` [mV], own nodes and ghosts; every step updates it in place.
    """

    def __init__(self, operators: Operators, voltage: Floats) -> None:
        self._halo = operators.halo
        self._decay = operators.decay
        self._stiffest = operators.stiffest
        self._voltage = _Field(self._halo, voltage)
        self._changes = [_Field(self._halo, np.zeros(self._halo.n_local)) for _ in range(2)]
        self._rate = self._decay.createVecLeft()
        self._latest = self._decay.createVecLeft()

    def exchange(self) -> None:
        """Fetch the ghosts' voltage from the ranks that own them."""
        self._halo.exchange(self._voltage.everywhere)

    def advance(self, dt: float) -> int:
        """Advance the own nodes' voltage by ``dt`` [ms] and return the number of stages.

        The ghosts' voltage must be that of now, and is that of before when this returns.
        """
        first, *later = stages_of(stages_needed(dt * self._stiffest), dt)
        self._multiply(self._voltage, self._rate)
        last, target = self._changes
        target.own.set(0.0)
        last.own.axpby(-first.start, 0.0, self._rate)
        for stage in later:
            self._halo.exchange(last.everywhere)
            self._multiply(last, self._latest)
            target.own.scale(stage.before)
            target.own.maxpy(
                (stage.last, -stage.start, -stage.latest), (last.own, self._rate, self._latest)
            )
            last, target = target, last
        self._voltage.own.axpy(1.0, last.own)
        return len(later) + 1

    def _multiply(self, field: _Field, product: PETSc.Vec) -> None:
        with field.everywhere.localForm() as local:
            self._decay.mult(local, product)

    def close(self) -> None:
        for field in (self._voltage, *self._changes):
            field.destroy()
        for owned in (self._rate, self._latest, self._decay):
            owned.destroy()
