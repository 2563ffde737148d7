import numpy as np
import pytest
from known_meshes import box

from polycardia.errors import BadMesh
from polycardia.physics import elements
from polycardia.physics.elements import (
    cell_gradients,
    conductivity_tensor,
    consistent_mass,
    element_gradients,
    element_mass,
    element_stiffness,
    gradients,
    lumped_mass,
    stiffness,
    volumes,
)
from polycardia.physics.mesh import TetMesh

SIGMA = np.array([[0.3, 0.05, 0.0], [0.05, 0.2, -0.02], [0.0, -0.02, 0.1]])

CORNER = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
ONE_CELL = np.array([[0, 1, 2, 3]])


@pytest.fixture(scope="module")
def mesh():
    return box(5, size=(2.0, 3.0, 4.0), origin=(1.0, -1.0, 0.5), jitter=0.2)


def test_corner_tetrahedron_by_hand():
    gradient, volume = element_gradients(CORNER, ONE_CELL)
    np.testing.assert_allclose(gradient[0], [[-1, -1, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(volume, [1.0 / 6.0])
    np.testing.assert_allclose(
        6.0 * element_stiffness(CORNER, ONE_CELL, np.diag([1.0, 2.0, 3.0]))[0],
        [[6, -1, -2, -3], [-1, 1, 0, 0], [-2, 0, 2, 0], [-3, 0, 0, 3]],
    )
    np.testing.assert_allclose(
        120.0 * element_mass(CORNER, ONE_CELL)[0], np.ones((4, 4)) + np.eye(4)
    )


def test_gradient_of_a_linear_field_is_exact(mesh):
    slope = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    field = mesh.points @ slope.T + 4.0
    np.testing.assert_allclose(
        cell_gradients(mesh, field),
        np.broadcast_to(slope, (len(mesh.tetrahedra), 2, 3)),
        atol=1e-12,
    )
    np.testing.assert_allclose(cell_gradients(mesh, field)[:, 1], cell_gradients(mesh, field[:, 1]))


def test_volumes_fill_the_box(mesh):
    assert volumes(mesh).sum() == pytest.approx(24.0, rel=1e-12)
    np.testing.assert_array_equal(gradients(mesh)[1], volumes(mesh))


def test_stiffness_is_the_energy_of_linear_fields(mesh):
    matrix = stiffness(mesh, SIGMA)
    energy = mesh.points.T @ matrix @ mesh.points
    np.testing.assert_allclose(energy, 24.0 * SIGMA, atol=1e-11)
    np.testing.assert_allclose(matrix.sum(axis=1), 0.0, atol=1e-12)
    assert abs(matrix - matrix.T).max() < 1e-13


def test_consistent_mass_integrates_products_of_linear_fields(mesh):
    matrix = consistent_mass(mesh)
    x, y = mesh.points[:, 0], mesh.points[:, 1]
    assert x @ matrix @ y == pytest.approx(24.0 * 2.0 * 0.5, rel=1e-12)  # means are 2 and 1/2
    assert x @ matrix @ x == pytest.approx(24.0 * (2.0**2 + 2.0**2 / 12.0), rel=1e-12)


def test_lumped_mass_is_the_row_sum(mesh):
    np.testing.assert_allclose(lumped_mass(mesh), consistent_mass(mesh).sum(axis=1), rtol=1e-12)


def test_assembly_does_not_depend_on_the_slices(mesh, monkeypatch):
    sigma = np.random.default_rng(1).normal(size=(len(mesh.tetrahedra), 3, 3))
    sigma = sigma @ sigma.transpose(0, 2, 1)
    whole = stiffness(mesh, sigma), volumes(mesh)
    monkeypatch.setattr(elements, "CHUNK", 7)
    assert abs(stiffness(mesh, sigma) - whole[0]).max() < 1e-12
    np.testing.assert_array_equal(volumes(mesh), whole[1])


def test_an_inverted_cell_is_refused(mesh):
    cells = mesh.tetrahedra.copy()
    cells[3] = cells[3][[1, 0, 2, 3]]
    with pytest.raises(BadMesh, match="1 tetrahedra are flat or inverted"):
        gradients(TetMesh(mesh.points, cells, mesh.region))


def test_conductivity_tensor_has_the_conductivities_as_eigenvalues():
    frames = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 3, 3)))[0]
    fibre, sheet, normal = frames.transpose(2, 0, 1)
    orthotropic = conductivity_tensor(fibre, sheet, 0.3, 0.2, 0.1)
    transverse = conductivity_tensor(fibre, None, 0.3, 0.2)
    for tensor, values in ((orthotropic, (0.3, 0.2, 0.1)), (transverse, (0.3, 0.2, 0.2))):
        for direction, value in zip((fibre, sheet, normal), values, strict=True):
            np.testing.assert_allclose(
                np.einsum("nij,nj->ni", tensor, direction), value * direction, atol=1e-14
            )
