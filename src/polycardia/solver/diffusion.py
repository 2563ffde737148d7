"""The implicit half of the splitting: one diffusion step per call.

Everything here is collective: all ranks of the matrices' communicator call it together.
"""

import math
from types import TracebackType
from typing import Self

from petsc4py import PETSc

from polycardia.errors import SolveFailed

OPTIONS_PREFIX = "diffusion_"
MAX_ITERATIONS = 200


class DiffusionStep:
    """Advance ``M dV/dt = -K V`` by ``dt`` with the theta rule.

    It solves for the increment, ``(M + theta dt K) dV = -dt K V``, from a first guess
    extrapolated from the increments of the last two steps.  The matrix is dominated by the mass,
    so conjugate gradients with a diagonal preconditioner take a few iterations, and because both
    act on each row alone the result does not depend on how the rows are spread over ranks.

    Args:
        mass: [mm^3]; this object's from here on, and overwritten.
        stiffness: divided by ``chi C_m`` [mm^3/ms]; this object's from here on.
        dt: [ms].  Fixed, so matrix and preconditioner are built once.
        theta: 0.5 is Crank-Nicolson, 1 is backward Euler.
        tolerance: root mean square over the nodes of the preconditioned residual [mV], which for
            this matrix is the error of the increment to within a small factor.
    """

    def __init__(
        self,
        mass: PETSc.Mat,
        stiffness: PETSc.Mat,
        *,
        dt: float,
        theta: float,
        tolerance: float,
    ) -> None:
        self._dt = dt
        self._stiffness = stiffness
        self._lhs = mass
        self._lhs.axpy(theta * dt, stiffness, PETSc.Mat.Structure.DIFFERENT_NONZERO_PATTERN)
        self._rhs = stiffness.createVecLeft()
        self._increment = stiffness.createVecRight()
        self._previous = stiffness.createVecRight()
        self._increment.set(0.0)
        self._previous.set(0.0)
        self._ksp = PETSc.KSP().create(stiffness.comm)
        self._ksp.setOptionsPrefix(OPTIONS_PREFIX)
        self._ksp.setOperators(self._lhs)
        self._ksp.setType(PETSc.KSP.Type.CG)
        self._ksp.getPC().setType(PETSc.PC.Type.JACOBI)
        self._ksp.setNormType(PETSc.KSP.NormType.PRECONDITIONED)
        absolute = tolerance * math.sqrt(stiffness.getSize()[0])
        self._ksp.setTolerances(rtol=0.0, atol=absolute, max_it=MAX_ITERATIONS)
        self._ksp.setInitialGuessNonzero(True)
        self._ksp.setFromOptions()

    def advance(self, voltage: PETSc.Vec) -> int:
        """Update ``voltage`` [mV] in place and return the iterations it took.

        Raises:
            SolveFailed: on all ranks; no convergence, or the voltage is not finite.
        """
        self._stiffness.mult(voltage, self._rhs)
        self._rhs.scale(-self._dt)
        # previous <- 2 increment - previous, the increment extrapolated to this step
        self._previous.aypx(-1.0, self._increment)
        self._previous.axpy(1.0, self._increment)
        self._increment, self._previous = self._previous, self._increment
        self._ksp.solve(self._rhs, self._increment)
        reason = self._ksp.getConvergedReason()
        if reason < 0:
            raise SolveFailed(
                f"the diffusion solve stopped with PETSc reason {reason} after "
                f"{self._ksp.getIterationNumber()} iterations, allowed {MAX_ITERATIONS}, "
                f"residual {self._ksp.getResidualNorm():.3e}"
            )
        voltage.axpy(1.0, self._increment)
        return int(self._ksp.getIterationNumber())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for owned in (
            self._ksp,
            self._lhs,
            self._stiffness,
            self._rhs,
            self._increment,
            self._previous,
        ):
            owned.destroy()
