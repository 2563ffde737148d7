"""The N-version benchmark on all kinds of tetrahedra, however they lie.

Converged times are those of an independent finite-difference solution, good to about 1 %, and the
bands those that the project has set itself beside the published codes: at 0.5 mm the best of them
stays within 19 % at these points.  What the meshes may differ by is what was measured, rounded up.
Disordered elements carry a wave across strongly anisotropic fibres some 20 % faster than bricks in
line with them, at any spacing in use: there the 3 % that hold along the fibres are out of reach.
"""

from functools import lru_cache

import numpy as np
import pytest
from mpi4py import MPI
from scipy.spatial.transform import Rotation

from polycardia.physics.slab import at_points, rotated, slab_mesh, stimulated_nodes
from polycardia.study.slab import slab_beat, slab_settings

CONVERGED = {"P2": 26.7, "P3": 31.6, "P5": 8.25, "P8": 42.2, "P9": 19.5}  # [ms]
BANDS = {
    0.5: {"P2": 0.25, "P3": 0.20, "P5": 0.25, "P8": 0.20, "P9": 0.20},
    0.2: {"P2": 0.12, "P3": 0.05, "P5": 0.12, "P8": 0.05, "P9": 0.06},
}
BEYOND = {(0.2, "unstructured"): {"P2": 0.17, "P3": 0.055}}
# By how much the times differ from those on bricks, at most.  Jitter takes a fifth of the nodes of
# the stimulated cube out of it at 0.5 mm, none at 0.2 mm.
APART = {
    (0.5, "jittered"): {"P2": 0.03, "P3": 0.03, "P5": 0.06, "P8": 0.03, "P9": 0.035},
    (0.2, "jittered"): {"P2": 0.03, "P3": 0.03, "P5": 0.03, "P8": 0.03, "P9": 0.03},
    (0.5, "unstructured"): {"P2": 0.22, "P3": 0.06, "P5": 0.21, "P8": 0.03, "P9": 0.035},
    (0.2, "unstructured"): {"P2": 0.22, "P3": 0.03, "P5": 0.18, "P8": 0.03, "P9": 0.03},
}
DT = 0.02  # [ms]
KINDS = ("bricks", "jittered", "unstructured")
SPACINGS = (0.5, pytest.param(0.2, marks=pytest.mark.slow))


def activation(mesh, stimulated):
    beat = slab_beat(mesh, stimulated, slab_settings(DT), MPI.COMM_SELF)
    return np.asarray(beat.recorded.activation)


@lru_cache
def times(spacing, kind):
    mesh = slab_mesh(spacing, kind)
    return at_points(mesh, activation(mesh, stimulated_nodes(mesh.points)))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_times_are_near_the_converged_ones(spacing, kind):
    found = times(spacing, kind)
    bands = BANDS[spacing] | BEYOND.get((spacing, kind), {})
    errors = {point: found[point] / CONVERGED[point] - 1.0 for point in bands}
    print(spacing, kind, {point: round(100.0 * error, 1) for point, error in errors.items()})
    assert {point for point, error in errors.items() if abs(error) > bands[point]} == set()


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("kind", KINDS[1:])
def test_kinds_of_mesh_agree_with_bricks(spacing, kind):
    bricks, found, most = times(spacing, "bricks"), times(spacing, kind), APART[spacing, kind]
    apart = {point: found[point] / bricks[point] - 1.0 for point in most}
    print(spacing, kind, {point: round(100.0 * error, 1) for point, error in apart.items()})
    assert {point for point, error in apart.items() if abs(error) > most[point]} == set()


@pytest.mark.parametrize("kind", ["bricks", "unstructured"])
def test_a_rotation_changes_nothing(kind):
    mesh = slab_mesh(0.5, kind)
    stimulated = stimulated_nodes(mesh.points)
    turn = Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()
    found = activation(rotated(mesh, turn), stimulated)
    np.testing.assert_allclose(found, activation(mesh, stimulated), rtol=0.0, atol=1e-6)
