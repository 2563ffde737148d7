"""Uniform refinement: conforming, volume for volume, inheriting what cells and faces carry."""

import time

import numpy as np
import pytest
from box_heart import BRICK, FACES, box_heart, volumes
from hypothesis import given, settings
from hypothesis import strategies as st

from polycardia.errors import BadMesh, BadStudy
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.mesh import Boundary, TetMesh
from polycardia.physics.refinement import mean_edge_length, refine

HEART = box_heart()


def mesh_and_boundary(points=HEART.points):
    mesh = TetMesh(points, HEART.tetrahedra, HEART.region, HEART.fibre)
    return mesh, Boundary(HEART.triangles, HEART.label)


def outer_faces(tetrahedra):
    faces = tetrahedra[:, FACES].reshape(-1, 3)
    _, first, on = np.unique(np.sort(faces, 1), axis=0, return_index=True, return_counts=True)
    assert on.max() == 2
    return faces[first[on == 1]]


def rolled(triangles):
    """Rows turned, without changing their sense, so that the smallest node leads; sorted."""
    lead = triangles.argmin(axis=1)[:, None]
    turned = np.take_along_axis(triangles, (lead + np.arange(3)) % 3, axis=1)
    return turned[np.lexsort(turned.T)]


def assert_refined(mesh, boundary, finer, finer_boundary):
    small = volumes(finer.points, finer.tetrahedra)
    assert (small > 0).all()
    large = volumes(mesh.points, mesh.tetrahedra)
    np.testing.assert_allclose(small.reshape(-1, 8).sum(axis=1), large, rtol=1e-9)
    np.testing.assert_allclose(small.reshape(-1, 8), np.repeat(large / 8, 8).reshape(-1, 8), 1e-9)
    np.testing.assert_array_equal(finer.region, np.repeat(mesh.region, 8))
    np.testing.assert_array_equal(finer.fibre, np.repeat(mesh.fibre, 8, axis=0))
    outer = outer_faces(finer.tetrahedra)
    np.testing.assert_array_equal(rolled(outer), rolled(finer_boundary.triangles))
    np.testing.assert_array_equal(finer_boundary.label, np.repeat(boundary.label, 4))
    centres = finer.points[finer_boundary.triangles].mean(axis=1).reshape(-1, 4, 3).mean(axis=1)
    np.testing.assert_allclose(centres, mesh.points[boundary.triangles].mean(axis=1), atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shake=st.floats(0.0, 0.12))
def test_children_fill_their_parents(seed, shake):
    moved = np.random.default_rng(seed).uniform(-shake, shake, HEART.points.shape) * BRICK
    mesh, boundary = mesh_and_boundary(HEART.points + moved)
    finer, finer_boundary = refine(mesh, boundary, edge_length=0.9 * mean_edge_length(mesh))
    assert_refined(mesh, boundary, finer, finer_boundary)


def test_refinement_stops_at_the_first_mesh_that_is_fine_enough():
    mesh, boundary = mesh_and_boundary()
    length = mean_edge_length(mesh)
    same = refine(mesh, boundary, edge_length=length)
    assert same[0] is mesh
    assert same[1] is boundary
    for target, times in ((0.999, 1), (0.51, 1), (0.499, 2)):
        finer, _ = refine(mesh, boundary, edge_length=target * length)
        assert len(finer.tetrahedra) == 8**times * len(mesh.tetrahedra)
        assert mean_edge_length(finer) <= target * length


def test_mean_edge_length_counts_each_edge_once():
    points = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 12], [0, 0, -12]], dtype=float)
    cells = np.array([[0, 1, 2, 3], [0, 2, 1, 4]])
    mesh = TetMesh(points, cells, np.zeros(2, np.int64))
    ends = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]
    expected = np.mean([np.linalg.norm(points[i] - points[j]) for i, j in ends])
    assert mean_edge_length(mesh) == pytest.approx(expected)


def test_the_octahedron_is_cut_along_its_shortest_diagonal():
    """A flat wedge: the cut between the middles of two far edges would make long elements."""
    points = np.array([[0, 0, 0], [10, 0, 0], [0, 2, 0], [10, 2, 1.0]])
    mesh = TetMesh(points, np.array([[0, 1, 2, 3]]), np.zeros(1, np.int64))
    boundary = Boundary(np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]), np.full(4, 3))
    finer, _ = refine(mesh, boundary, edge_length=0.9 * mean_edge_length(mesh))
    middle = {(i, j): 0.5 * (points[i] + points[j]) for i in range(4) for j in range(i)}
    opposite = [((1, 0), (3, 2)), ((2, 0), (3, 1)), ((3, 0), (2, 1))]
    shortest = min(opposite, key=lambda p: np.linalg.norm(middle[p[0]] - middle[p[1]]))
    ends = [np.linalg.norm(finer.points - middle[k], axis=1).argmin() for k in shortest]
    assert np.isin(finer.tetrahedra, ends).sum(axis=1).tolist().count(2) == 4


def test_impossible_edges_are_refused():
    mesh, boundary = mesh_and_boundary()
    with pytest.raises(BadStudy, match="edge length is 0 mm, expected a positive one"):
        refine(mesh, boundary, edge_length=0)
    with pytest.raises(BadMesh, match="edges of 1e-06 mm would need"):
        refine(mesh, boundary, edge_length=1e-6)


def test_a_real_heart_to_a_million_elements(real_hearts):
    admitted = admit(read_source(real_hearts / "heart-a" / "heart-a"))
    begun = time.perf_counter()
    finer, finer_boundary = refine(admitted.mesh, admitted.boundary, edge_length=1.2)
    assert time.perf_counter() - begun < 20.0  # [s]; takes two
    assert len(finer.tetrahedra) == 8 * 146615
    total = volumes(finer.points, finer.tetrahedra).sum()
    assert total == pytest.approx(volumes(admitted.mesh.points, admitted.mesh.tetrahedra).sum())
    assert np.bincount(finer_boundary.label).tolist() == [0, 27936, 36440, 62416, 3792]
