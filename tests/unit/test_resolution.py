"""What a mesh's elements do to the velocity, and when a heart is marked for it."""

import logging

import numpy as np
import pytest
from known_meshes import shell
from scipy.spatial.transform import Rotation

from polycardia.config import Conductivity
from polycardia.errors import BadStudy
from polycardia.io.cell_state import CellState, write_cell_state
from polycardia.physics.bricks import KUHN
from polycardia.physics.mesh import TetMesh
from polycardia.physics.resolution import (
    BIN,
    LinearGradient,
    dispersion,
    element_lengths,
    lengths_along,
    summary,
    tally,
    velocity_error,
)
from polycardia.solver.elements import Elements
from polycardia.solver.operators import slice_of
from polycardia.solver.partition import Ownership, alone
from polycardia.study import resolution
from polycardia.study.calibration import Calibration
from polycardia.study.resolution import calibration_of, mean_lengths, velocity_errors

ISOTROPIC = Conductivity(fibre=1.0, cross=1.0)
# Slower by 5 % a unit of resolution along the fibres, by 10 % across; measured up to 4.
TABLE = np.array([1.0, 2.0, 4.0])
WAVES = Calibration(2.0, TABLE, np.ones((3, 3)), 1.0 - 0.05 * TABLE, 1.0 - 0.1 * TABLE)


def elements(points, tetrahedra, fibre, *, sigma=ISOTROPIC, factor=1.0):
    n = len(tetrahedra)
    edges = points[tetrahedra[:, 1:]] - points[tetrahedra[:, :1]]
    return Elements(
        corners=tetrahedra.astype(np.int32),
        points=points,
        volume=np.abs(np.linalg.det(edges)) / 6.0,
        fibre=np.broadcast_to(fibre, (n, 3)),
        factor=np.full(n, factor, np.float32),
        diffusivity=sigma,
    )


def errors(given, *, waves=(WAVES,) * 3, limit=0.1, cell_type=None):
    """Measures by name; all nodes are this rank's, and of the second cell model unless told."""
    kinds = np.ones(len(given.points), np.int64) if cell_type is None else cell_type
    found = velocity_errors(given, kinds, waves, limit, alone())
    assert {unit for _, unit in found.values()} == {"1"}
    return {name.removeprefix("numerical_velocity_"): value for name, (value, _) in found.items()}


def wall(finer):
    """The wall of an ellipsoid, with elements of about 6 mm over ``finer``, sqrt(D) of 3."""
    mesh, _ = shell(n_deep=2 * finer, n_down=12 * finer, n_around=30 * finer)
    sigma = Conductivity(fibre=9.0, cross=9.0)
    return elements(mesh.points, mesh.tetrahedra, [0.0, 0.0, 1.0], sigma=sigma)


def regular(edge):
    """Corners of a regular tetrahedron, whose twofold axes are those of the coordinates."""
    return np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]]) * edge / np.sqrt(8.0)


ONE = np.array([[0, 1, 2, 3]])
TWO_LONG = regular(2.0 * np.sqrt(2.0))  # its length along an axis is 2 mm
X = np.array([[1.0, 0.0, 0.0]])
# Across an axis its range goes as |cos| + |sin| of the angle, and its length as the root of that.
TURNS = np.pi * (np.arange(1000) + 0.5) / 1000
MEAN_ACROSS = np.sqrt(np.sqrt(np.abs(np.cos(TURNS)) + np.abs(np.sin(TURNS))).mean())
ACROSS = pytest.approx(MEAN_ACROSS, rel=0.005)


@pytest.mark.parametrize(
    ("place", "length"),
    [
        ([0.0, 3.0, 0.0, 3.0], 3.0),
        ([5.0, 1.0, 1.0, 1.0], 4.0 * (3.0 / 4.0) ** 0.375),
        ([-1.0, 0.0, 1.0, 0.0], 2.0 * 0.5**0.375),
        ([7.0, 7.0, 7.0, 7.0], 0.0),
    ],
)
def test_a_length_lies_between_the_range_and_twice_the_standard_deviation(place, length):
    assert lengths_along(np.array(place)[:, None])[0] == pytest.approx(length)


def test_edges_along_and_across_the_way_disperse_as_a_cables():
    """On average over the six tetrahedra of a brick: the squares of their lengths, too."""
    way = np.array([[1.0], [0.0], [0.0]])
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], float) * [1.0, 3.0, 0.2]
    place = corners[KUHN].transpose(2, 1, 0)
    squared = lengths_along(place[0]) ** 2
    stiffness = (
        dispersion(place[0], np.repeat(way, 6, axis=1), LinearGradient(place)) - 1.0 / 12.0
    ) * squared
    assert stiffness.mean() == pytest.approx(-1.0 / 12.0)


def test_dispersion_is_the_change_of_a_short_waves_energy():
    """Against the gradient of the interpolated wave itself, for any element and way."""
    random = np.random.default_rng(3)
    place = random.normal(size=(3, 4, 20))
    way = random.normal(size=(3, 20))
    way /= np.linalg.norm(way, axis=0)
    depth = (place * way[:, None]).sum(axis=0)
    k = 0.01
    edges = place[:, 1:] - place[:, :1]
    wave = np.exp(1j * k * depth)
    rises = wave[1:] - wave[:1]
    energies = [
        np.linalg.norm(np.linalg.solve(edges[..., n].T, rises[:, n])) ** 2 for n in range(20)
    ]
    expected = (np.array(energies) / k**2 - 1.0) / k**2 / lengths_along(depth) ** 2 + 1.0 / 12.0
    np.testing.assert_allclose(dispersion(depth, way, LinearGradient(place)), expected, rtol=0.01)


def test_a_regular_tetrahedron_along_and_across_an_axis():
    along, across = element_lengths(regular(2.0), ONE, X)
    assert along[0] == pytest.approx(np.sqrt(2.0))
    assert across[0] / np.sqrt(2.0) == ACROSS


def test_a_turn_changes_no_length():
    turn = Rotation.from_rotvec([0.4, -0.9, 0.3]).as_matrix()
    still = element_lengths(TWO_LONG, ONE, X)
    turned = element_lengths(TWO_LONG @ turn.T, ONE, X @ turn.T)
    np.testing.assert_allclose(turned[0], still[0])
    np.testing.assert_allclose(turned[1], still[1], rtol=0.02)  # over other directions


def test_a_stretched_element_is_longer_along_its_fibre_only():
    stretched = regular(np.sqrt(2.0)) * [3.0, 1.0, 1.0]
    along, across = element_lengths(stretched, ONE, X)
    assert along[0] == pytest.approx(3.0)
    assert across[0] == ACROSS
    assert element_lengths(stretched, ONE, X[:, [1, 0, 2]])[0][0] == pytest.approx(1.0)


def test_fine_elements_are_right_and_nothing_is_said_of_those_coarser_than_any_measured():
    found = velocity_error(np.array([0.0, 0.5, 1.0, 3.0, 4.0, 4.1]), TABLE, 1.0 - 0.1 * TABLE)
    np.testing.assert_allclose(found, [0.0, -0.05, -0.1, -0.3, -0.4, np.nan])


def test_a_resolution_at_which_no_wave_arrived_conducts_nothing():
    assert velocity_error(np.array([2.0]), TABLE, np.array([1.0, np.nan, np.nan]))[0] == -1.0


def test_a_summary_is_of_the_weight():
    counted = tally(np.array([-0.03, 0.1, -0.2, np.nan]), np.array([6.0, 1.0, 1.0, 2.0]), 0.05)
    mean, most, unknown, outside = summary(counted, 0.8)
    assert mean == pytest.approx((-0.18 + 0.1 - 0.2) / 8.0)
    assert most == pytest.approx(0.1, abs=BIN + 1e-9)
    assert unknown == pytest.approx(0.2)
    assert outside == pytest.approx(0.4)
    assert summary(counted, 0.75)[1] == pytest.approx(0.03, abs=BIN + 1e-9)
    assert summary(counted, 1.0)[1] == pytest.approx(0.2, abs=BIN + 1e-9)


def test_where_nothing_is_known_all_is_outside():
    mean, most, *shares = summary(tally(np.array([np.nan]), np.array([2.0]), 0.1), 0.95)
    assert np.isnan(mean)
    assert np.isnan(most)
    assert shares == [1.0, 1.0]


def test_the_error_is_that_of_each_elements_length_over_the_root_of_its_diffusivity():
    sigma = Conductivity(fibre=1.0, cross=0.64)
    # The factor doubles the root of the diffusivity, and so halves the resolution: 2 / 2, and
    # 0.8 of that.
    across = -0.1 * MEAN_ACROSS / 0.8
    found = errors(elements(TWO_LONG, ONE, X, sigma=sigma, factor=4.0), limit=0.2)
    assert found["error_along"] == pytest.approx(-0.05)
    assert found["error_across"] == pytest.approx(across, rel=0.005)
    assert found["error_along_p95"] == pytest.approx(0.05, abs=BIN + 1e-9)
    assert found["error_across_p95"] == pytest.approx(-across, abs=BIN + 1e-9)
    assert found["error_unknown"] == 0.0
    assert found["under_resolved"] == 0.0


def test_each_corner_has_its_own_cell_models_waves():
    other = Calibration(2.0, TABLE, np.ones((3, 3)), np.full(3, 1.2), np.full(3, 1.2))
    kinds = np.array([2, 0, 0, 0])
    found = errors(elements(TWO_LONG, ONE, X), waves=[WAVES, WAVES, other], cell_type=kinds)
    assert found["error_along"] == pytest.approx(0.75 * -0.1 + 0.25 * 0.2)
    assert found["error_along_p95"] == pytest.approx(0.2, abs=BIN + 1e-9)


def test_a_coarse_heart_is_marked_and_a_fine_one_is_not(caplog):
    with caplog.at_level(logging.WARNING):
        fine = errors(wall(3))
        assert fine["under_resolved"] == 0.0
        assert not caplog.records
        coarse = errors(wall(1))
        assert coarse["under_resolved"] == 1.0
    assert "under-resolved: in " in caplog.text
    assert "by more than 10 % (in 0 % it is too coarse to say" in caplog.text
    # Errors grow with the elements' length, on the straight line from none.
    assert coarse["error_across"] / fine["error_across"] == pytest.approx(3.0, rel=0.15)


def test_what_was_corrected_counts_as_right():
    """Faster without elements by as much as they make it slower."""
    waves = [Calibration(2.0, TABLE, np.ones((3, 3)), np.full(3, 0.8), np.full(3, 1.25))] * 3
    given = elements(TWO_LONG, ONE, X)
    found = velocity_errors(given, np.ones(4, np.int64), waves, 0.1, alone(), (1.25, 0.8))
    assert found["numerical_velocity_error_along"][0] == pytest.approx(0.0)
    assert found["numerical_velocity_error_across"][0] == pytest.approx(0.0)
    assert found["under_resolved"][0] == 0.0


def test_mean_lengths_count_by_volume():
    points = np.concatenate([regular(np.sqrt(8.0)), 3.0 * regular(np.sqrt(8.0)) + 50.0])
    cells = np.concatenate([ONE, ONE + 4])
    mesh = TetMesh(points, cells, np.zeros(2, np.int64), np.tile([1.0, 0.0, 0.0], (2, 1)))
    whole = slice_of(mesh, Ownership(8, 0, 8))
    expected = (1.0 * 2.0 + 27.0 * 6.0) / 28.0
    assert mean_lengths(whole, alone())[0] == pytest.approx(expected)


@pytest.mark.parametrize(("limit", "marked"), [(0.24, 0.0), (0.19, 1.0)])
def test_the_limit_decides(limit, marked):
    assert errors(elements(TWO_LONG, ONE, X), limit=limit)["under_resolved"] == marked


@pytest.mark.parametrize(("size", "marked"), [(0.37, 0.0), (0.38, 1.0)])
def test_no_more_than_a_twentieth_of_the_wall_may_be_too_coarse_to_say(size, marked):
    """Beside an element without error stands a scar of 4.8 or 5.2 % of the volume."""
    points = np.concatenate([regular(10.0), size * regular(10.0) + 50.0])
    flat = Calibration(2.0, np.array([8.0]), np.ones((3, 1)), np.ones(1), np.ones(1))
    both = elements(points, np.concatenate([ONE, ONE + 4]), X, factor=[1.0, 1e-3])
    found = errors(both, waves=[flat] * 3)
    assert found["error_unknown"] == pytest.approx(size**3 / (1.0 + size**3))
    assert found["error_along"] == 0.0
    assert found["under_resolved"] == marked


def test_ranks_add_up_to_the_whole():
    mesh, _ = shell(n_deep=2, n_down=6, n_around=12)
    n = len(mesh.points)
    kinds = np.arange(n) % 3
    waves = [
        Calibration(2.0, TABLE, np.ones((3, 3)), 1.0 + k * TABLE, 1.0 - k * TABLE)
        for k in (0.0, 0.01, 0.02)
    ]
    fibre = np.random.default_rng(2).normal(size=(len(mesh.tetrahedra), 3))
    fibre /= np.linalg.norm(fibre, axis=1, keepdims=True)
    sigma = Conductivity(fibre=36.0, cross=25.0)

    def counted(first, last):
        """Of one rank, whose own nodes come first."""
        order = np.r_[first:last, 0:first, last:n]
        place = np.argsort(order)
        touching = ((mesh.tetrahedra >= first) & (mesh.tetrahedra < last)).any(axis=1)
        own = elements(
            mesh.points[order], place[mesh.tetrahedra[touching]], fibre[touching], sigma=sigma
        )
        return resolution._counted(own, kinds[first:last], waves, 0.05, (1.0, 1.0))

    whole = counted(0, n)
    assert whole[:, 3:].sum() > 0.0
    np.testing.assert_allclose(counted(0, 100) + counted(100, n), whole, rtol=1e-12, atol=1e-9)


def test_a_model_without_measured_waves_is_told(tmp_path):
    state = CellState(
        settings="{}", model_sha256="", voltage=-85.0, states=[], state_names=[], outcome="settled",
        beats=1, apd90=[], peak=30.0, steepest=200.0, carrier="", change=None, drifts={},
    )  # fmt: skip
    path = tmp_path / "midwall.json"
    write_cell_state(path, state)
    with pytest.raises(BadStudy, match=r"midwall\.json: found no velocity of the cell model"):
        calibration_of(path)
