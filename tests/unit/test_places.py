"""Which nodes a place takes, what lies around them, and what is said of a place on no node."""

import numpy as np
import pytest
from box_heart import box_heart

from polycardia.companions import point_file
from polycardia.errors import BadMesh
from polycardia.io.point_sets import read_points
from polycardia.physics.mesh import TetMesh
from polycardia.physics.places import (
    PointSet,
    cloud_of,
    nodes_in_ball,
    place_ball,
    place_box,
    place_points,
    place_region,
    site_of,
)

SIDE = 24  # nodes along an edge of the block, 0.5 mm apart
STEP = 0.5
PATHS = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]


@pytest.fixture(scope="module")
def block():
    grid = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), -1).reshape(-1, 3)
    corner = grid[(grid < SIDE - 1).all(axis=1)]
    numbers = (corner[:, None] + np.argwhere(np.ones((2, 2, 2)))) @ [SIDE * SIDE, SIDE, 1]
    cells = numbers[:, [[0, a, b, 7] for a, b in PATHS]].reshape(-1, 4)
    return cloud_of(TetMesh(grid * STEP, cells, np.zeros(len(cells), np.int64)))


def test_a_ball_takes_all_nodes_within_its_radius(block):
    centre = np.array([5.2, 6.1, 5.0])
    away = np.linalg.norm(block.points - centre, axis=1)
    placed = place_ball(block, "p", centre, 1.7)
    assert set(placed.nodes) == set(np.flatnonzero(away <= 1.7))
    assert placed.name == "p"


def test_a_ball_smaller_than_the_mesh_takes_the_nearest_nodes(block):
    placed = place_ball(block, "p", np.array([5.1, 5.1, 5.1]), 0.05)
    assert placed.nodes.size == 4
    np.testing.assert_array_equal(block.points[placed.nodes[0]], [5.0, 5.0, 5.0])
    np.testing.assert_array_equal(
        nodes_in_ball(block.points, np.array([5.1, 5.1, 5.1]), 0.05), placed.nodes
    )


def test_a_box_takes_its_faces_too(block):
    placed = place_box(block, "p", np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 4.0]))
    assert placed.nodes.size == 2 * 2 * 3


def test_points_take_what_is_near_any_of_them(block):
    two = PointSet("f", np.array([[2.0, 2.0, 2.0], [9.0, 9.0, 9.0]]))
    placed = place_points(block, "p", two, STEP)
    # each a node with the six beside it
    assert placed.nodes.size == 14


def test_a_region_is_where_all_coordinates_are_in_their_spans(block):
    height = block.points[:, 2] / block.points[:, 2].max()
    depth = block.points[:, 0] / block.points[:, 0].max()
    placed = place_region(
        block, "p", {"apicobasal": height, "transmural": depth, "other": height},
        {"apicobasal": (0.0, 0.1), "transmural": (0.5, 1.0)},
    )  # fmt: skip
    expected = (block.points[:, 2] <= 1.15) & (block.points[:, 0] >= 5.75)
    assert set(placed.nodes) == set(np.flatnonzero(expected))


def test_around_is_a_rim_beyond_the_reach_of_the_current(block):
    placed = place_ball(block, "p", np.array([6.0, 6.0, 6.0]), 1.5)
    away = np.linalg.norm(
        block.points[placed.around][:, None] - block.points[placed.nodes][None], axis=2
    ).min(axis=1)
    assert away.min() > 2.0
    assert away.max() <= 4.0
    assert away.max() > 3.5
    # all of it: a shell of 3.5 to 5.5 mm, within the block
    assert placed.around.size > 3000


def test_where_nothing_lies_around_the_nodes_show_it_themselves(block):
    everything = np.arange(len(block.points))
    np.testing.assert_array_equal(site_of(block, "p", everything).around, everything)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (
            lambda m: place_ball(m, "p", np.array([20.0, 0.0, 0.0]), 4.0),
            r"place p: the ball of 4 mm around \(20.0, 0.0, 0.0\) mm holds no node, the nearest is "
            r"8.5 mm from its centre",
        ),
        (
            lambda m: place_box(m, "p", np.array([20.0, 0.0, 0.0]), np.array([21.0, 1.0, 1.0])),
            r"place p: the box from \(20.0, 0.0, 0.0\) mm to .* holds no node, the heart goes from",
        ),
        (
            lambda m: place_points(m, "p", PointSet("f.vtx", np.array([[1.0] * 3, [13, 1, 1]])), 1),
            r"place p: point 2 of f.vtx, at \(13.0, 1.0, 1.0\) mm, is 1.50 mm from the nearest node"
            r", allowed is the radius, 1 mm",
        ),
        (
            lambda m: place_points(m, "p", PointSet("f.vtx", np.empty((0, 3))), 1.0),
            "place p: f.vtx holds no points, need at least one",
        ),
        (
            lambda m: place_region(m, "p", {"h": np.zeros(len(m.points))}, {"h": (0.5, 1.0)}),
            "place p: none of 13824 nodes has h 0.5 to 1",
        ),
    ],
)  # fmt: skip
def test_a_place_on_no_node_is_refused(block, place, sentence):
    with pytest.raises(BadMesh, match=sentence):
        place(block)


def test_vertex_files_are_as_opencarp_writes_them(tmp_path):
    nodes = np.arange(30.0).reshape(10, 3)
    for text in ("3\nintra\n0\n4\n9\n", "3\nextra\n0\n4\n9", "3\n0\n4\n9\n", "# x\n3 \n 0\n4\n9\n"):
        file = tmp_path / "heart.s.vtx"
        file.write_text(text)
        found = read_points(file, nodes)
        np.testing.assert_array_equal(found.points, nodes[[0, 4, 9]])
        assert found.origin == "heart.s.vtx"


def test_a_text_file_has_points_in_mm(tmp_path):
    file = tmp_path / "heart.s.txt"
    file.write_text("1 2 3\n4.5 -6 7e1\n")
    np.testing.assert_array_equal(
        read_points(file, np.empty((0, 3))).points, [[1, 2, 3], [4.5, -6, 70]]
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.vtx", "2\nintra\n0\n10\n", "a.vtx: found node 10, expected 0 to 9"),
        ("a.vtx", "2\nintra\n0\n-1\n", "a.vtx: found node -1, expected 0 to 9"),
        ("a.vtx", "3\nintra\n0\n1\n", "promises 3 nodes, found 2; the file is truncated"),
        ("a.vtx", "2\nintra\n0\n1.5\n", "expected whole numbers for a node"),
        ("a.vtx", "", "a.vtx is empty"),
        ("a.txt", "1 2\n", "found 2 words in '1 2', expected 3 for the x, y and z of a point"),
    ],
)
def test_a_bad_file_of_points_is_refused(tmp_path, name, text, sentence):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadMesh, match=sentence):
        read_points(file, np.zeros((10, 3)))


def test_a_missing_file_of_points_is_refused(tmp_path):
    with pytest.raises(BadMesh, match=r"heart\.s\.vtx cannot be read: No such file"):
        read_points(tmp_path / "heart.s.vtx", np.zeros((10, 3)))


def test_files_of_points_lie_beside_the_mesh(tmp_path):
    assert point_file(tmp_path / "heart.a.vtu", ".s.vtx") == tmp_path / "heart.a.s.vtx"
    (tmp_path / "heart.pts").touch()
    for mesh in ("heart", "heart.pts", "heart.elem"):
        assert point_file(tmp_path / mesh, ".s.vtx") == tmp_path / "heart.s.vtx"


def test_the_box_heart_of_the_other_tests_has_a_wall_to_stimulate():
    heart = box_heart()
    mesh = TetMesh(heart.points, heart.tetrahedra, heart.region)
    assert place_ball(cloud_of(mesh), "apex", np.array([30.0, 30.0, 6.0]), 7.0).around.size
