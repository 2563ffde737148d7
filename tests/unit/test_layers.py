import numpy as np
import pytest
from known_meshes import shell

from polycardia.errors import BadStudy
from polycardia.physics.layers import ENDOCARDIAL, EPICARDIAL, MIDWALL, endocardial_cells, layers
from polycardia.physics.mesh import Boundary, Surface


def test_layers_by_depth():
    depth = np.array([0.0, 0.3, 0.31, 0.7, 0.71, 1.0])
    expected = [ENDOCARDIAL, ENDOCARDIAL, MIDWALL, MIDWALL, EPICARDIAL, EPICARDIAL]
    np.testing.assert_array_equal(layers(depth, 0.3, 0.7), expected)


def test_a_wall_of_one_cell_type():
    depth = np.linspace(0.0, 1.0, 9)
    assert set(layers(depth, 1.0, 1.0)) == {ENDOCARDIAL}
    assert set(layers(depth, 0.0, 1.0)) == {ENDOCARDIAL, MIDWALL}


@pytest.mark.parametrize("ends", [(0.7, 0.3), (-0.1, 0.5), (0.2, 1.1), (float("nan"), 0.5)])
def test_layers_that_are_not_ordered_are_refused(ends):
    with pytest.raises(BadStudy, match="two ascending numbers from 0 to 1"):
        layers(np.zeros(3), *ends)


def test_endocardial_cells_are_the_innermost_layer_of_the_lattice():
    mesh, boundary = shell(n_deep=4, n_down=20, n_around=48)
    only_left = Boundary(
        boundary.triangles,
        np.where(boundary.label == Surface.RV_ENDO, Surface.EPI, boundary.label),
    )
    depth = mesh.tetrahedra // (21 * 48)
    np.testing.assert_array_equal(endocardial_cells(mesh, only_left), (depth == 0).any(axis=1))
    both = endocardial_cells(mesh, boundary)
    assert np.all(depth[both & (depth > 0).all(axis=1)].max(axis=1) == 4)
    assert both.sum() > endocardial_cells(mesh, only_left).sum()
