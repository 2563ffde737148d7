"""A prepared heart with random numbers in it."""

from dataclasses import replace

import numpy as np

from polycardia.physics.heart import PreparedHeart, Site
from polycardia.physics.leads import LeadVectors
from polycardia.physics.mesh import Boundary
from polycardia.physics.slab import slab_mesh


def prepared_heart(spacing):
    """Return a slab of bricks of this size [mm]; its cells are in order of their lowest node."""
    random = np.random.default_rng(4)
    slab = slab_mesh(spacing)
    order = np.argsort(slab.tetrahedra.min(axis=1), kind="stable")
    n, n_cells = len(slab.points), len(order)
    mesh = replace(
        slab,
        tetrahedra=slab.tetrahedra[order],
        region=random.integers(0, 5, n_cells),
        fibre=random.normal(size=(n_cells, 3)),
    )
    return PreparedHeart(
        mesh=mesh,
        boundary=Boundary(mesh.tetrahedra[:, :3], np.zeros(n_cells, np.int64)),
        sheet=random.normal(size=(n_cells, 3)),
        factor=np.ones(n_cells),
        cell_type=random.integers(0, 3, n),
        coordinates={name: random.uniform(size=n) for name in ("transmural", "apicobasal")},
        axes=np.linalg.qr(random.normal(size=(3, 3)))[0],
        sites=[Site("a", np.array([1, 7]), np.array([2]))],
        electrode_names=[f"E{number}" for number in range(10)],
        electrodes=random.normal(size=(10, 3)),
        leads=LeadVectors(random.normal(size=(10, n)), random.normal(size=(10, n))),
        measures={"wall_volume": (1.0, "mL")},
    )
