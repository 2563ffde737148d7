"""Laplace's equation on the wall of the heart, and the coordinates that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg

from polycardia.errors import BadMesh, SolveFailed
from polycardia.physics.axes import HeartAxes
from polycardia.physics.elements import lumped_mass, stiffness
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface, TetMesh

# Potentials between 0 and 1; fibres turn 90 degrees over that, so 1e-8 is far below any use.
TOLERANCE = 1e-8
MAX_ITERATIONS = 5000

N_LEVELS = 100  # of the apicobasal coordinate


@dataclass(frozen=True)
class WallCoordinates:
    """Where in the wall each node lies, by potentials between 0 and 1, each ``(n_points,)``.

    Attributes:
        transmural: 0 on both endocardia, 1 on the epicardium.  The septum, which has no
            epicardium, stays near 0.
        apicobasal: 0 at the apex of the left ventricle, 1 at the base; see `stretched`.
        interventricular: 0 on the left endocardium, 1 on the right, no flux elsewhere.
        from_left: 1 on the left endocardium, 0 on the right and on the epicardium.
        from_right: 1 on the right endocardium, 0 on the left and on the epicardium.
    """

    transmural: Floats
    apicobasal: Floats
    interventricular: Floats
    from_left: Floats
    from_right: Floats


def solve_laplace(matrix: csr_array, fixed: Integers, values: Floats) -> Floats:
    """Potential with given values at some nodes and no flux through the rest of the boundary.

    Conjugate gradients with Jacobi's preconditioner.  On the hearts at hand (25,000 to 250,000
    nodes) an incomplete factorisation costs more than the iterations that it saves.

    Args:
        matrix: ``(n, n)`` stiffness matrix.
        fixed: ``(m,)`` node numbers, each once, at least one in every connected part.
        values: ``(m,)`` potential there.

    Returns:
        ``(n,)``, in the unit of ``values``.

    Raises:
        SolveFailed: the iteration did not reach `TOLERANCE`.
    """
    potential = np.zeros(matrix.shape[0])
    potential[fixed] = values
    free = np.ones(matrix.shape[0], dtype=bool)
    free[fixed] = False
    unknown = np.flatnonzero(free)
    load = -(matrix @ potential)[unknown]
    size = float(np.linalg.norm(load))
    if size == 0.0:  # all fixed values are zero, and so is the answer
        return potential
    operator = matrix[unknown][:, unknown]
    jacobi = diags_array(1.0 / operator.diagonal())
    solution, _ = cg(operator, load, rtol=0.1 * TOLERANCE, maxiter=MAX_ITERATIONS, M=jacobi)
    residual = float(np.linalg.norm(operator @ solution - load)) / size
    if not residual <= TOLERANCE:
        raise SolveFailed(
            f"Laplace's equation on {unknown.size} nodes stopped with relative residual "
            f"{residual:.1e}, need {TOLERANCE:.0e}"
        )
    potential[unknown] = solution
    return potential


def wall_coordinates(mesh: TetMesh, boundary: Boundary, axes: HeartAxes) -> WallCoordinates:
    """Solve for the coordinates of the wall.

    A node that two surfaces share (walls thin out to an edge at the valves) belongs to the
    left endocardium first, then to the right one, then to the epicardium.  With this the
    potentials of the three surfaces add up to one, and the epicardium's needs no solve.

    Raises:
        BadMesh: a surface is missing, or the mesh is not connected.
        SolveFailed: a linear solve did not converge.
    """
    nodes = surface_nodes(boundary)
    matrix = stiffness(mesh, np.eye(3))
    parts, member = connected_components(matrix, directed=False)
    if parts != 1:
        raise BadMesh(
            f"the mesh falls into {parts} parts, the largest with "
            f"{np.bincount(member).max()} of {len(mesh.points)} nodes, need one"
        )
    left, right, outer, base = (nodes[s] for s in Surface)
    right = np.setdiff1d(right, left)
    outer = np.setdiff1d(outer, np.union1d(left, right))
    apex = axes.apex_nodes(mesh.points, outer)

    def potential(*sets: tuple[Integers, float]) -> Floats:
        fixed = np.concatenate([members for members, _ in sets])
        values = np.concatenate([np.full(members.size, value) for members, value in sets])
        return np.clip(solve_laplace(matrix, fixed, values), 0.0, 1.0)

    from_left = potential((left, 1.0), (right, 0.0), (outer, 0.0))
    from_right = potential((left, 0.0), (right, 1.0), (outer, 0.0))
    return WallCoordinates(
        transmural=np.clip(1.0 - from_left - from_right, 0.0, 1.0),
        apicobasal=stretched(
            potential((apex, 0.0), (np.setdiff1d(base, apex), 1.0)), lumped_mass(mesh)
        ),
        interventricular=potential((left, 0.0), (right, 1.0)),
        from_left=from_left,
        from_right=from_right,
    )


def stretched(potential: Floats, volume: Floats) -> Floats:
    r"""Relabel the levels of a potential so that it grows evenly along its way.

    Between the apex, nearly a point, and the wide base a potential rises almost at once: half
    the wall lies above 0.9.  Levels and directions are right, only their numbers are not.
    Where the gradient g is even on each level, the volume between two levels is
    :math:`dV = A\,d\psi / g` and the flux through all of them is :math:`Q = A g`, so that a step
    along the way is :math:`ds = d\psi / g = \sqrt{dV\,d\psi / Q}`.

    Args:
        potential: ``(n_points,)`` from 0 to 1.
        volume: ``(n_points,)``, what belongs to each node.

    Returns:
        ``(n_points,)`` from 0 to 1, a continuous and increasing function of ``potential``.
    """
    order = np.argsort(potential, kind="stable")
    sorted_potential = potential[order]
    filled = np.cumsum(volume[order])
    share = np.linspace(0.0, 1.0, N_LEVELS + 1)
    # Even in volume alone they would leave the apex, even in potential alone all the rest, to one.
    level = np.union1d(np.interp(share, filled / filled[-1], sorted_potential), share)
    step = np.sqrt(np.diff(level) * np.diff(np.interp(level, sorted_potential, filled)))
    way = np.concatenate([[0.0], np.cumsum(step)])
    return np.interp(potential, level, way / way[-1])


def surface_nodes(boundary: Boundary) -> Mapping[Surface, Integers]:
    """Nodes of each surface; a node where surfaces meet is in all of them.

    Raises:
        BadMesh: a surface has no triangles.
    """
    nodes = {s: np.unique(boundary.triangles[boundary.label == s]) for s in Surface}
    missing = [surface.name for surface, members in nodes.items() if members.size == 0]
    if missing:
        raise BadMesh(f"the boundary has no triangles labelled {', '.join(missing)}, need all four")
    return nodes
