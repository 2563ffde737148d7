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
from polycardia.physics.mesh import Boundary, Floats, TetMesh
from polycardia.physics.places import PointSet, place_ball, place_box, place_points, place_region
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
    endings = {p.name: p.points.ending for p in settings.places if p.points is not None}
    if not endings:
        return {}
    scale, _ = length_scale(source, units)
    nodes = np.asarray(source.points, dtype=np.float64) * scale
    return {name: read_points(point_file(mesh, end), nodes) for name, end in endings.items()}


def placed_sites(
    mesh: TetMesh,
    boundary: Boundary,
    axes: HeartAxes,
    coordinates: Mapping[str, Floats],
    settings: Preparation,
    points: Mapping[str, PointSet],
) -> list[Site]:
    """Return the nodes of every site and place.

    Args:
        mesh: refined and in its final order.
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
    placed = place_sites(mesh, boundary, axes, rules, settings.site_radius)
    for place in settings.places:
        placed.append(_placed(mesh, coordinates, place, points))
    return placed


def _placed(
    mesh: TetMesh,
    coordinates: Mapping[str, Floats],
    place: Place,
    points: Mapping[str, PointSet],
) -> Site:
    if place.ball is not None:
        return place_ball(mesh, place.name, np.array(place.ball.centre), place.ball.radius)
    if place.box is not None:
        return place_box(mesh, place.name, np.array(place.box.lowest), np.array(place.box.highest))
    if place.points is not None:
        return place_points(mesh, place.name, points[place.name], place.points.radius)
    spans = {str(name): span for name, span in (place.coordinates or {}).items()}
    return place_region(mesh, place.name, coordinates, spans)
