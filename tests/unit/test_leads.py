import numpy as np
import pytest
from known_meshes import box

from polycardia.errors import BadMesh
from polycardia.physics.electrodes import ELECTRODES
from polycardia.physics.leads import LEADS, lead_vectors, twelve_leads, unit_lead_vectors
from polycardia.physics.mesh import TetMesh

SIGMA = np.array([[0.3, 0.05, 0.0], [0.05, 0.2, -0.02], [0.0, -0.02, 0.1]])
BATH = 0.2


def test_a_small_distant_cube_is_a_dipole():
    mesh = box(3, size=(1.0, 1.0, 1.0), origin=(4.5, -0.5, 1.5))
    slope = np.array([3.0, -1.0, 2.0])  # [mV/mm]
    electrodes = np.array([[60.0, 10.0, -5.0], [5.0, 80.0, 2.0], [-30.0, -20.0, -40.0]])
    dipole = -SIGMA @ slope * 1.0  # -sigma grad V times the volume [uA mm]
    offset = electrodes - np.array([5.0, 0.0, 2.0])
    expected = offset @ dipole / (4.0 * np.pi * BATH * np.linalg.norm(offset, axis=1) ** 3)
    potential = lead_vectors(mesh, SIGMA, electrodes, BATH) @ (mesh.points @ slope)
    np.testing.assert_allclose(potential, expected, rtol=1e-3)


def test_a_front_that_approaches_is_positive():
    mesh = box(8, size=(10.0, 10.0, 10.0))
    ahead, behind = np.array([[40.0, 5.0, 5.0], [-30.0, 5.0, 5.0]])
    front = np.where(mesh.points[:, 0] < 5.0, 20.0, -85.0)  # runs along x
    potential = lead_vectors(mesh, SIGMA, np.array([ahead, behind]), BATH) @ front
    assert potential[0] > 0.0 > potential[1]


def test_uniform_voltage_is_silent():
    mesh = box(4, jitter=0.2)
    vectors = lead_vectors(mesh, SIGMA, np.array([[3.0, 1.0, 2.0]]), BATH)
    assert abs(vectors.sum()) < 1e-12 * np.abs(vectors).sum()


def test_an_electrode_on_a_node_is_refused():
    mesh = box(2)
    with pytest.raises(BadMesh, match="electrode 1"):
        lead_vectors(mesh, SIGMA, np.array([[5.0, 5.0, 5.0], mesh.points[3]]), BATH)


@pytest.mark.parametrize(("fibre", "cross"), [(0.2, 0.143), (0.6, 0.01), (0.1, 0.4)])
def test_unit_vectors_add_up_to_those_of_any_conductivity(fibre, cross):
    plain = box(3, jitter=0.2)
    random = np.random.default_rng(5)
    direction = random.normal(size=(len(plain.tetrahedra), 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    mesh = TetMesh(plain.points, plain.tetrahedra, plain.region, direction)
    factor = random.uniform(0.1, 2.0, len(plain.tetrahedra))  # a scar conducts less
    # The tensor has these two eigenvalues, the first along the fibre.
    tensor = np.empty((len(factor), 3, 3))
    for cell, (way, own) in enumerate(zip(direction, factor, strict=True)):
        frame, _ = np.linalg.qr(np.column_stack([way, np.eye(3)[:, :2]]))
        tensor[cell] = own * frame @ np.diag([fibre, cross, cross]) @ frame.T
    electrodes = np.array([[6.0, 1.0, -5.0], [-3.0, -2.0, 4.0]])
    found = unit_lead_vectors(mesh, factor, electrodes, BATH).at(fibre, cross)
    expected = lead_vectors(mesh, tensor, electrodes, BATH)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.fixture(scope="module")
def potentials():
    return np.random.default_rng(3).normal(size=(len(ELECTRODES), 20))


def test_limb_leads_are_differences_of_limbs(potentials):
    lead = dict(zip(LEADS, twelve_leads(potentials), strict=True))
    at = dict(zip(ELECTRODES, potentials, strict=True))
    np.testing.assert_allclose(lead["I"], at["LA"] - at["RA"])
    np.testing.assert_allclose(lead["II"], at["LL"] - at["RA"])
    np.testing.assert_allclose(lead["III"], at["LL"] - at["LA"])
    np.testing.assert_allclose(lead["aVR"], at["RA"] - (at["LA"] + at["LL"]) / 2.0)
    np.testing.assert_allclose(lead["aVL"], at["LA"] - (at["RA"] + at["LL"]) / 2.0)
    np.testing.assert_allclose(lead["aVF"], at["LL"] - (at["RA"] + at["LA"]) / 2.0)


def test_chest_leads_are_against_wilson(potentials):
    lead = dict(zip(LEADS, twelve_leads(potentials), strict=True))
    at = dict(zip(ELECTRODES, potentials, strict=True))
    terminal = (at["RA"] + at["LA"] + at["LL"]) / 3.0
    for name in ("V1", "V2", "V3", "V4", "V5", "V6"):
        np.testing.assert_allclose(lead[name], at[name] - terminal)


def test_leads_do_not_see_a_common_potential(potentials):
    np.testing.assert_allclose(twelve_leads(potentials + 5.0), twelve_leads(potentials), atol=1e-13)


def test_leads_do_not_see_the_ground(potentials):
    moved = potentials.copy()
    moved[ELECTRODES.index("RL")] += 7.0
    np.testing.assert_array_equal(twelve_leads(moved), twelve_leads(potentials))
