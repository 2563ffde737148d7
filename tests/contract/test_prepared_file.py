"""``prepared.h5``: what preparation wrote is what the solver reads, whole and in slices."""

import h5py
import numpy as np
import pytest

from polycardia.io.origin import PREPARED, Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.physics.heart import PreparedHeart, Site
from polycardia.physics.leads import LeadVectors
from polycardia.physics.mesh import Boundary
from polycardia.physics.slab import slab_mesh
from polycardia.provenance import origin

MESH = slab_mesh(3.0)
BOUNDARY = Boundary(MESH.tetrahedra[:, :3], np.zeros(len(MESH.tetrahedra), np.int64))
N = len(MESH.points)


@pytest.fixture
def heart():
    random = np.random.default_rng(4)
    return PreparedHeart(
        mesh=MESH,
        boundary=BOUNDARY,
        sheet=None,
        factor=np.ones(len(MESH.tetrahedra)),
        cell_type=random.integers(0, 3, N),
        coordinates={"transmural": random.uniform(size=N)},
        axes=np.eye(3),
        sites=[Site("a", np.array([1, 7]), np.array([2]))],
        electrode_names=[f"E{n}" for n in range(10)],
        electrodes=random.normal(size=(10, 3)),
        leads=LeadVectors(random.normal(size=(10, N)), random.normal(size=(10, N))),
        measures={"wall_volume": (1.0, "mL")},
    )


def test_lead_vectors_are_stored_bit_by_bit_along_and_across_the_fibres(heart, tmp_path):
    path = tmp_path / "prepared.h5"
    write_prepared(path, heart, Outcome(PREPARED), origin("{}"))
    with h5py.File(path) as file:
        for name in ("along", "across"):
            stored = file[f"leads/{name}"]
            assert stored.dtype == np.float64
            assert stored.attrs["unit"] == "mm/mS"
            np.testing.assert_array_equal(stored, getattr(heart.leads, name))
    with PreparedFile(path) as prepared:
        whole, part = prepared.read().leads, prepared.read_leads(5, 20)
    np.testing.assert_array_equal(whole.along, heart.leads.along)
    np.testing.assert_array_equal(whole.across, heart.leads.across)
    np.testing.assert_array_equal(part.at(0.3, 0.1), whole.at(0.3, 0.1)[:, 5:20])
