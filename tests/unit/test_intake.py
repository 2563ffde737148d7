"""Admission of a heart: what is mended and said, and what is refused in one sentence."""

from dataclasses import replace

import numpy as np
import pytest
from box_heart import box_heart, volumes
from hypothesis import given, settings
from hypothesis import strategies as st

from polycardia.errors import BadMesh, BadStudy
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.mesh import Surface

HEART = box_heart()


def points_moved(node, by):
    points = HEART.points.copy()
    points[node] += by
    return points


def inner_node():
    """A node in the middle of the bottom's wall."""
    return int(np.linalg.norm(HEART.points - [30.0, 30.0, 6.0], axis=1).argmin())


def label_map(triangles, label):
    return {tuple(sorted(t)): s for t, s in zip(triangles.tolist(), label.tolist(), strict=True)}


def assert_sound(admitted):
    """A closed, outward oriented, labelled boundary of positive cells."""
    mesh, boundary = admitted.mesh, admitted.boundary
    assert (volumes(mesh.points, mesh.tetrahedra) > 0).all()
    corners = mesh.points[boundary.triangles]
    flux = np.linalg.det(corners).sum() / 6.0  # volume by the divergence theorem
    assert flux == pytest.approx(volumes(mesh.points, mesh.tetrahedra).sum(), rel=1e-9)
    assert set(np.unique(boundary.label)) == {1, 2, 3, 4}
    assert len(np.unique(mesh.tetrahedra)) == len(mesh.points)


def test_a_sound_heart_passes_unchanged():
    admitted = admit(HEART.source(fibre=HEART.fibre), units="mm")
    np.testing.assert_array_equal(admitted.mesh.points, HEART.points)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.mesh.region, HEART.region)
    np.testing.assert_allclose(admitted.mesh.fibre, HEART.fibre, atol=1e-15)
    np.testing.assert_array_equal(admitted.boundary.triangles, HEART.triangles)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)
    assert admitted.mended == ()
    assert admitted.labels_from == "box.vtu"
    assert_sound(admitted)


# ------------------------------------------------------------------------------------------ units


@pytest.mark.parametrize(("unit", "length"), [("m", 1e3), ("cm", 10.0), ("mm", 1.0), ("um", 1e-3)])
def test_units_become_millimetres(unit, length):
    source = HEART.source(points=HEART.points / length)
    for admitted in (admit(source, units=unit), admit(replace(source, declared_unit=unit))):
        np.testing.assert_allclose(admitted.mesh.points, HEART.points, rtol=1e-12, atol=1e-9)


def test_the_table_goes_before_the_file_and_the_file_before_the_custom():
    source = HEART.source(points=HEART.points / 10.0, declared_unit="cm", customary_unit="um")
    assert admit(source).mended == ()
    overruled = admit(replace(source, declared_unit="m"), units="cm")
    assert overruled.mended == ("the file declares m, the table's cm was used",)
    assumed = admit(HEART.source(points=1000.0 * HEART.points, customary_unit="um"))
    assert assumed.mended == ("no unit given: um assumed, 134 mm across",)


@pytest.mark.parametrize(
    ("factor", "units", "sentence"),
    [
        (0.001, None, r"0\.1342 mm across with the unit mm \(assumed\), .* 250 mm: m would fit"),
        (0.1, "mm", r"13\.42 mm across with the unit mm \(given\), .* 250 mm: cm would fit"),
        (1000.0, "mm", r"1\.342e\+05 mm across .* 250 mm: um would fit"),
        (1.0, "um", r"0\.1342 mm across with the unit um \(given\), .* 250 mm: mm would fit"),
        (1.0 / 3.0, None, r"44\.72 mm across .*: none of m, cm, mm, um would fit"),
    ],
)
def test_a_heart_of_the_wrong_size_is_refused_with_the_unit_that_fits(factor, units, sentence):
    with pytest.raises(BadMesh, match=sentence):
        admit(HEART.source(points=factor * HEART.points), units=units)


def test_an_unknown_unit_is_the_studys_fault():
    with pytest.raises(BadStudy, match="found 'inch', expected one of m, cm, mm, um"):
        admit(HEART.source(), units="inch")


# ------------------------------------------------------------------------------------- bad numbers


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


# --------------------------------------------------------------------------------------- inversion


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


# ------------------------------------------------------------------------- nodes, elements, pieces


def test_orphan_nodes_are_dropped_wherever_they_lie():
    points = np.vstack([[np.nan] * 3, HEART.points, [[1e9] * 3]])
    surface = replace(HEART.source().surface, triangles=HEART.triangles + 1)
    admitted = admit(
        HEART.source(points=points, tetrahedra=HEART.tetrahedra + 1, surface=surface), units="mm"
    )
    assert admitted.mended == ("2 nodes that no element uses dropped",)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def test_two_regions_meshed_apart_are_joined():
    """Every node of the interface comes twice, as when each ventricle is a part of its own."""
    second = HEART.region == 2
    shared = np.intersect1d(HEART.tetrahedra[second], HEART.tetrahedra[~second])
    copy = np.arange(len(HEART.points))
    copy[shared] = len(HEART.points) + np.arange(len(shared))
    tetrahedra = HEART.tetrahedra.copy()
    tetrahedra[second] = copy[tetrahedra[second]]
    points = np.vstack([HEART.points, HEART.points[shared] + 1e-6])
    admitted = admit(HEART.source(points=points, tetrahedra=tetrahedra), units="mm")
    assert admitted.mended[0].startswith(f"{len(shared)} duplicate nodes merged")
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def kissing_bricks(gap):
    """A brick on top of the epicardium that touches it in one edge, with nodes of its own."""
    cube = np.argwhere(np.ones((2, 2, 2))) * 6.0
    paths = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]
    cells = np.array([[0, a, b, 7] for a, b in paths])
    at = cube + np.array([-6.0 - gap, -6.0 - gap, 6.0])
    cells[volumes(at, cells) < 0] = cells[volumes(at, cells) < 0][:, [1, 0, 2, 3]]
    return at, cells + len(HEART.points)


def test_coincident_nodes_of_touching_surfaces_stay_apart():
    at, cells = kissing_bricks(0.0)
    n = len(cells)
    source = HEART.source(
        points=np.vstack([HEART.points, at]),
        tetrahedra=np.vstack([HEART.tetrahedra, cells]),
        region=np.append(HEART.region, np.ones(n, np.int64)),
    )
    admitted = admit(source, units="mm")
    assert admitted.mended == (
        "2 coincident nodes left apart: joining them would glue surfaces",
        "1 separate piece of together 216 mm^3 (0.09%) dropped",
    )
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)


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


def test_two_hearts_in_one_file_are_refused():
    points = np.vstack([HEART.points, HEART.points + np.array([100.0, 0.0, 0.0])])
    cells = np.vstack([HEART.tetrahedra, HEART.tetrahedra + len(HEART.points)])
    source = HEART.source(points=points, tetrahedra=cells, region=np.ones(len(cells), np.int64))
    with pytest.raises(BadMesh, match="the mesh is 2 separate pieces of 251, 251 mL"):
        admit(source)


def test_crumbs_beside_the_heart_are_dropped():
    at, cells = kissing_bricks(3.0)
    source = HEART.source(
        points=np.vstack([HEART.points, at]),
        tetrahedra=np.vstack([HEART.tetrahedra, cells]),
        region=np.append(HEART.region, np.ones(len(cells), np.int64)),
    )
    admitted = admit(source, units="mm")
    assert admitted.mended == ("1 separate piece of together 216 mm^3 (0.09%) dropped",)
    np.testing.assert_array_equal(admitted.mesh.tetrahedra, HEART.tetrahedra)


def without_bricks(bricks, **changes):
    """The heart without some bricks, given by the indices of their lowest corners."""
    brick = np.floor(HEART.points[HEART.tetrahedra].mean(axis=1) / 6.0).astype(int)
    gone = (brick[:, None] == np.array(bricks)).all(axis=2).any(axis=1)
    assert gone.sum() == 6 * len(bricks)
    return HEART.source(tetrahedra=HEART.tetrahedra[~gone], region=HEART.region[~gone], **changes)


def assert_two_triangles_an_edge(boundary):
    edges = np.sort(boundary.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, on = np.unique(edges, axis=0, return_counts=True)
    assert set(on) == {2}


def test_a_node_at_which_two_bricks_touch_is_split():
    """Of the eight bricks round a node in the floor, only two opposite ones are left."""
    around = [(x, y, z) for x in (4, 5) for y in (4, 5) for z in (0, 1)]
    gone = [brick for brick in around if brick not in {(4, 4, 0), (5, 5, 1)}]
    admitted = admit(without_bricks(gone), units="mm")
    assert admitted.mended[0] == "1 node at which the boundary touched itself split"
    assert_sound(admitted)
    assert_two_triangles_an_edge(admitted.boundary)
    node = np.linalg.norm(admitted.mesh.points - [30.0, 30.0, 6.0], axis=1) == 0.0
    assert node.sum() == 2


def test_an_edge_along_which_two_bricks_touch_is_opened():
    """Of the four bricks round an edge in the floor, two opposite ones are left."""
    admitted = admit(without_bricks([(5, 5, 0), (5, 4, 1)]), units="mm")
    assert "beside edges at which the boundary touched itself dropped" in " ".join(admitted.mended)
    assert_sound(admitted)
    assert_two_triangles_an_edge(admitted.boundary)
    lost = HEART.volume - 2 * 216.0 - volumes(admitted.mesh.points, admitted.mesh.tetrahedra).sum()
    assert 0.0 < lost < 0.001 * HEART.volume


def test_surfaces_that_touch_along_many_edges_are_refused():
    centres = HEART.points[HEART.tetrahedra].mean(axis=1)
    brick = np.floor(centres / 6.0).astype(int)
    outer = (brick[:, 0] == 0) & (brick[:, 2] > 2)
    keep = np.flatnonzero(~(outer & ((brick[:, 1] + brick[:, 2]) % 2 == 0)))
    source = HEART.source(
        tetrahedra=HEART.tetrahedra[keep], region=HEART.region[keep], surface=None
    )
    with pytest.raises(BadMesh, match="the boundary is not a surface: it touches itself"):
        admit(source)


# ------------------------------------------------------------------------------------------ fibres


def test_fibres_are_made_unit_vectors():
    long = HEART.fibre.copy()
    long[::2] *= 2.0
    admitted = admit(HEART.source(fibre=long), units="mm")
    np.testing.assert_allclose(admitted.mesh.fibre, HEART.fibre, atol=1e-12)
    assert admitted.mended == ("3480 fibres of length 1 to 2 made unit vectors",)


@pytest.mark.parametrize("gap", [0.0, np.nan])
def test_few_missing_fibres_come_from_their_neighbours(gap):
    sign = np.where(np.arange(len(HEART.fibre)) % 2, 1.0, -1.0)  # fibres have no sign
    along = sign[:, None] * np.array([0.6, 0.0, 0.8])
    along[100:130] = gap
    admitted = admit(HEART.source(fibre=along), units="mm")
    cosine = np.abs(admitted.mesh.fibre @ [0.6, 0.0, 0.8])
    np.testing.assert_allclose(cosine, 1.0, atol=1e-9)
    assert admitted.mended == ("30 zero or non-finite fibres filled from neighbouring elements",)


def test_many_missing_fibres_are_refused():
    fibre = HEART.fibre.copy()
    fibre[:100] = 0.0
    with pytest.raises(BadMesh, match="100 of 6960 fibres are zero or not finite, expected at mos"):
        admit(HEART.source(fibre=fibre))


def test_a_wrong_number_of_fibres_is_refused():
    with pytest.raises(BadMesh, match="found 6959 fibres, expected 6960, one for each element"):
        admit(HEART.source(fibre=HEART.fibre[1:]))
    with pytest.raises(BadMesh, match="found 6960 fibres, expected 1901, one for each node"):
        admit(HEART.source(fibre=HEART.fibre, fibre_on_nodes=True))


def test_fibres_on_nodes_are_averaged_without_regard_to_sign():
    sign = np.where(np.arange(len(HEART.points)) % 2, 1.0, -1.0)
    along = sign[:, None] * np.array([0.0, 0.6, 0.8])
    admitted = admit(HEART.source(fibre=along, fibre_on_nodes=True), units="mm")
    np.testing.assert_allclose(np.abs(admitted.mesh.fibre @ [0.0, 0.6, 0.8]), 1.0, atol=1e-12)


# ------------------------------------------------------------------------------------------ labels


def labelled(label, triangles=HEART.triangles):
    return replace(HEART.source().surface, label=label, triangles=triangles)


def test_what_is_not_labelled_becomes_the_base():
    label = np.where(HEART.label == Surface.BASE, 0, HEART.label)
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)
    assert "the unlabelled" in admitted.mended[0]


def test_small_gaps_get_their_neighbours_label():
    label = HEART.label.copy()
    label[np.flatnonzero(label == Surface.EPI)[::40]] = 0
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    assert np.mean(admitted.boundary.label == HEART.label) > 0.995
    assert "had no label and got its neighbours'" in admitted.mended[0]


def test_a_gap_is_filled_along_the_surface_not_through_the_wall():
    """Its middle is 9 mm from the rest of the epicardium, and 6 mm from the RV endocardium."""
    centres = HEART.points[HEART.triangles].mean(axis=1)
    gap = (centres[:, 0] == 96.0) & (np.abs(centres[:, 1:] - [30.0, 45.0]) < 12.0).all(axis=1)
    label = np.where(gap, 0, HEART.label)
    admitted = admit(HEART.source(surface=labelled(label)), units="mm")
    np.testing.assert_array_equal(admitted.boundary.label, HEART.label)


def test_labels_of_another_mesh_or_with_gaps_are_refused():
    with pytest.raises(BadMesh, match="labelled triangles lie on the mesh's boundary: are these"):
        admit(HEART.source(surface=labelled(HEART.label, (HEART.triangles * 7 + 3) % 1901)))
    with pytest.raises(BadMesh, match=r"triangle 0 names nodes .* expected 0 to 1900"):
        admit(HEART.source(surface=labelled(HEART.label, HEART.triangles + 1900)))
    gaps = np.where((HEART.label == 3) & (np.arange(len(HEART.label)) % 2 == 0), 0, HEART.label)
    with pytest.raises(BadMesh, match=r"\d+.\d% of the boundary's area has no label"):
        admit(HEART.source(surface=labelled(gaps)))


@pytest.mark.parametrize(
    ("gone", "name"), [(1, "LV endocardium"), (2, "RV endocardium"), (3, "epicardium")]
)
def test_a_missing_label_is_named(gone, name):
    label = np.where(HEART.label == gone, 4, HEART.label)
    with pytest.raises(BadMesh, match=f"no triangle of the boundary is labelled {name}"):
        admit(HEART.source(surface=labelled(label)))


def test_an_endocardium_in_two_pieces_is_refused():
    centres = HEART.points[HEART.triangles].mean(axis=1)
    label = np.where((HEART.label == 3) & (centres[:, 0] == 0.0), 1, HEART.label)
    with pytest.raises(BadMesh, match="the LV endocardium is in pieces of"):
        admit(HEART.source(surface=labelled(label)))


def test_endocardia_that_touch_are_refused():
    label = np.where((HEART.label == 4), 2, HEART.label)
    with pytest.raises(BadMesh, match=r"labelled base|touch along \d+ edges"):
        admit(HEART.source(surface=labelled(label)))
    some = (HEART.label == 4) & (HEART.points[HEART.triangles][:, :, 1].mean(axis=1) < 30.0)
    with pytest.raises(BadMesh, match=r"LV and RV endocardium touch along \d+ edges"):
        admit(HEART.source(surface=labelled(np.where(some, 2, HEART.label))))


# -------------------------------------------------------------------------------------- invariants


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_turned=st.integers(0, 200), n_orphans=st.integers(0, 5))
def test_renumbering_turning_and_orphans_change_nothing(seed, n_turned, n_orphans):
    random = np.random.default_rng(seed)
    n = len(HEART.points) + n_orphans
    number = random.permutation(n)[: len(HEART.points)]
    points = np.full((n, 3), 7.0)
    points[number] = HEART.points
    order = random.permutation(len(HEART.tetrahedra))
    tetrahedra = number[HEART.tetrahedra[order]]
    tetrahedra[:n_turned] = tetrahedra[:n_turned][:, [0, 1, 3, 2]]
    source = HEART.source(
        points=points,
        tetrahedra=tetrahedra,
        region=HEART.region[order],
        fibre=HEART.fibre[order],
        surface=labelled(HEART.label, number[HEART.triangles]),
    )
    admitted = admit(source, units="mm")
    assert_sound(admitted)
    mesh = admitted.mesh
    assert volumes(mesh.points, mesh.tetrahedra).sum() == pytest.approx(HEART.volume)
    np.testing.assert_array_equal(mesh.region, HEART.region[order])
    np.testing.assert_allclose(mesh.fibre, HEART.fibre[order], atol=1e-15)
    place = {tuple(p): i for i, p in enumerate(HEART.points.tolist())}
    back = np.array([place[tuple(p)] for p in mesh.points.tolist()])
    assert label_map(back[admitted.boundary.triangles], admitted.boundary.label) == label_map(
        HEART.triangles, HEART.label
    )


# ------------------------------------------------------------------------------------- real hearts


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
