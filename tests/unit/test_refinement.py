"""Uniform refinement: conforming, volume for volume, inheriting what cells and faces carry."""

import time
import tracemalloc
from itertools import combinations
from math import comb

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
PAIRS = np.array(list(combinations(range(4), 2)))


def heart():
    mesh = TetMesh(HEART.points, HEART.tetrahedra, HEART.region, HEART.fibre)
    return mesh, Boundary(HEART.triangles, HEART.label)


def shaken_corner(seed, shake):
    """Eight bricks of the heart out of shape, nodes and cells numbered at random."""
    rng = np.random.default_rng(seed)
    inside = (HEART.points[HEART.tetrahedra] <= 2 * BRICK).all(axis=(1, 2))
    cells = rng.permutation(HEART.tetrahedra[inside])
    used, cells = np.unique(cells, return_inverse=True)
    numbers = rng.permutation(len(used))
    points = np.empty((len(used), 3))
    points[numbers] = HEART.points[used] + rng.uniform(-shake, shake, (len(used), 3)) * BRICK
    cells = numbers[cells].reshape(-1, 4)
    region, fibre = rng.integers(1, 9, len(cells)), rng.normal(size=(len(cells), 3))
    triangles = rng.permutation(outer_faces(cells))
    return (
        TetMesh(points, cells, region, fibre),
        Boundary(triangles, rng.integers(1, 5, len(triangles))),
    )


def single(points):
    cells, triangles = (
        np.array([[0, 1, 2, 3]]),
        np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]),
    )
    mesh = TetMesh(np.asarray(points, dtype=float), cells, np.zeros(1, np.int64))
    return mesh, Boundary(triangles, np.full(4, 3))


def refined(mesh, boundary, parts):
    """Ask for a length that lies well between those of ``parts - 1`` and ``parts``."""
    return refine(mesh, boundary, edge_length=mean_edge_length(mesh) / (parts - 0.5))


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


def quality(points, tetrahedra):
    """Volume over the cube of the root-mean-square edge; 1 for the regular tetrahedron."""
    edges = points[tetrahedra[:, PAIRS[:, 0]]] - points[tetrahedra[:, PAIRS[:, 1]]]
    squares = np.einsum("ijk,ijk->ij", edges, edges).mean(axis=1)
    return 6.0 * np.sqrt(2.0) * volumes(points, tetrahedra) / squares**1.5


def assert_refined(mesh, boundary, finer, finer_boundary, parts):
    cubed, squared = parts**3, parts**2
    np.testing.assert_array_equal(finer.points[: len(mesh.points)], mesh.points)
    np.testing.assert_array_equal(np.unique(finer.tetrahedra), np.arange(len(finer.points)))
    small = volumes(finer.points, finer.tetrahedra).reshape(-1, cubed)
    large = volumes(mesh.points, mesh.tetrahedra)[:, None]
    np.testing.assert_allclose(small, np.repeat(large / cubed, cubed, axis=1), rtol=1e-9)
    centres = finer.points[finer.tetrahedra].mean(axis=1).reshape(-1, cubed, 3).mean(axis=1)
    np.testing.assert_allclose(centres, mesh.points[mesh.tetrahedra].mean(axis=1), atol=1e-9)
    np.testing.assert_array_equal(finer.region, np.repeat(mesh.region, cubed))
    np.testing.assert_array_equal(finer.fibre, np.repeat(mesh.fibre, cubed, axis=0))
    outer = outer_faces(finer.tetrahedra)
    np.testing.assert_array_equal(rolled(outer), rolled(finer_boundary.triangles))
    np.testing.assert_array_equal(finer_boundary.label, np.repeat(boundary.label, squared))
    centres = finer.points[finer_boundary.triangles].mean(axis=1).reshape(-1, squared, 3)
    expected = mesh.points[boundary.triangles].mean(axis=1)
    np.testing.assert_allclose(centres.mean(axis=1), expected, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shake=st.floats(0.0, 0.12),
    parts=st.integers(2, 5),
)
def test_children_fill_their_parents(seed, shake, parts):
    mesh, boundary = shaken_corner(seed, shake)
    finer, finer_boundary = refined(mesh, boundary, parts)
    assert_refined(mesh, boundary, finer, finer_boundary, parts)


def test_a_whole_heart_in_three():
    mesh, boundary = heart()
    finer, finer_boundary = refined(mesh, boundary, 3)
    assert_refined(mesh, boundary, finer, finer_boundary, 3)


@pytest.mark.parametrize("parts", range(2, 8))
def test_one_tetrahedron_gets_the_points_of_its_lattice(parts):
    finer, finer_boundary = refined(*single(np.vstack([np.zeros(3), np.eye(3)])), parts)
    lattice = np.rint(parts * finer.points)
    np.testing.assert_allclose(parts * finer.points, lattice, atol=1e-12)
    assert lattice.min() == 0
    assert lattice.sum(axis=1).max() == parts
    assert len(np.unique(lattice, axis=0)) == len(finer.points) == comb(parts + 3, 3)
    assert finer.fibre is None
    outer = outer_faces(finer.tetrahedra)
    np.testing.assert_array_equal(rolled(outer), rolled(finer_boundary.triangles))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(2, 5))
def test_edges_are_cut_into_the_fewest_parts_that_suffice(seed, parts):
    mesh, boundary = shaken_corner(seed, 0.12)
    length = mean_edge_length(refined(mesh, boundary, parts)[0])
    enough, _ = refine(mesh, boundary, edge_length=length * (1 + 1e-12))
    assert len(enough.tetrahedra) == parts**3 * len(mesh.tetrahedra)
    more, _ = refine(mesh, boundary, edge_length=length * (1 - 1e-12))
    assert len(more.tetrahedra) == (parts + 1) ** 3 * len(mesh.tetrahedra)


def test_a_mesh_that_is_fine_enough_is_left_alone():
    mesh, boundary = heart()
    same = refine(mesh, boundary, edge_length=mean_edge_length(mesh))
    assert same[0] is mesh
    assert same[1] is boundary


def test_mean_edge_length_counts_each_edge_once():
    points = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 12], [0, 0, -12]], dtype=float)
    cells = np.array([[0, 1, 2, 3], [0, 2, 1, 4]])
    mesh = TetMesh(points, cells, np.zeros(2, np.int64))
    ends = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]
    expected = np.mean([np.linalg.norm(points[i] - points[j]) for i, j in ends])
    assert mean_edge_length(mesh) == pytest.approx(expected)


@pytest.mark.parametrize("parts", [2, 3, 4])
@pytest.mark.parametrize("corners", [[0, 1, 2, 3], [1, 2, 0, 3], [2, 1, 3, 0]])
def test_octahedra_are_cut_along_their_shortest_diagonal(corners, parts):
    """A flat wedge: the cut between the middles of two far edges would make long elements."""
    wedge = np.array([[0, 0, 0], [10, 0, 0], [0, 2, 0], [10, 2, 1.0]])
    mesh, boundary = single(wedge[corners])
    finer, _ = refined(mesh, boundary, parts)
    a, b, c, d = mesh.points
    shortest = min(a + b - c - d, a + c - b - d, a + d - b - c, key=np.linalg.norm)
    ends = finer.points[finer.tetrahedra[:, PAIRS].reshape(-1, 2)]
    found = parts * np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    own = mesh.points[PAIRS[:, 0]] - mesh.points[PAIRS[:, 1]]
    expected = np.linalg.norm(np.vstack([own, shortest]), axis=1)
    np.testing.assert_allclose(np.unique(found.round(9)), np.unique(expected.round(9)))


@pytest.mark.parametrize("parts", [2, 3, 4, 5])
def test_a_regular_tetrahedron_has_good_children(parts):
    """Regular ones, and quarters of regular octahedra: one edge is longer by the root of two."""
    points = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1.0]])
    finer, _ = refined(*single(points), parts)
    found = np.unique(quality(finer.points, finer.tetrahedra).round(9))
    np.testing.assert_allclose(found, [(6 / 7) ** 1.5, 1.0], atol=1e-9)


def test_impossible_edges_are_refused():
    mesh, boundary = heart()
    for wrong, shown in ((0, "0"), (-1.0, "-1.0"), (np.nan, "nan")):
        with pytest.raises(BadStudy, match=f"edge length is {shown} mm, expected a positive one"):
            refine(mesh, boundary, edge_length=wrong)
    with pytest.raises(BadMesh, match=r"edges of 1e-06 mm would need more than 2e\+08 elements"):
        refine(mesh, boundary, edge_length=1e-6)


def test_a_real_heart_to_one_millimetre(real_hearts):
    """Edges of 2.3 mm: three parts, 27 elements for each, where two halvings would make 64."""
    admitted = admit(read_source(real_hearts / "heart-a" / "heart-a"))
    tracemalloc.start()
    begun = time.process_time()
    finer, finer_boundary = refine(admitted.mesh, admitted.boundary, edge_length=1.0)
    seconds = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 10.0  # [s]; takes one or two
    assert peak < 1e9  # [bytes]; takes a third
    assert len(finer.tetrahedra) == 27 * 146615
    assert np.bincount(finer_boundary.label).tolist() == [0, 62856, 81990, 140436, 8532]
    shape = quality(finer.points, finer.tetrahedra).reshape(-1, 27)
    parent = quality(admitted.mesh.points, admitted.mesh.tetrahedra)
    assert (shape.min(axis=1) > 0.65 * parent).all()  # the worst loses a third
    assert shape.min() > 0.2  # 0.210, of the parents 0.222
