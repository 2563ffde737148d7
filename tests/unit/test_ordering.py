import numpy as np

from polycardia.physics.mesh import Boundary, TetMesh
from polycardia.physics.ordering import hilbert_order, reordered


def test_consecutive_cells_of_the_curve_are_neighbours():
    side = np.arange(16.0)
    points = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    shuffled = np.random.default_rng(0).permutation(points)
    along = shuffled[hilbert_order(shuffled)]
    steps = np.abs(np.diff(along, axis=0)).sum(axis=1)
    np.testing.assert_array_equal(steps, 1.0)


def test_order_of_points_in_one_place_is_stable():
    np.testing.assert_array_equal(hilbert_order(np.zeros((4, 3))), np.arange(4))


def test_reordering_keeps_every_cell_and_face():
    random = np.random.default_rng(1)
    points = random.random((40, 3))
    cells = np.array([random.choice(40, 4, replace=False) for _ in range(30)])
    mesh = TetMesh(points, cells, np.arange(30), random.random((30, 3)))
    boundary = Boundary(cells[:, :3], np.arange(30))
    new, new_boundary = reordered(mesh, boundary)
    back = np.argsort(new.region)
    np.testing.assert_array_equal(new.points[new.tetrahedra[back]], points[cells])
    np.testing.assert_array_equal(new.fibre[back], mesh.fibre)
    np.testing.assert_array_equal(new.points[new_boundary.triangles], points[boundary.triangles])
    assert (np.diff(new.tetrahedra.min(axis=1)) >= 0).all()
