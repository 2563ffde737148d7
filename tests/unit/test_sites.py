from pathlib import Path

import numpy as np
import pytest
from known_meshes import INNER, LENGTH, moved, real_heart, shell

from polycardia import config
from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.axes import heart_axes
from polycardia.physics.laplace import surface_nodes
from polycardia.physics.mesh import Surface
from polycardia.physics.places import FEWEST_NODES, cloud_of
from polycardia.physics.sites import DEFAULT_SITES, ActivationSite, place_sites

LEFT_ONES = DEFAULT_SITES[:3]


def site(**changes):
    return ActivationSite(
        **{"name": "s", "ventricle": "lv", "apicobasal": 0.5, "rotation": 0.0} | changes
    )


@pytest.mark.parametrize("rotation", [0.0, 70.0, 180.0, -45.0])
@pytest.mark.parametrize("apicobasal", [0.3, 0.7])
def test_a_left_site_lies_where_its_angles_say(rotation, apicobasal):
    mesh, boundary = shell(n_deep=2, n_down=60, n_around=120)
    (placed,) = place_sites(
        cloud_of(mesh),
        boundary,
        heart_axes(mesh.points, boundary),
        [site(rotation=rotation, apicobasal=apicobasal)],
    )
    z = -LENGTH * (1.0 - apicobasal)
    radius = INNER * np.sqrt(1.0 - (z / LENGTH) ** 2)
    angle = np.radians(rotation)
    expected = [radius * np.cos(angle), radius * np.sin(angle), z]
    assert np.linalg.norm(mesh.points[placed.nodes[0]] - expected) < 2.0


def test_a_site_is_the_ball_around_its_place():
    mesh, boundary = shell(n_deep=8, n_down=60, n_around=120)
    (placed,) = place_sites(
        cloud_of(mesh), boundary, heart_axes(mesh.points, boundary), [site()], radius=4.0
    )
    away = np.linalg.norm(mesh.points - mesh.points[placed.nodes[0]], axis=1)
    assert set(placed.nodes) == set(np.flatnonzero(away <= 4.0))
    assert np.all(np.diff(away[placed.nodes]) >= 0.0)
    assert placed.nodes.size > FEWEST_NODES


def test_a_coarse_mesh_still_has_a_few_nodes_a_site():
    mesh, boundary = shell(n_deep=1, n_down=6, n_around=12)
    for placed in place_sites(
        cloud_of(mesh), boundary, heart_axes(mesh.points, boundary), LEFT_ONES, radius=0.1
    ):
        assert placed.nodes.size == FEWEST_NODES


def test_sites_turn_with_the_heart():
    mesh, boundary = shell()
    turned, _, _ = moved(mesh, 9)
    still = place_sites(cloud_of(mesh), boundary, heart_axes(mesh.points, boundary), LEFT_ONES)
    after = place_sites(cloud_of(turned), boundary, heart_axes(turned.points, boundary), LEFT_ONES)
    for a, b in zip(still, after, strict=True):
        assert set(a.nodes) == set(b.nodes)


@pytest.mark.parametrize("name", ["heart-a", "heart-b"])
def test_default_sites_of_real_hearts(real_hearts, name):
    mesh, boundary = real_heart(real_hearts, name)
    axes = heart_axes(mesh.points, boundary)
    on = surface_nodes(boundary)
    for rule, placed in zip(
        DEFAULT_SITES, place_sites(cloud_of(mesh), boundary, axes), strict=True
    ):
        surface = Surface.LV_ENDO if rule.ventricle == "lv" else Surface.RV_ENDO
        centre = mesh.points[placed.nodes[0]]
        assert placed.nodes[0] in on[surface]
        assert axes.height(centre[None])[0] == pytest.approx(rule.apicobasal, abs=0.05)
        assert placed.name == rule.name
        assert placed.nodes.size >= FEWEST_NODES
        assert np.linalg.norm(mesh.points[placed.nodes] - centre, axis=1).max() <= 3.0


@pytest.mark.parametrize("name", ["heart-a", "heart-b"])
def test_right_septal_site_lies_on_the_septum_and_the_papillary_one_does_not(real_hearts, name):
    mesh, boundary = real_heart(real_hearts, name)
    placed = {
        s.name: s for s in place_sites(cloud_of(mesh), boundary, heart_axes(mesh.points, boundary))
    }
    left = mesh.points[surface_nodes(boundary)[Surface.LV_ENDO]]
    outer = mesh.points[surface_nodes(boundary)[Surface.EPI]]

    def distances(site_name):
        centre = mesh.points[placed[site_name].nodes[0]]
        return [np.linalg.norm(nodes - centre, axis=1).min() for nodes in (left, outer)]

    to_left, to_outer = distances("rv_septal")
    assert to_left < to_outer
    to_left, to_outer = distances("rv_anterior_papillary")
    assert to_outer < to_left


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ventricle": "la"}, "allowed are lv and rv"),
        ({"apicobasal": 1.2}, "allowed is 0 to 1"),
        ({"rotation": float("inf")}, "need a number of degrees"),
    ],
)
def test_a_site_that_cannot_be_is_refused(changes, message):
    with pytest.raises(BadStudy, match=message):
        site(**changes)


def test_no_radius_is_refused():
    mesh, boundary = shell()
    axes = heart_axes(mesh.points, boundary)
    with pytest.raises(BadStudy, match="allowed is more than 0"):
        place_sites(cloud_of(mesh), boundary, axes, [site()], radius=0.0)


def test_a_site_on_no_endocardium_is_refused():
    mesh, boundary = shell()  # its right endocardium is a patch of the upper half
    axes = heart_axes(mesh.points, boundary)
    with pytest.raises(BadMesh, match="finds no rv endocardium"):
        place_sites(cloud_of(mesh), boundary, axes, [site(ventricle="rv", apicobasal=0.0)])
    with pytest.raises(BadMesh, match="mm from the nearest rv endocardium"):
        place_sites(cloud_of(mesh), boundary, axes, [site(ventricle="rv", rotation=0.0)])


def test_the_documented_sites_are_the_default_ones():
    text = (Path(__file__).resolve().parents[2] / "docs" / "physics.md").read_text()
    for site in config.DEFAULT_SITES:
        numbers = f"{site.apicobasal:.2f} | {site.rotation:.0f} | {site.time:.0f} |"
        assert f"| {site.ventricle.upper()} | {numbers}" in text, site.name
