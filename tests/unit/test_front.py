"""The current between the nodes, against sums written out here."""

from dataclasses import replace

import numpy as np
import pytest
from known_meshes import box
from mpi4py import MPI

from polycardia.config import Extracellular, Intracellular, Tissue
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.scaling import with_factors
from polycardia.physics.mesh import TetMesh
from polycardia.physics.resolution import LinearGradient, lengths_along
from polycardia.solver import front as fronts
from polycardia.solver.crossing import crossing
from polycardia.solver.front import STEEP, Front
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership
from polycardia.solver.resolution import ASKEW, UNEVEN, Crossing, CurrentFactor

DT = 0.02  # [ms]
ALONG, ACROSS = 0.1, 0.02  # D [mm^2/ms]
TISSUE = Tissue(
    surface_to_volume=1.0,
    capacitance=1.0,
    intracellular=Intracellular(fibre=ALONG, cross=ACROSS),
    extracellular=Extracellular(fibre=1e9, cross=1e9),
)
CLOSE = 2e-5  # [mV]; a kernel has the exponential to second order
REST, PEAK = -80.0, 20.0  # [mV], of Mitchell and Schaeffer's model as shipped


def shares():
    """Weights of the corners at the four points: exact for quadratics (Hammer & al. 1956)."""
    other = (5.0 - np.sqrt(5.0)) / 20.0
    return np.full((4, 4), other) + np.eye(4) * (1.0 - 4.0 * other)


def with_fibre(mesh):
    return TetMesh(
        mesh.points, mesh.tetrahedra, mesh.region, np.tile([1.0, 0, 0], (len(mesh.tetrahedra), 1))
    )


TETRAHEDRON = with_fibre(
    TetMesh(
        np.array([[0.0, 0, 0], [1.0, 0.1, 0], [0.2, 0.9, 0.1], [0.1, 0.3, 1.1]]),
        np.array([[0, 1, 2, 3]]),
        np.zeros(1, np.int64),
    )
)


def operators_of(mesh, factor=1.0):
    comm = MPI.COMM_SELF
    part = slice_of(mesh, ownership(len(mesh.points), comm))
    part = replace(part, factor=np.full(len(mesh.tetrahedra), factor, np.float32))
    return assemble(part, TISSUE, comm=comm)


@pytest.fixture(scope="module")
def cache(pytestconfig):
    return pytestconfig.cache.mkdir("kernels")


@pytest.fixture(scope="module")
def plain(cache):
    return build(load_model("mitchell_schaeffer"), cache=cache)


@pytest.fixture(scope="module")
def slower(cache):
    """Of the same layout, with other constants."""
    return build(load_model("mitchell_schaeffer"), cache=cache, overrides={"tau_in": 0.6})


@pytest.fixture(scope="module")
def varied(cache):
    model, (name,) = with_factors(load_model("mitchell_schaeffer"), ["tau_in"])
    return build(model, cache=cache, node_parameters=(name,)), name


@pytest.fixture(scope="module")
def foreign(cache):
    """Of another layout: its states are not those of the others."""
    return build(load_model("minimal_epi"), cache=cache)


def cell(kernel, voltage=REST, h=0.9, **more):
    return CellType(kernel, voltage, np.array([h]), **more)


def rate(voltage, h, tau_in=0.3, tau_out=6.0):
    """Mitchell & Schaeffer 2003, equation 1, in mV/ms."""
    u = (voltage - REST) / (PEAK - REST)
    return (PEAK - REST) * (h * u**2 * (1.0 - u) / tau_in - u / tau_out)


def exponential_step(voltage, h, dt, tau_in=0.3, tau_out=6.0):
    """The change in a step of the tangent's exponential, as a kernel takes it."""
    u = (voltage - REST) / (PEAK - REST)
    slope = h * (2.0 * u - 3.0 * u**2) / tau_in - 1.0 / tau_out
    return rate(voltage, h, tau_in, tau_out) * np.expm1(slope * dt) / slope


def corrected(mesh, membrane, before, after):
    operators = operators_of(mesh)
    front = Front(operators, membrane)
    front.find(before, np.ones(len(before), bool))
    found = after.copy()
    front.correct(before, found, DT)
    operators.decay.destroy()
    return found, front, operators


BEFORE = np.array([-75.0, -40.0, 5.0, -20.0])
GATE = np.array([0.9, 0.8, 0.4, 0.7])


def by_hand(change, factor=1.0):
    """What one element's nodes are after the correction; ``change`` is that at the nodes."""
    weight = shares()
    at_points = exponential_step(weight @ BEFORE, weight @ GATE, DT)
    # Each of the four points stands for a quarter of the element, each corner's mass too.
    return BEFORE + change + factor * weight.T @ at_points - change


def test_one_element_by_hand(plain):
    membrane = Membrane([cell(plain)], np.zeros(4, np.int64))
    membrane.states[0, membrane.column] = GATE
    nodal = np.array([1.0, -2.0, 3.0, 0.5])
    found, front, _ = corrected(TETRAHEDRON, membrane, BEFORE, BEFORE + nodal)
    assert front.n_elements == 1
    expected = by_hand(nodal)
    np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_the_factor_is_that_of_how_the_element_lies(plain):
    table = CurrentFactor(np.array([1.0, 10.0]), np.array([[0.9, 0.3], [0.7, 0.2], [0.8, 0.4]]))
    membrane = Membrane([cell(plain, current=table)], np.zeros(4, np.int64))
    membrane.states[0, membrane.column] = GATE
    found, _, operators = corrected(TETRAHEDRON, membrane, BEFORE, BEFORE)
    lies = crossing(operators, np.array([0]), BEFORE)
    coarse, askew, uneven = (float(measure[0]) for measure in lies)
    assert 1.0 < coarse < 10.0
    assert 0.0 < askew < 0.7
    assert 0.0 < uneven < 1.0
    rows = np.array([0.9, 0.7, 0.8]) - np.array([0.6, 0.5, 0.4]) * (coarse - 1.0) / 9.0
    more, less = askew / ASKEW, uneven / UNEVEN
    factor = rows[0] * (rows[1] / rows[0]) ** more * (rows[2] / rows[1]) ** less
    expected = by_hand(np.zeros(4), factor)
    np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_each_point_belongs_to_its_nearest_corners_type(plain, slower):
    membrane = Membrane([cell(plain), cell(slower)], np.array([0, 1, 0, 1]))
    membrane.states[0, membrane.column] = GATE
    found, _, _ = corrected(TETRAHEDRON, membrane, BEFORE, BEFORE)
    weight = shares()
    v, h = weight @ BEFORE, weight @ GATE
    tau = np.array([0.3, 0.6, 0.3, 0.6])
    change = exponential_step(v, h, DT, tau_in=tau)
    np.testing.assert_allclose(found, BEFORE + weight.T @ change, atol=CLOSE)


def test_a_foreign_layout_lends_its_voltage_and_no_states(plain, foreign):
    voltage, states = foreign.resting(1)
    other = CellType(foreign, float(voltage[0]), states[:, 0])
    membrane = Membrane([cell(plain), other], np.array([0, 0, 1, 0]))
    own = [0, 1, 3]
    membrane.states[0, membrane.column[own]] = GATE[own]
    # The rows that the smaller model does not use are nobody's.
    membrane.states[1:, membrane.column[own]] = np.nan
    found, _, _ = corrected(TETRAHEDRON, membrane, BEFORE, BEFORE)
    weight = shares()
    at_points = np.linalg.solve(weight.T, found - BEFORE)
    lent = GATE.copy()
    lent[2] = GATE[0]  # the first corner of the kernel's own type stands in
    expected = exponential_step(weight @ BEFORE, weight @ lent, DT)
    np.testing.assert_allclose(at_points[own], expected[own], atol=CLOSE)
    there = (weight @ BEFORE)[2:3]
    moved, tiny = there.copy(), 1e-6
    foreign.advance(moved, states, tiny)
    assert at_points[2] == pytest.approx(float((moved - there)[0]) / tiny * DT, rel=0.03)


def test_points_have_the_parameters_of_their_nearest_corner(varied):
    kernel, name = varied
    factor = np.array([1.0, 2.0, 0.5, 3.0])
    membrane = Membrane([cell(kernel)], np.zeros(4, np.int64), [{name: factor}])
    membrane.states[0, membrane.column] = GATE
    found, _, _ = corrected(TETRAHEDRON, membrane, BEFORE, BEFORE)
    weight = shares()
    change = exponential_step(weight @ BEFORE, weight @ GATE, DT, tau_in=0.3 * factor)
    np.testing.assert_allclose(found, BEFORE + weight.T @ change, atol=CLOSE)


def test_a_constant_field_has_the_same_current_between_nodes_as_at_them(plain, monkeypatch):
    monkeypatch.setattr(fronts, "STEEP", -1.0)
    mesh = with_fibre(box(3, jitter=0.2))
    membrane = Membrane([cell(plain)], np.zeros(len(mesh.points), np.int64))
    before = -30.0 + 1e-9 * mesh.points[:, 0]  # a gradient there must be
    after = before.copy()
    membrane.advance(after, DT, before)
    found, front, _ = corrected(mesh, membrane, before, after)
    assert front.n_elements == len(mesh.tetrahedra)
    assert abs(after - before).min() > 0.5
    np.testing.assert_allclose(found, after, atol=1e-8)


def test_nodes_away_from_the_front_are_left_alone(plain):
    mesh = with_fibre(box(4))
    membrane = Membrane([cell(plain)], np.zeros(len(mesh.points), np.int64))
    # A straight front between x = 0.5 and x = 0.75, and a slope across it that is no front.
    x = mesh.points[:, 0]
    before = np.where(x > 0.6, -80.0, -80.0 + 2.0 * STEEP) + 3.0 * STEEP * mesh.points[:, 1]
    after = before + 1.0
    found, front, _ = corrected(mesh, membrane, before, after)
    near = (x > 0.49) & (x < 0.76)
    np.testing.assert_array_equal(found[~near], after[~near])
    assert (found[near] != after[near]).all()
    assert front.n_elements == len(mesh.tetrahedra) // 4


def test_after_forgetting_nothing_is_changed(plain):
    membrane = Membrane([cell(plain)], np.zeros(4, np.int64))
    operators = operators_of(TETRAHEDRON)
    front = Front(operators, membrane)
    front.find(BEFORE, np.ones(len(BEFORE), bool))
    front.forget()
    after = BEFORE + 1.0
    front.correct(BEFORE, after, DT)
    np.testing.assert_array_equal(after, BEFORE + 1.0)


REGULAR = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
EDGE = np.sqrt(8.0)


def lying(mesh, voltage, factor=1.0):
    """How all elements of a mesh lie in a front."""
    n = len(mesh.tetrahedra)
    operators = operators_of(mesh, factor)
    operators.decay.destroy()
    return crossing(operators, np.arange(n), voltage)


def test_resolution_is_length_over_the_root_of_the_diffusivity_along_the_gradient():
    """In coordinates in which the tissue conducts alike, along the front's way there."""
    mesh = with_fibre(TetMesh(REGULAR, np.array([[0, 1, 3, 2]]), np.zeros(1, np.int64)))
    root = 2.0 * np.sqrt([ALONG, ACROSS, ACROSS])
    for way in ([1.0, 0, 0], [0, 1.0, 0], [0.6, 0.8, 0.0]):
        found = lying(mesh, (REGULAR / root) @ way, factor=4.0)
        expected = lengths_along(((REGULAR / root) @ way)[:, None])
        np.testing.assert_allclose(found.resolution, expected, rtol=1e-6)


def test_the_fronts_way_is_that_of_the_elements_around():
    """Noise turns elements' own slopes by tens of degrees, and their mean far less."""
    mesh = with_fibre(box(6, jitter=0.2))
    even = 40.0 * mesh.points[:, 1]
    rough = even + np.random.default_rng(4).normal(scale=3.0, size=len(even))
    corners = mesh.tetrahedra.T
    own = LinearGradient(mesh.points.T[:, corners])(rough[corners])
    turned = np.degrees(np.arccos(own[1] / np.linalg.norm(own, axis=0)))
    assert np.median(turned) > 20.0
    apart = lying(mesh, rough).resolution / lying(mesh, even).resolution - 1.0
    by_own_slope = np.cos(np.radians(turned)) - 1.0
    assert np.abs(apart).mean() < 0.6 * np.abs(by_own_slope).mean()


def test_where_fronts_meet_the_elements_own_slopes_count():
    """Up and down from one layer to the next, the mean around an inner node is none."""
    mesh = with_fibre(box(4))
    zigzag = 40.0 * (-1.0) ** np.round(4.0 * mesh.points[:, 1])
    found = lying(mesh, zigzag)
    own = lying(mesh, 40.0 * mesh.points[:, 1])
    inner = ((mesh.points > 0.0) & (mesh.points < 1.0)).all(axis=1)[mesh.tetrahedra].all(axis=1)
    assert inner.any()
    np.testing.assert_allclose(found.resolution[inner], own.resolution[inner])
    np.testing.assert_allclose(found.dispersion[inner], own.dispersion[inner], atol=1e-12)
    np.testing.assert_allclose(found.unevenness[inner], own.unevenness[inner], atol=1e-12)


def test_elements_that_do_not_conduct_get_no_current():
    mesh = with_fibre(box(2))
    found = lying(mesh, 40.0 * mesh.points[:, 1], factor=0.0)
    table = CurrentFactor(np.array([1.0, 2.0]), np.array([[0.8, 0.5], [0.4, 0.2], [0.6, 0.3]]))
    assert (table.at(found) < 1e-6).all()


def test_a_factor_is_one_for_fine_elements_and_a_power_law_beyond_the_table():
    table = CurrentFactor(np.array([1.0, 2.0]), np.array([[0.8, 0.5], [0.4, 0.2], [0.6, 0.3]]))
    resolution = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0])
    found = table.at(Crossing(resolution, np.zeros(7), np.zeros(7)))
    np.testing.assert_allclose(found, [1.0, 0.9, 0.8, 0.65, 0.5, 0.5**2 / 0.8, 0.5**3 / 0.8**2])
    askew = table.at(Crossing(resolution, np.full(7, ASKEW), np.zeros(7)))
    np.testing.assert_allclose(askew, [1.0, 0.7, 0.4, 0.3, 0.2, 0.1, 0.05])
    uneven = table.at(Crossing(resolution, np.full(7, ASKEW), np.full(7, UNEVEN)))
    np.testing.assert_allclose(uneven, [1.0, 0.8, 0.6, 0.45, 0.3, 0.15, 0.075])


def test_flat_elements_are_taken_for_the_most_askew_that_are_told_apart():
    table = CurrentFactor(np.array([1.0]), np.array([[0.8], [0.4], [0.6]]))
    dispersion, unevenness = np.array([[0.7, 50.0, -0.2, -3.0], [1.0, 1.0, 0.0, 0.0]])
    found = table.at(Crossing(np.ones(4), dispersion, unevenness))
    flat = table.at(Crossing(np.ones(4), dispersion, unevenness * 40.0))
    assert found[0] == found[1] == flat[1] > 0.0
    assert found[2] == found[3] < np.inf
