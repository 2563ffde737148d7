"""``prepared.h5``: what preparation wrote is what the solver reads, whole and in slices."""

import h5py
import numpy as np
import pytest
from prepared_hearts import prepared_heart

from polycardia.io.origin import PREPARED, Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.provenance import origin


@pytest.fixture
def heart():
    return prepared_heart(3.0)


@pytest.fixture
def path(heart, tmp_path):
    path = tmp_path / "prepared.h5"
    write_prepared(path, heart, Outcome(PREPARED), origin("{}"))
    return path


def test_lead_vectors_are_stored_bit_by_bit_along_and_across_the_fibres(heart, path):
    with h5py.File(path) as file:
        for name in ("along", "across"):
            stored = file[f"leads/{name}"]
            assert stored.dtype == np.float64
            assert stored.attrs["unit"] == "mm/mS"
            np.testing.assert_array_equal(stored, getattr(heart.leads, name))


def test_lead_vectors_of_some_nodes_are_those_of_all_at_the_tissues_conductivities(heart, path):
    with PreparedFile(path) as prepared:
        part = prepared.read_leads(5, 20, fibre=0.3, cross=0.1)
    expected = 0.3 * heart.leads.along + 0.1 * heart.leads.across
    np.testing.assert_array_equal(part, expected[:, 5:20].astype(np.float32))


def test_mesh_and_boundary_are_read_as_they_were(heart, path):
    with PreparedFile(path) as prepared:
        mesh, boundary = prepared.read_mesh(), prepared.read_boundary()
    for read, written in (
        (mesh.points, heart.mesh.points),
        (mesh.tetrahedra, heart.mesh.tetrahedra),
        (mesh.region, heart.mesh.region),
        (boundary.triangles, heart.boundary.triangles),
        (boundary.label, heart.boundary.label),
    ):
        np.testing.assert_array_equal(read, written)
    assert mesh.tetrahedra.dtype == boundary.triangles.dtype == np.int64
