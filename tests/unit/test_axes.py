import tracemalloc

import numpy as np
import pytest
from known_meshes import box, moved, real_heart, shell

from polycardia.errors import BadMesh
from polycardia.physics import axes as axes_module
from polycardia.physics.axes import heart_axes
from polycardia.physics.electrodes import body_frame
from polycardia.physics.mesh import Boundary, Surface


def degrees_between(a, b):
    return np.degrees(np.arccos(np.clip(a @ b, -1.0, 1.0)))


def relabelled(boundary, old, new):
    return Boundary(boundary.triangles, np.where(boundary.label == old, new, boundary.label))


def test_axes_of_the_shell_are_the_coordinate_axes():
    mesh, boundary = shell()
    axes = heart_axes(mesh.points, boundary)
    np.testing.assert_allclose(axes.base, 0.0, atol=1e-9)
    assert degrees_between(axes.long, [0.0, 0.0, 1.0]) < 0.5
    assert degrees_between(axes.septal, [1.0, 0.0, 0.0]) < 0.5
    assert degrees_between(axes.anterior, [0.0, 1.0, 0.0]) < 0.5
    assert axes.length == pytest.approx(70.0, rel=0.002)


def test_height_runs_from_apex_to_base():
    mesh, boundary = shell()
    axes = heart_axes(mesh.points, boundary)
    places = np.stack([axes.apex, (axes.apex + axes.base) / 2.0, axes.base])
    np.testing.assert_allclose(axes.height(places), [0.0, 0.5, 1.0], atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_axes_turn_with_the_heart(seed):
    mesh, boundary = shell()
    still = heart_axes(mesh.points, boundary)
    turned, rotation, shift = moved(mesh, seed)
    axes = heart_axes(turned.points, boundary)
    np.testing.assert_allclose(axes.frame, still.frame @ rotation.T, atol=1e-9)
    np.testing.assert_allclose(axes.frame @ axes.frame.T, np.eye(3), atol=1e-12)
    for name in ("apex", "base"):
        place = rotation @ getattr(still, name) + shift
        np.testing.assert_allclose(getattr(axes, name), place, atol=1e-9)


@pytest.mark.parametrize("name", ["heart-a", "heart-b"])
def test_axes_of_real_hearts_agree_with_the_scanner(real_hearts, name):
    """The files keep the scanner's left-posterior-superior axes, which the code never sees."""
    mesh, boundary = real_heart(real_hearts, name)
    axes = heart_axes(mesh.points, boundary)
    right, anterior, superior = body_frame(axes)
    assert degrees_between(right, [-1.0, 0.0, 0.0]) < 30.0
    assert degrees_between(anterior, [0.0, -1.0, 0.0]) < 30.0
    assert degrees_between(superior, [0.0, 0.0, 1.0]) < 30.0


def test_a_closed_left_ventricle_is_refused():
    mesh, boundary = shell()
    everything = Boundary(boundary.triangles, np.full(len(boundary.label), Surface.LV_ENDO))
    with pytest.raises(BadMesh, match="endocardium is closed"):
        heart_axes(mesh.points, everything)


def test_a_right_ventricle_on_the_long_axis_is_refused():
    mesh, boundary = shell()
    around = relabelled(boundary, Surface.EPI, Surface.RV_ENDO)
    with pytest.raises(BadMesh, match="degrees from the left one's long axis"):
        heart_axes(mesh.points, around)


@pytest.mark.parametrize("surface", [Surface.LV_ENDO, Surface.RV_ENDO])
def test_a_missing_endocardium_is_named(surface):
    mesh, boundary = shell()
    with pytest.raises(BadMesh, match=f"no triangles labelled {surface.name}"):
        heart_axes(mesh.points, relabelled(boundary, surface, Surface.EPI))


@pytest.mark.parametrize("at_once", [700, 10**6])
def test_the_centroid_is_that_of_the_volume_whatever_is_computed_at_once(monkeypatch, at_once):
    """Shaking inner nodes gives cells other volumes and the box the same centroid."""
    monkeypatch.setattr(axes_module, "CELLS_AT_ONCE", at_once)
    mesh = box(20, size=(3.0, 2.0, 1.0), origin=(10.0, -20.0, 5.0), jitter=0.1)
    tracemalloc.start()
    centre = axes_module.wall_centroid(mesh)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(centre, [11.5, -19.0, 5.5], rtol=1e-12)
    if at_once < len(mesh.tetrahedra):
        assert peak < 50 * len(mesh.tetrahedra)  # [bytes]; all at once are 256 a cell
