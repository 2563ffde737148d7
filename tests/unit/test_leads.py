import numpy as np
import pytest
from known_meshes import box

from polycardia.errors import BadMesh
from polycardia.physics.electrodes import ELECTRODES
from polycardia.physics.leads import LEADS, lead_vectors, twelve_leads

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
