"""Linear elements: second order in the mean square, first order in the gradient, and the leads."""

import numpy as np
import pytest

from polycardia.physics.elements import cell_gradients, stiffness, volumes
from polycardia.physics.laplace import solve_laplace
from polycardia.physics.leads import lead_vectors
from polycardia.physics.mesh import TetMesh

SIZES = np.array([4, 6, 9, 13])
PATHS = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]


def cube(n):
    """Unit cube of ``n`` cubes each way, six tetrahedra each, inner nodes shaken."""
    index = np.indices((n + 1,) * 3).reshape(3, -1).T
    inner = ((index > 0) & (index < n)).all(axis=1)
    shake = np.random.default_rng(n).uniform(-0.15, 0.15, index.shape) * inner[:, None]
    points = (index + shake) / n
    first = np.indices((n,) * 3).reshape(3, -1).T @ [(n + 1) ** 2, n + 1, 1]
    step = np.array(
        [i * (n + 1) ** 2 + j * (n + 1) + k for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    cells = (first[:, None] + step)[:, [[0, a, b, 7] for a, b in PATHS]].reshape(-1, 4)
    edge = points[cells[:, 1:]] - points[cells[:, :1]]
    flipped = np.linalg.det(edge) < 0.0
    cells[flipped] = cells[flipped][:, [1, 0, 2, 3]]
    return TetMesh(points, cells, np.zeros(len(cells), dtype=np.int64))


def observed_order(errors):
    return float(np.polyfit(np.log(1.0 / SIZES), np.log(errors), 1)[0])


def harmonic(x):
    return np.exp(x[:, 0]) * np.sin(0.6 * x[:, 1]) * np.cos(0.8 * x[:, 2])  # 1 = 0.36 + 0.64


def harmonic_gradient(x):
    e, y, z = np.exp(x[:, 0]), 0.6 * x[:, 1], 0.8 * x[:, 2]
    return np.stack(
        [
            e * np.sin(y) * np.cos(z),
            0.6 * e * np.cos(y) * np.cos(z),
            -0.8 * e * np.sin(y) * np.sin(z),
        ],
        axis=1,
    )


def test_order_of_laplace_solutions():
    in_value, in_gradient = [], []
    for n in SIZES:
        mesh = cube(n)
        rim = np.flatnonzero(((mesh.points == 0.0) | (mesh.points == 1.0)).any(axis=1))
        exact = harmonic(mesh.points)
        solution = solve_laplace(stiffness(mesh, np.eye(3)), rim, exact[rim])
        volume, centre = volumes(mesh), mesh.points[mesh.tetrahedra].mean(axis=1)
        error = solution[mesh.tetrahedra].mean(axis=1) - harmonic(centre)
        in_value.append(np.sqrt(volume @ error**2))
        slope = cell_gradients(mesh, solution) - harmonic_gradient(centre)
        in_gradient.append(np.sqrt(volume @ (slope**2).sum(axis=1)))
    assert observed_order(in_value) == pytest.approx(2.0, abs=0.25)
    assert observed_order(in_gradient) == pytest.approx(1.0, abs=0.25)


SIGMA = np.array([[0.3, 0.05, 0.0], [0.05, 0.2, -0.02], [0.0, -0.02, 0.1]])
BATH = 0.2
ELECTRODE = np.array([2.0, 1.5, -0.8])


def potential_by_quadrature():
    """The lead's integral for V = `harmonic`, by Gauss points in the whole cube."""
    node, weight = np.polynomial.legendre.leggauss(20)
    node, weight = (node + 1.0) / 2.0, weight / 2.0
    place = np.stack(np.meshgrid(node, node, node, indexing="ij"), axis=-1).reshape(-1, 3)
    offset = ELECTRODE - place  # grad(1/r) points from the source to the electrode
    to_electrode = offset / np.linalg.norm(offset, axis=1)[:, None] ** 3
    density = np.einsum("ni,ij,nj->n", harmonic_gradient(place), SIGMA, to_electrode)
    volume = np.einsum("i,j,k->ijk", weight, weight, weight).ravel()
    return -float(volume @ density) / (4.0 * np.pi * BATH)


def test_order_of_the_leads():
    exact = potential_by_quadrature()
    errors = []
    for n in SIZES:
        mesh = cube(n)
        vector = lead_vectors(mesh, SIGMA, ELECTRODE[None], BATH)[0]
        errors.append(abs(vector @ harmonic(mesh.points) / exact - 1.0))
    assert errors[-1] < 0.005
    assert observed_order(errors) == pytest.approx(2.0, abs=0.3)
