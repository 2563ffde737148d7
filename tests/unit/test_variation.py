import time
from dataclasses import replace

import numpy as np
import pytest
from known_meshes import box

from polycardia.config import Cells, Study, study_from
from polycardia.errors import BadStudy
from polycardia.physics.mesh import TetMesh
from polycardia.physics.variation import linear_factor, region_of_nodes, scaled_by_region
from polycardia.study.cells import node_factor

# Two tetrahedra on the triangle 0 1 2, the upper one twice as high.
POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2.0], [0, 0, -1.0]])
TETRAHEDRA = np.array([[0, 1, 2, 3], [0, 2, 1, 4]])


def mesh(*region, points=POINTS):
    return TetMesh(points, TETRAHEDRA, np.array(region))


def test_factor_is_linear_between_its_ends():
    np.testing.assert_allclose(
        linear_factor(np.array([0.0, 0.25, 1.0]), 2.0, 1.0), [2.0, 1.75, 1.0]
    )


def test_node_has_the_region_that_fills_most_of_its_volume():
    assert region_of_nodes(mesh(7, 3)).tolist() == [7, 7, 7, 7, 3]
    assert region_of_nodes(mesh(3, 7)).tolist() == [3, 3, 3, 3, 7]


def test_many_small_cells_do_not_outvote_a_large_one():
    """Node 0 has one cell of region 1 with 0.5 mm^3, and four of region 2 with 0.1."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 3.0], [-0.6, 0, 0], [0, -1, 0],
                       [0, 0, -1.0]])  # fmt: skip
    cells = np.array([[0, 1, 2, 3], [0, 4, 5, 6], [0, 4, 5, 6], [0, 4, 5, 6], [0, 4, 5, 6]])
    cells[1:, 1:3] = cells[1:, [2, 1]]
    region = region_of_nodes(TetMesh(points, cells, np.array([1, 2, 2, 2, 2])))
    assert region[0] == 1


@pytest.mark.parametrize("noise", [0.0, 1e-12, -1e-12])
def test_equal_shares_go_to_the_lowest_tag(noise):
    equal = POINTS.copy()
    equal[3, 2] = 1.0 + noise
    assert region_of_nodes(mesh(7, 3, points=equal)).tolist() == [3, 3, 3, 7, 3]
    assert region_of_nodes(mesh(3, 7, points=equal)).tolist() == [3, 3, 3, 3, 7]


def plainly(mesh):
    """The rule as it is said: each tag in turn, with its volume around every node."""
    size = np.abs(np.linalg.det(np.diff(mesh.points[mesh.tetrahedra], axis=1))) / 6.0
    winner = []
    for node in range(len(mesh.points)):
        of_node = (mesh.tetrahedra == node).any(axis=1)
        best = 0.0
        for tag in np.unique(mesh.region[of_node]):
            share = size[of_node & (mesh.region == tag)].sum()
            if share > best + 1e-9 * size[of_node].sum():
                best, chosen = share, tag
        winner.append(chosen)
    return winner


@pytest.mark.parametrize("jitter", [0.0, 0.2])
@pytest.mark.parametrize("n_tags", [1, 2, 5, 60, "one a cell"])
def test_any_number_of_regions_follows_the_rule(n_tags, jitter):
    """Without jitter many shares are equal but for rounding."""
    mesh = box(5, jitter=jitter)
    n_cells, rng = len(mesh.tetrahedra), np.random.default_rng(4)
    region = (
        np.arange(n_cells)[::-1] if n_tags == "one a cell" else rng.integers(n_tags, size=n_cells)
    )
    tagged = replace(mesh, region=region * 7 - 3)
    assert region_of_nodes(tagged).tolist() == plainly(tagged)


def test_element_numbers_as_tags_take_no_pass_each():
    """Seconds a tag would be hours."""
    mesh = box(30)
    tagged = replace(mesh, region=np.arange(len(mesh.tetrahedra)))
    started = time.perf_counter()
    region_of_nodes(tagged)
    assert time.perf_counter() - started < 20.0


def test_part_of_a_mesh_finds_the_same_regions():
    """As long as it has all cells of a node: how many ranks share a heart changes nothing."""
    rng = np.random.default_rng(2)
    n = 9
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
    corner = grid[(grid < n - 1).all(axis=1)]
    paths = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]
    offsets = np.argwhere(np.ones((2, 2, 2)))
    numbers = (corner[:, None] + offsets) @ [n * n, n, 1]
    cells = numbers[:, [[0, a, b, 7] for a, b in paths]].reshape(-1, 4)
    whole = TetMesh(grid * 1.1, cells, rng.integers(0, 3, len(cells)))
    expected = region_of_nodes(whole)
    for first, last in ((0, 100), (100, 512), (512, 729)):
        mine = ((cells >= first) & (cells < last)).any(axis=1)
        touched = np.unique(cells[mine])
        part = TetMesh(
            whole.points[touched], np.searchsorted(touched, cells[mine]), whole.region[mine]
        )
        own = np.searchsorted(touched, np.arange(first, last))
        np.testing.assert_array_equal(region_of_nodes(part)[own], expected[first:last])


def test_regions_without_a_factor_have_one():
    np.testing.assert_array_equal(
        scaled_by_region({3: 0.1, 9: 5.0}, np.array([0, 3, 3, 4])), [1.0, 0.1, 0.1, 1.0]
    )


VARIED = {
    "scaling": {"g_kr": 0.5},
    "epicardial": {"name": "tp06_epi", "scaling": {"g_kr": 0.8, "g_na": 0.9}},
    "gradients": [
        {"parameter": "g_ks", "along": "apicobasal", "at_zero": 2.0, "at_one": 1.0},
        {"parameter": "g_ks", "along": "transmural", "at_zero": 1.0, "at_one": 3.0,
         "layers": ["midwall"]},
    ],
    "regions": {3: {"conductivity_factor": 0.1, "scaling": {"g_na": 0.3, "g_ks": 0.5}},
                "4": {"scaling": {"g_to": 0.0}, "layers": ["epicardial"]}},
}  # fmt: skip


def study(**cells):
    return study_from({"cells": cells}, "config.yaml")


def test_gradients_and_regions_multiply():
    cells = study(**VARIED).cells
    coordinates = {"apicobasal": np.array([0.0, 0.5, 1.0]), "transmural": np.array([1.0, 0.5, 0])}
    region = np.array([0, 3, 4])
    for layer, expected in (("endocardial", [2.0, 0.75, 1.0]), ("midwall", [6.0, 1.5, 1.0])):
        found = node_factor(cells, layer, "g_ks", coordinates, region)
        np.testing.assert_allclose(found, expected)
    found = node_factor(cells, "epicardial", "g_to", coordinates, region)
    np.testing.assert_allclose(found, [1.0, 1.0, 0.0])
    np.testing.assert_allclose(node_factor(cells, "midwall", "g_na", {}, region), [1, 0.3, 1])


def test_what_a_layers_model_step_is_given():
    cells = study(**VARIED).cells
    assert cells.pacing_of("endocardial").varying == ("g_ks", "g_na")
    assert cells.pacing_of("epicardial").varying == ("g_ks", "g_na", "g_to")
    assert cells.pacing_of("endocardial").model.scaling == {"g_kr": 0.5}
    assert cells.pacing_of("epicardial").model.scaling == {"g_kr": 0.4, "g_na": 0.9}
    assert Cells().pacing_of("midwall").varying == ()


def test_settings_survive_the_way_to_a_job():
    """JSON has text for keys, and lists for tuples."""
    simulation = study(**VARIED).simulation()
    again = type(simulation).model_validate_json(simulation.model_dump_json())
    assert again == simulation
    assert list(again.cells.regions) == [3, 4]
    pacing = simulation.cells.pacing_of("epicardial")
    assert type(pacing).model_validate_json(pacing.model_dump_json()) == pacing


def test_only_a_regions_conductivity_prepares_again():
    """The lead vectors have it; a scar's ion channels, or a gradient, only simulate again."""
    assert study(**VARIED).preparation().conductivity_factors == {3: 0.1}
    other = VARIED | {"regions": {3: {"conductivity_factor": 0.1, "scaling": {"g_na": 0.9}}}}
    assert (
        study(
            **other,
        ).preparation()
        == study(**VARIED).preparation()
    )
    assert study(**VARIED).preparation() != Study().preparation()
    steeper = VARIED | {
        "gradients": [VARIED["gradients"][0] | {"at_zero": 9.0}, VARIED["gradients"][1]]
    }
    for layer in ("endocardial", "midwall", "epicardial"):
        assert study(**steeper).cells.pacing_of(layer) == study(**VARIED).cells.pacing_of(layer)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"scaling": {"g_kr": -0.5}}, "cells.scaling.g_kr"),
        ({"gradients": [{"parameter": "g_ks", "along": "apico"}]}, "cells.gradients.0.along"),
        ({"gradients": [{"parameter": "g_ks"}]}, "cells.gradients.0.along"),
        ({"gradients": [VARIED["gradients"][0] | {"layers": []}]}, "cells.gradients.0.layers"),
        ({"gradients": [VARIED["gradients"][0] | {"layers": ["septum"]}]}, "layers"),
        ({"regions": {"scar": {}}}, "cells.regions.scar"),
        ({"regions": {3: {"conductivity_factor": 0.0}}}, "conductivity_factor"),
        (
            {"regions": {3: {"conductivity": 0.1}}},
            "cells.regions.3.conductivity: there is no setting 'conductivity' here, allowed are "
            "conductivity_factor, scaling, layers",
        ),
        ({"regions": {"3": {"g_na": 0.1}}}, "no setting 'g_na' here, allowed are conductivity_f"),
        ({"epicardial": {"units": "loose"}}, "cells.epicardial.units"),
    ],
)
def test_a_wrong_setting_is_named(cells, sentence):
    with pytest.raises(BadStudy, match=sentence):
        study(**cells)
