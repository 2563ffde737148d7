"""The two real hearts are sound, and what is broken in one of them is found."""

from dataclasses import replace

import numpy as np
import pytest
from admission import assert_sound
from box_heart import volumes

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit


@pytest.fixture(scope="module")
def real_source(real_hearts):
    return read_source(real_hearts / "heart-a" / "heart-a")


def test_a_real_carp_heart(real_source):
    admitted = admit(real_source)
    assert_sound(admitted)
    mesh = admitted.mesh
    assert volumes(mesh.points, mesh.tetrahedra).sum() / 1000.0 == pytest.approx(178.3, abs=0.05)
    assert np.bincount(admitted.boundary.label).tolist() == [0, 6984, 9110, 15604, 948]
    assert admitted.mended == ("no unit given: um assumed, 132 mm across",)


def test_a_real_vtk_heart_with_its_surface_file(real_hearts):
    source = read_source(real_hearts / "heart-b.vtu", surfaces=real_hearts / "heart-b_surface.vtp")
    admitted = admit(source)
    assert_sound(admitted)
    mesh = admitted.mesh
    assert volumes(mesh.points, mesh.tetrahedra).sum() / 1000.0 == pytest.approx(145.8, abs=0.05)
    assert np.bincount(admitted.boundary.label).tolist() == [0, 5127, 6212, 10983, 746]


def test_a_real_heart_broken_in_turn(real_source):
    points, cells = real_source.points, real_source.tetrahedra
    with pytest.raises(BadMesh, match=r"1\.3\d*e\+05 mm .* expected 50 to 250 mm: um would fit"):
        admit(real_source, units="mm")
    broken = points.copy()
    broken[cells[1000, 0]] = np.nan
    with pytest.raises(BadMesh, match="1 of 32775 nodes have coordinates that are not finite"):
        admit(replace(real_source, points=broken))
    pulled = points.copy()
    pulled[cells[1000, 0]] += 8000.0
    with pytest.raises(BadMesh, match="the mesh is inverted"):
        admit(replace(real_source, points=pulled))
    beside = points + np.array([60000.0, 0.0, 0.0])
    twice = replace(
        real_source,
        points=np.vstack([points, beside]),
        tetrahedra=np.vstack([cells, cells + len(points)]),
        region=np.ones(2 * len(cells), np.int64),
    )
    with pytest.raises(BadMesh, match=r"the mesh is 2 separate pieces of 178, 178 mL"):
        admit(twice)
