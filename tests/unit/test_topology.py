"""Topology by counting: Euler's formula, neighbours and pieces of small meshes."""

import numpy as np
import pytest
from box_heart import box_heart, volumes
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from polycardia.physics import topology
from polycardia.physics.quality import extent, flat_cells, mean_ratio

HEART = box_heart()
REGULAR = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]], dtype=float)
ONE = np.array([[0, 1, 2, 3]])


def cloud(seed, n=30):
    points = np.random.default_rng(seed).normal(size=(n, 3))
    cells = Delaunay(points).simplices.astype(np.int64)
    negative = volumes(points, cells) < 0
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    return points, cells


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_ball_of_tetrahedra_obeys_euler(seed):
    points, cells = cloud(seed)
    boundary, owner = topology.boundary_faces(cells)
    pairs, seen, crowded = topology.shared_faces(cells)
    edges, cell_edges = topology.unique_edges(cells)
    n_faces = len(boundary) + len(pairs)
    assert len(points) - len(edges) + n_faces - len(cells) == 1
    assert len(np.unique(boundary)) - 1.5 * len(boundary) + len(boundary) == 2
    assert len(crowded) == 0
    assert (np.sort(seen[:, 0], axis=1) == np.sort(seen[:, 1], axis=1)).all()
    assert np.isin(boundary, cells[owner]).all()
    assert (np.sort(edges[cell_edges[:, 5]], 1) == np.sort(cells[:, [2, 3]], 1)).all()
    flux = np.linalg.det(points[boundary]).sum() / 6.0
    assert flux == pytest.approx(topology.tet_volumes(points, cells).sum())
    vectors = topology.area_vectors(points, boundary).sum(axis=0)
    np.testing.assert_allclose(vectors, 0.0, atol=1e-12)


def test_volumes_areas_and_normals_of_a_known_body():
    assert topology.tet_volumes(REGULAR, ONE)[0] == pytest.approx(8.0 / 3.0)
    assert topology.tet_volumes(REGULAR, ONE[:, [1, 2, 0, 3]])[0] == pytest.approx(8.0 / 3.0)
    assert topology.tet_volumes(REGULAR, ONE[:, [1, 0, 2, 3]])[0] == pytest.approx(-8.0 / 3.0)
    faces, _ = topology.boundary_faces(ONE)
    np.testing.assert_allclose(topology.face_areas(REGULAR, faces), 2.0 * np.sqrt(3.0))
    outward = REGULAR[faces].mean(axis=1)
    normals = topology.face_normals(REGULAR, faces)
    np.testing.assert_allclose(normals, outward / np.linalg.norm(outward, axis=1)[:, None])


def test_a_face_that_three_cells_claim_pairs_nobody():
    cells = np.array([[0, 1, 2, 3], [0, 2, 1, 4], [0, 1, 2, 5]])
    pairs, _, crowded = topology.shared_faces(cells)
    assert len(pairs) == 0
    assert crowded.tolist() == [0, 1, 2]


def test_neighbours_across_edges_and_pieces():
    pairs, edges = topology.adjacent_triangles(HEART.triangles)
    assert len(pairs) == 3 * len(HEART.triangles) // 2
    for (a, b), edge in zip(pairs[:200], edges[:200], strict=True):
        shared = np.intersect1d(HEART.triangles[a], HEART.triangles[b])
        assert shared.tolist() == sorted(edge)
    same = HEART.label[pairs[:, 0]] == HEART.label[pairs[:, 1]]
    piece = topology.components(len(HEART.label), pairs[same])
    assert len(np.unique(piece)) == 4
    adjacency = topology.node_adjacency(HEART.tetrahedra, len(HEART.points))
    assert (adjacency != adjacency.T).nnz == 0
    assert adjacency.nnz == 2 * len(topology.unique_edges(HEART.tetrahedra)[0])


def test_keys_of_large_meshes_do_not_overflow():
    rows = np.array([[3_000_000, 1, 2], [2, 3_000_000, 1], [3_000_000, 2, 2]])
    keys = topology.row_keys(rows, 3_000_001)
    assert keys[0] == keys[1] != keys[2]


def test_quality():
    assert mean_ratio(REGULAR, ONE)[0] == pytest.approx(1.0)
    assert mean_ratio(REGULAR, ONE[:, [1, 0, 2, 3]])[0] == pytest.approx(-1.0)
    nearly_flat = REGULAR * [1.0, 1.0, 1e-7]
    assert flat_cells(nearly_flat, ONE).all()
    assert not flat_cells(REGULAR * [1.0, 1.0, 1e-3], ONE).any()
    assert not flat_cells(1e-9 * REGULAR, ONE).any()


@pytest.mark.parametrize("seed", range(5))
def test_extent_is_the_largest_distance(seed):
    points, _ = cloud(seed, 200)
    between = np.linalg.norm(points[:, None] - points, axis=2)
    assert extent(points) == pytest.approx(between.max(), rel=2e-3)
    assert extent(points) <= between.max() * (1.0 + 1e-12)
