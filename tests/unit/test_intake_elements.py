"""Which elements are mended or dropped, and which refuse a heart."""

from dataclasses import replace

import numpy as np
import pytest
from admission import HEART, assert_sound, points_moved
from box_heart import volumes

from polycardia.errors import BadMesh
from polycardia.physics.intake import admit


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coordinates_that_are_not_finite(value):
    with pytest.raises(BadMesh, match="1 of 1901 nodes have coordinates that are not finite"):
        admit(HEART.source(points=points_moved(5, [0.0, value, 0.0])))


def test_absurd_coordinates():
    with pytest.raises(BadMesh, match="none of m, cm, mm, um would fit"):
        admit(HEART.source(points=points_moved(5, 1e200)))


def test_no_tetrahedra():
    nothing = HEART.source(tetrahedra=np.empty((0, 4), np.int64), region=np.empty(0, np.int64))
    with pytest.raises(BadMesh, match="found no cells, expected tetrahedra"):
        admit(nothing)
    with pytest.raises(BadMesh, match="found 7 triangle cells, expected tetrahedra"):
        admit(replace(nothing, other_cells={"triangle": 7}))


def test_other_volumes_are_refused_and_lines_ignored():
    with pytest.raises(BadMesh, match="found 12 hexahedron cells, 1 prism cells beside 6960"):
        admit(HEART.source(other_cells={"hexahedron": 12, "prism": 1, "line": 4}))
    assert "4 line cells ignored" in admit(HEART.source(other_cells={"line": 4})).mended


@pytest.mark.parametrize("node", [-1, 1901, 2**40])
def test_node_numbers_out_of_range(node):
    tetrahedra = HEART.tetrahedra.copy()
    tetrahedra[17, 2] = node
    with pytest.raises(BadMesh, match=f"element 17 names nodes .*{node}.* expected 0 to 1900"):
        admit(HEART.source(tetrahedra=tetrahedra))


def inner_node():
    """A node in the middle of the bottom's wall."""
    return int(np.linalg.norm(HEART.points - [30.0, 30.0, 6.0], axis=1).argmin())


def test_elements_listed_inside_out_are_turned():
    chosen = np.arange(0, len(HEART.tetrahedra), 3)
    tetrahedra = HEART.tetrahedra.copy()
    tetrahedra[chosen] = tetrahedra[chosen][:, [0, 2, 1, 3]]
    for turned, n in ((tetrahedra, len(chosen)), (HEART.tetrahedra[:, ::-1][:, [0, 1, 3, 2]], 0)):
        admitted = admit(HEART.source(tetrahedra=turned), units="mm")
        assert_sound(admitted)
        if n:
            said = f"{n} of 6960 elements listed their nodes inside out: turned"
            assert admitted.mended == (said,)


def test_a_node_pulled_through_its_neighbours_is_refused():
    with pytest.raises(BadMesh, match=r"the mesh is inverted: \d+ faces with both elements on one"):
        admit(HEART.source(points=points_moved(inner_node(), [0.0, 0.0, 15.0])))


def test_three_elements_on_one_face_are_refused():
    outer = {tuple(sorted(t)) for t in HEART.triangles.tolist()}
    inner = next(c for c in HEART.tetrahedra.tolist() if tuple(sorted(c[:3])) not in outer)
    third = [np.array([[*inner[:3], node]]) for node in range(100)]
    spike = max(third, key=lambda cell: abs(volumes(HEART.points, cell)[0]))
    more = np.vstack([HEART.tetrahedra, spike])
    with pytest.raises(BadMesh, match="3 elements on faces that more than two elements claim"):
        admit(HEART.source(tetrahedra=more, region=np.ones(len(more), np.int64)))


def test_duplicate_elements_are_dropped():
    again = np.vstack([HEART.tetrahedra, HEART.tetrahedra[[5, 9]][:, [1, 2, 0, 3]]])
    admitted = admit(
        HEART.source(tetrahedra=again, region=np.append(HEART.region, [1, 1])), units="mm"
    )
    assert admitted.mended == ("2 duplicate elements dropped",)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)


def test_collapsed_elements_are_dropped():
    more = np.vstack([HEART.tetrahedra, [[3, 3, 4, 5]]])
    admitted = admit(HEART.source(tetrahedra=more, region=np.append(HEART.region, 1)), units="mm")
    assert admitted.mended == ("1 collapsed element dropped",)
    with pytest.raises(BadMesh, match="all 1160 elements name a node twice"):
        admit(HEART.source(tetrahedra=np.repeat(HEART.tetrahedra[:, :1], 4, axis=1)))


def test_a_flat_element_on_the_surface_is_dropped_and_inside_refused():
    bottom = HEART.triangles[HEART.points[HEART.triangles][:, :, 2].max(axis=1) == 0.0]
    quadrangle = next(
        np.union1d(a, b) for a in bottom[:40] for b in bottom[:40] if len(np.union1d(a, b)) == 4
    )
    more = np.vstack([HEART.tetrahedra, quadrangle])
    admitted = admit(HEART.source(tetrahedra=more, region=np.append(HEART.region, 1)), units="mm")
    assert admitted.mended == ("1 flat element at the boundary dropped",)


def test_a_flat_element_inside_is_refused():
    outer = {tuple(sorted(t)) for t in HEART.triangles.tolist()}
    deep = next(
        cell
        for cell in HEART.tetrahedra[np.isin(HEART.tetrahedra, inner_node()).any(axis=1)]
        if not any(tuple(np.delete(np.sort(cell), i)) in outer for i in range(4))
    )
    points = HEART.points.copy()
    points[inner_node()] = points[deep[deep != inner_node()]].mean(axis=0)
    with pytest.raises(BadMesh, match=r"\d elements? of 6960 without volume, .* element \d+ at \("):
        admit(HEART.source(points=points))
