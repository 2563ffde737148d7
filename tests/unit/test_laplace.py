import numpy as np
import pytest
from known_meshes import box, shell

from polycardia.errors import BadMesh, SolveFailed
from polycardia.physics import laplace
from polycardia.physics.axes import heart_axes
from polycardia.physics.elements import stiffness
from polycardia.physics.laplace import solve_laplace, stretched, surface_nodes, wall_coordinates
from polycardia.physics.mesh import Boundary, Surface, TetMesh


@pytest.fixture(scope="module")
def slab():
    mesh = box(6, size=(3.0, 1.0, 2.0), jitter=0.2)
    x = mesh.points[:, 0]
    fixed = np.flatnonzero((x == 0.0) | (x == 3.0))
    return mesh, stiffness(mesh, np.eye(3)), fixed


def test_potential_between_plates_is_linear(slab):
    mesh, matrix, fixed = slab
    potential = solve_laplace(matrix, fixed, mesh.points[fixed, 0])
    np.testing.assert_allclose(potential, mesh.points[:, 0], atol=1e-7)


def test_a_solve_that_stops_early_fails(slab, monkeypatch):
    mesh, matrix, fixed = slab
    monkeypatch.setattr(laplace, "MAX_ITERATIONS", 2)
    with pytest.raises(SolveFailed, match="relative residual"):
        solve_laplace(matrix, fixed, mesh.points[fixed, 0])


def test_potential_of_a_spherical_shell_becomes_even_in_radius():
    inner, outer = 1.0, 20.0
    radius = np.linspace(inner, outer, 20_001)
    potential = (1.0 / inner - 1.0 / radius) / (1.0 / inner - 1.0 / outer)
    assert np.median(potential) > 0.9  # what is to be mended
    even = stretched(potential, volume=radius**2)
    np.testing.assert_allclose(even, (radius - inner) / (outer - inner), atol=0.03)
    assert np.all(np.diff(even) > 0.0)


@pytest.fixture(scope="module")
def heart():
    mesh, boundary = shell()
    return mesh, boundary, wall_coordinates(mesh, boundary, heart_axes(mesh.points, boundary))


def test_coordinates_take_their_values_on_the_surfaces(heart):
    _, boundary, coordinates = heart
    on = surface_nodes(boundary)
    left, right = on[Surface.LV_ENDO], np.setdiff1d(on[Surface.RV_ENDO], on[Surface.LV_ENDO])
    outer = np.setdiff1d(on[Surface.EPI], np.union1d(left, right))
    assert np.all(coordinates.transmural[left] == 0.0)
    assert np.all(coordinates.transmural[right] == 0.0)
    assert np.all(coordinates.transmural[outer] == 1.0)
    assert np.all(coordinates.interventricular[left] == 0.0)
    assert np.all(coordinates.interventricular[right] == 1.0)
    assert np.all(coordinates.apicobasal[on[Surface.BASE]] == 1.0)


def test_nodes_between_the_endocardia_belong_to_the_left_one():
    mesh, boundary = shell()
    left = np.flatnonzero(boundary.label == Surface.LV_ENDO)
    label = boundary.label.copy()
    label[left[: left.size // 4]] = Surface.RV_ENDO
    torn = Boundary(boundary.triangles, label)
    coordinates = wall_coordinates(mesh, torn, heart_axes(mesh.points, boundary))
    on = surface_nodes(torn)
    shared = np.intersect1d(on[Surface.LV_ENDO], on[Surface.RV_ENDO])
    assert shared.size > 0
    np.testing.assert_array_equal(coordinates.from_left[shared], 1.0)
    np.testing.assert_array_equal(coordinates.from_right[shared], 0.0)
    np.testing.assert_array_equal(coordinates.interventricular[shared], 0.0)


def test_depth_in_the_free_wall_is_that_of_the_lattice(heart):
    mesh, _, coordinates = heart
    depth = np.repeat(np.linspace(0.0, 1.0, 5), len(mesh.points) // 5)
    away = (mesh.points[:, 0] < -15.0) & (mesh.points[:, 2] > -35.0)
    np.testing.assert_allclose(coordinates.transmural[away], depth[away], atol=0.06)


def test_apicobasal_coordinate_rises_evenly_along_the_wall(heart):
    mesh, _, coordinates = heart
    middle = len(mesh.points) // 5 * 2 + np.arange(21) * 48 + 24  # down the free wall, mid-wall
    step = np.linalg.norm(np.diff(mesh.points[middle], axis=0), axis=1)
    way = 1.0 - np.concatenate([[0.0], np.cumsum(step)]) / step.sum()
    np.testing.assert_allclose(coordinates.apicobasal[middle], way, atol=0.1)


def test_a_missing_surface_is_named():
    mesh, boundary = shell()
    label = np.where(boundary.label == Surface.BASE, Surface.EPI, boundary.label)
    with pytest.raises(BadMesh, match="no triangles labelled BASE"):
        wall_coordinates(
            mesh, Boundary(boundary.triangles, label), heart_axes(mesh.points, boundary)
        )


def test_a_mesh_in_two_parts_is_refused():
    mesh, boundary = shell()
    other = box(1, origin=(200.0, 0.0, 0.0))
    both = TetMesh(
        np.concatenate([mesh.points, other.points]),
        np.concatenate([mesh.tetrahedra, other.tetrahedra + len(mesh.points)]),
        np.concatenate([mesh.region, other.region]),
    )
    with pytest.raises(BadMesh, match="falls into 2 parts"):
        wall_coordinates(both, boundary, heart_axes(mesh.points, boundary))
