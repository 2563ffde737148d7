"""Where probes are placed, what is computed for them, and when snapshots are taken."""

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from known_meshes import INNER, LENGTH, OUTER, shell

from polycardia.config import study_from
from polycardia.errors import BadMesh, BadStudy
from polycardia.io.origin import PREPARED, Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.ionic.model import load_model
from polycardia.physics import probes
from polycardia.physics.heart import PreparedHeart, Site
from polycardia.physics.leads import LeadVectors
from polycardia.physics.probes import nearest_node
from polycardia.solver.snapshots import Snapshots
from polycardia.study.outputs import snapshots
from polycardia.study.probes import PlacedProbe, placed, probe_records

MESH, BOUNDARY = shell(n_deep=4, n_down=40, n_around=80)
N = len(MESH.points)
EDGE = 3.5  # [mm], as the prepared file has it


def transmural():
    """The depth of the shell's nodes, from the ellipsoids that it lies between."""
    x, y, z = MESH.points.T
    inner = np.sqrt((x**2 + y**2) / INNER**2 + (z / LENGTH) ** 2)
    outer = np.sqrt((x**2 + y**2) / OUTER**2 + (z / (LENGTH + OUTER - INNER)) ** 2)
    return np.clip((inner - 1.0) / (inner - outer), 0.0, 1.0)


TRANSMURAL, APICOBASAL = transmural(), 1.0 + MESH.points[:, 2] / LENGTH
CELL_TYPE = np.digitize(TRANSMURAL, [0.3, 0.7])


def opened(folder, region=MESH.region):
    """The shell as a prepared heart."""
    n_cells = len(MESH.tetrahedra)
    heart = PreparedHeart(
        mesh=replace(MESH, region=region, fibre=np.tile([1.0, 0.0, 0.0], (n_cells, 1))),
        boundary=BOUNDARY,
        sheet=None,
        factor=np.ones(n_cells),
        cell_type=CELL_TYPE,
        coordinates={"transmural": TRANSMURAL, "apicobasal": APICOBASAL},
        axes=np.eye(3),
        sites=[Site("rv_septal", np.array([17, 3]), np.array([5]))],
        electrode_names=["RA"],
        electrodes=np.zeros((1, 3)),
        leads=LeadVectors(np.zeros((1, N)), np.zeros((1, N))),
        measures={"mean_edge_length": (EDGE, "mm")},
    )
    write_prepared(folder / "prepared.h5", heart, Outcome(PREPARED), {})
    return PreparedFile(folder / "prepared.h5")


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("heart")) as prepared:
        yield prepared


def probe(**place):
    study = study_from({"outputs": {"probes": {"at": [{"name": "p", **place}]}}}, "config")
    return study.outputs.probes.at[0]


def test_a_point_takes_the_nearest_node_and_says_how_far_it_is(heart):
    shift = np.array([0.1, 0.2, -0.2])
    (found,) = placed(heart, [probe(point=list(MESH.points[123] + shift))])
    assert found.node == 123
    assert found.miss == pytest.approx(0.3)
    np.testing.assert_array_equal(found.place, MESH.points[123])
    assert found.layer == CELL_TYPE[123]


@pytest.mark.parametrize("point", [(0.0, 0.0, 40.0), (2.2, 0.1, -4.0)])
def test_a_point_far_from_the_heart_is_refused(heart, point):
    """In centimetres it is somewhere, too: in the cavity."""
    nearest = np.linalg.norm(MESH.points - point, axis=1).min()
    expected = rf"probe p: the point \(.*\) mm is {nearest:.1f} mm from the nearest node, allowed "
    with pytest.raises(BadMesh, match=expected + r"are 3.5 mm; the heart goes from \(-32.0, "):
        placed(heart, [probe(point=list(point))])


@pytest.mark.parametrize(("past", "found"), [(3.4, True), (3.6, False)])
def test_a_point_may_be_an_edge_off(heart, past, found):
    top = MESH.points[np.argmax(MESH.points[:, 2])] + [0.0, 0.0, past]
    if found:
        assert placed(heart, [probe(point=list(top))])[0].miss == pytest.approx(past)
    else:
        with pytest.raises(BadMesh, match="from the nearest node"):
            placed(heart, [probe(point=list(top))])


def test_the_nearest_node_is_found_a_part_at_a_time(monkeypatch):
    monkeypatch.setattr(probes, "NODES_AT_ONCE", 100)
    points = np.random.default_rng(1).uniform(size=(1050, 3))
    points[[701, 77]] = points[1049]
    assert nearest_node(points, points[1049]) == (77, 0.0)
    for place in np.random.default_rng(2).uniform(size=(20, 3)):
        away = np.linalg.norm(points - place, axis=1)
        assert nearest_node(points, place) == (int(away.argmin()), away.min())


def test_many_probes_read_the_heart_once(heart, monkeypatch):
    reads, read = [], heart.read_boundary
    monkeypatch.setattr(heart, "read_boundary", lambda: reads.append(1) or read())
    places = {"ventricle": "lv", "apicobasal": 0.6}
    placed(heart, [probe(heart=places | {"rotation": 10.0 * k}) for k in range(5)])
    assert len(reads) == 1


def test_many_probes_take_no_more_memory_than_one(heart):
    """Nothing of the cells is read: their corners alone are 170 bytes a node."""
    places = {"ventricle": "lv", "apicobasal": 0.6, "transmural": 0.5}
    wanted = [probe(heart=places | {"rotation": 10.0 * k}) for k in range(9)]
    wanted += [probe(point=list(MESH.points[k])) for k in (0, 900)]
    placed(heart, wanted)
    tracemalloc.start()
    placed(heart, wanted)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    surface = BOUNDARY.triangles.nbytes + BOUNDARY.label.nbytes
    assert peak < 130 * N + 15 * surface


def test_a_site_takes_its_middle(heart):
    assert placed(heart, [probe(site="rv_septal")])[0].node == 17


def test_a_site_that_was_not_prepared_is_refused(heart):
    with pytest.raises(BadStudy, match="'lv_mid_septal', the heart was prepared with rv_septal"):
        placed(heart, [probe(site="lv_mid_septal")])


@pytest.mark.parametrize("rotation", [0.0, 90.0, 200.0])
@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0])
def test_a_place_in_the_wall_lies_where_its_coordinates_say(heart, rotation, depth):
    place = {"ventricle": "lv", "apicobasal": 0.6, "rotation": rotation, "transmural": depth}
    (found,) = placed(heart, [probe(heart=place)])
    z = -LENGTH * 0.4
    radius = (INNER + depth * (OUTER - INNER)) * np.sqrt(1.0 - (z / LENGTH) ** 2)
    angle = np.radians(rotation)
    expected = [radius * np.cos(angle), radius * np.sin(angle), z]
    assert np.linalg.norm(found.place - expected) < 3.0
    assert TRANSMURAL[found.node] == pytest.approx(depth, abs=0.13)


def test_a_place_on_no_endocardium_is_the_hearts_failure(heart):
    place = {"ventricle": "rv", "apicobasal": 0.0, "rotation": 0.0}
    with pytest.raises(BadMesh, match="finds no rv endocardium"):
        placed(heart, [probe(heart=place)])


def settings_of(cells=None, **outputs):
    return study_from({"cells": cells or {}, "outputs": outputs}, "config").simulation()


def test_currents_of_a_probe_are_those_of_its_layer_and_its_own_factors(tmp_path):
    """The paper's sodium current, times what a gradient and a region say of the node."""
    node = int(np.argmin(np.abs(APICOBASAL - 0.6)))
    touching = (MESH.tetrahedra == node).any(axis=1)
    # Most of what touches the node is scar, nothing of what touches its first neighbour is.
    neighbour = MESH.tetrahedra[touching].min()
    touching &= (MESH.tetrahedra != neighbour).all(axis=1)
    cells = {
        "gradients": [{"parameter": "g_na", "along": "apicobasal", "at_zero": 1.0, "at_one": 0.5}],
        "regions": {3: {"scaling": {"g_na": 0.1}}},
    }
    settings = settings_of(
        cells, probes={"at": [{"name": "p", "site": "rv_septal"}], "variables": ["i_na", "m"]}
    )
    model = load_model("tp06_mid")
    gates = [state.qname() for state in model.gates_and_concentrations]
    states = np.array([[s.initial_value(as_float=True)] for s in model.gates_and_concentrations])
    states = np.tile(states, (1, 4))
    m, h, j = (gates.index(f"i_na.{gate}") for gate in "mhj")
    states[m] = [0.1, 0.5, 0.9, 1.0]
    voltage = np.array([-60.0, -20.0, 0.0, 20.0])
    # A cell with more states leaves rows behind these.
    values = np.vstack([voltage, states, np.zeros((3, 4))])[None]
    where = PlacedProbe("p", node, MESH.points[node], 0.0, 1)
    with opened(tmp_path, region=np.where(touching, 3, 0)) as scarred:
        (record,) = probe_records(scarred, [where], values, settings)
    assert list(record.traces) == ["voltage", "i_na", "m"]
    np.testing.assert_array_equal(record.traces["voltage"][0], voltage)
    np.testing.assert_array_equal(record.traces["m"][0], states[m])
    # ten Tusscher & Panfilov 2006: g_na m^3 h j (V - E_na), E_na = RT/F ln(Na_o/Na_i).
    sodium = states[[name.rpartition(".")[2].lower() for name in gates].index("na_i")]
    reversal = 8314.472 * 310.0 / 96485.3415 * np.log(140.0 / sodium)
    height = APICOBASAL[node]
    g_na = 14.838 * (1.0 - 0.5 * height) * 0.1
    expected = g_na * states[m] ** 3 * states[h] * states[j] * (voltage - reversal)
    np.testing.assert_allclose(record.traces["i_na"][0], expected, rtol=1e-4)
    assert record.traces["i_na"][1:] == ("A/F", "i_na.i_na")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Snapshots(0, 1, 5), [0, 1, 2, 3, 4, 5]),
        (Snapshots(2, 3, 9), [2, 5, 8]),
        (Snapshots(2, 3, 8), [2, 5, 8]),
        (Snapshots(4, 3, 2), []),
    ],
)
def test_snapshots_are_taken_on_time_and_numbered_from_none(schedule, expected):
    counted = [schedule.count(number) for number in range(-1, 12)]
    assert [k for k in range(12) if counted[k + 1] > counted[k]] == expected
    assert counted[-1] == len(expected)
    assert set(np.diff(counted)) <= {0, 1}


@pytest.mark.parametrize(
    ("asked", "first", "every", "last"),
    [
        ({"interval": 5.0}, 0, 5, 500),
        ({"interval": 2.0, "start": 10.0}, 10, 2, 500),
        ({"interval": 2.0, "start": 10.0, "end": 20.5}, 10, 2, 20),
        ({"interval": 2.0, "end": 9000.0}, 0, 2, 500),
    ],
)
def test_snapshots_as_the_study_asks_for_them(asked, first, every, last):
    found = snapshots(settings_of(voltage=asked), None)
    assert (found.first, found.every, found.last) == (first, every, last)


def test_no_snapshots_where_none_are_asked_for():
    assert snapshots(settings_of(), None) is None


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ({"activation": "peak"}, "outputs.activation"),
        ({"voltage": {"interval": 1.5}}, "interval 1.5 ms is not a multiple of ecg.sampling_inter"),
        ({"voltage": {"interval": 1.0, "start": 0.5}}, "outputs.voltage.start 0.5 ms is not a mul"),
        ({"voltage": {"interval": 1.0, "start": 900.0}}, "start 900 ms, expected before the end"),
        ({"voltage": {"interval": 1.0, "start": 9.0, "end": 8.0}}, "end 8 ms, expected no less"),
        ({"voltage": {}}, "outputs.voltage.interval: Field required"),
        ({"probes": {"at": [{"name": "a b", "point": [0, 0, 0]}]}}, "outputs.probes.at.0.name"),
        ({"probes": {"at": [{"name": "a"}]}}, "probe a is given by nothing, expected one of point"),
        (
            {"probes": {"at": [{"name": "a", "site": "x", "point": [0.0, 0.0, 0.0]}]}},
            "probe a is given by point and site",
        ),
        ({"probes": {"at": [{"name": "a", "site": "x"}]}}, "a is at the site 'x', expected one of"),
        (
            {"probes": {"at": [{"name": "a", "site": "rv_septal"}] * 2}},
            "2 probes are called 'a', expected one",
        ),
        ({"probes": {"variables": ["voltage"]}}, "voltage is always recorded"),
        (
            {"probes": {"at": [{"name": "a", "site": "rv_septal"}], "interval": 0.5}},
            "outputs.probes.interval 0.5 ms is not a multiple of ecg.sampling_interval, 1 ms",
        ),
    ],
)
def test_a_wrong_request_is_named(outputs, sentence):
    with pytest.raises(BadStudy) as raised:
        study_from({"outputs": outputs}, "config.yaml")
    assert sentence in str(raised.value)


def test_the_documented_example_is_a_study():
    page = Path(__file__).resolve().parents[2] / "docs" / "archive-format.md"
    (example,) = re.findall(r"```yaml\n(outputs:.*?)```", page.read_text(), re.DOTALL)
    study = study_from(yaml.safe_load(example), "docs")
    assert [probe.name for probe in study.outputs.probes.at] == [
        "septum",
        "scar_border",
        "lateral_m_cell",
    ]
