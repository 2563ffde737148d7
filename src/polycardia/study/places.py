"""Where one heart is stimulated: the protocol's sites and places on its prepared mesh."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from polycardia.companions import point_file
from polycardia.config import Place, Preparation
from polycardia.io.point_sets import read_points
from polycardia.physics.axes import HeartAxes
from polycardia.physics.heart import Site
from polycardia.physics.intake import length_scale
from polycardia.physics.mesh import Boundary, Floats
from polycardia.physics.places import (
    Cloud,
    PointSet,
    place_ball,
    place_box,
    place_points,
    place_region,
)
from polycardia.physics.sites import DEFAULT_SITES, ActivationSite, place_sites
from polycardia.physics.source import SourceMesh


def point_sets(
    mesh: Path, source: SourceMesh, units: str | None, settings: Preparation
) -> dict[str, PointSet]:
    """Read the points that places name, by the name of the place.

    Args:
        mesh: of the cohort table; the files are beside it.
        source: as read, before anything is mended or renumbered.
        units: of the cohort table.
        settings: with the places.

    Raises:
        BadMesh: a file is missing, or is not what it should be.
    """
    files = point_files(mesh, settings)
    if not files:
        return {}
    scale, _ = length_scale(source, units)
    nodes = np.asarray(source.points, dtype=np.float64) * scale
    return {name: read_points(file, nodes) for name, file in files.items()}


def point_files(mesh: Path, settings: Preparation) -> dict[str, Path]:
    """Return the files of points that places name, by the name of the place; existing or not.

    Args:
        mesh: of the cohort table; the files are beside it.
        settings: with the places.
    """
    return {
        place.name: point_file(mesh, place.points.ending)
        for place in settings.places
        if place.points is not None
    }


def placed_sites(
    cloud: Cloud,
    boundary: Boundary,
    axes: HeartAxes,
    coordinates: Mapping[str, Floats],
    settings: Preparation,
    points: Mapping[str, PointSet],
) -> list[Site]:
    """Return the nodes of every site and place.

    Args:
        cloud: nodes, refined and in their final order.
        boundary: labelled.
        axes: the heart's frame.
        coordinates: ``(n_nodes,)`` each, by name.
        settings: sites, their radius, places.
        points: of the places that are files, by name.

    Raises:
        BadMesh: one of them is on no node of this heart.
    """
    rules = DEFAULT_SITES
    if settings.sites is not None:
        rules = tuple(ActivationSite(**site.model_dump()) for site in settings.sites)
    placed = place_sites(cloud, boundary, axes, rules, settings.site_radius)
    for place in settings.places:
        placed.append(_placed(cloud, coordinates, place, points))
    return placed


def _placed(
    cloud: Cloud,
    coordinates: Mapping[str, Floats],
    place: Place,
    points: Mapping[str, PointSet],
) -> Site:
    if place.ball is not None:
        return place_ball(cloud, place.name, np.array(place.ball.centre), place.ball.radius)
    if place.box is not None:
        return place_box(cloud, place.name, np.array(place.box.lowest), np.array(place.box.highest))
    if place.points is not None:
        return place_points(cloud, place.name, points[place.name], place.points.radius)
    spans = {str(name): span for name, span in (place.coordinates or {}).items()}
    return place_region(cloud, place.name, coordinates, spans)
