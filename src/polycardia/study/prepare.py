"""From a source mesh to a heart that can be simulated."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from polycardia.cohort import Source
from polycardia.config import Preparation
from polycardia.errors import PatientFailure
from polycardia.io.meshes import read_source
from polycardia.io.origin import PREPARED, Outcome
from polycardia.io.prepared import write_prepared
from polycardia.physics.axes import HeartAxes, heart_axes
from polycardia.physics.electrodes import ELECTRODES, place_electrodes
from polycardia.physics.elements import volumes
from polycardia.physics.fibres import FibreAngles, rule_based_fibres
from polycardia.physics.heart import PreparedHeart
from polycardia.physics.intake import Admitted, admit
from polycardia.physics.laplace import wall_coordinates
from polycardia.physics.layers import endocardial_cells, layers
from polycardia.physics.leads import unit_lead_vectors
from polycardia.physics.mesh import Boundary, TetMesh
from polycardia.physics.ordering import reordered
from polycardia.physics.places import PointSet, cloud_of
from polycardia.physics.refinement import refine
from polycardia.physics.variation import scaled_by_region
from polycardia.provenance import digest_of_files, origin, peak_memory
from polycardia.study.places import placed_sites, point_files, point_sets

log = logging.getLogger(__name__)

MYOCARDIAL_DENSITY = 1.05e-3  # [g/mm^3], as in cardiac MR mass


def prepare(source: Source, settings: Preparation, output: Path) -> None:
    """Prepare one heart; one that cannot be used is a result, too.

    Args:
        source: where the mesh is, and what the table says of it.
        settings: everything that decides the prepared heart.
        output: ``prepared.h5``.
    """
    started = time.monotonic()
    record: dict[str, object] = dict(origin(settings.model_dump_json()))
    heart = None
    try:
        record |= input_digests(source, settings)
        read = read_source(source.mesh, surfaces=source.surfaces, fibres=source.fibres)
        admitted = admit(read, units=source.units)
        for sentence in admitted.mended:
            log.info("mended: %s", sentence)
        points = point_sets(source.mesh, read, source.units, settings)
        heart = prepared_heart(admitted, settings, points)
        record |= {
            "mended": json.dumps(admitted.mended),
            "labels_from": admitted.labels_from,
            "fibres_from": "mesh" if admitted.mesh.fibre is not None else "rule",
        }
        outcome = Outcome(PREPARED)
    except PatientFailure as failure:
        log.warning("%s: %s", failure.outcome, failure)
        outcome = Outcome(failure.outcome, str(failure))
    record |= {"seconds": time.monotonic() - started, "memory": peak_memory()}
    write_prepared(output, heart, outcome, record)


def input_digests(source: Source, settings: Preparation) -> dict[str, str]:
    """Return the digests of the files that decide a prepared heart, for its provenance."""
    digests = {"mesh_sha256": digest_of_files(source.files())}
    # A missing one is told by whoever reads it.
    points = [file for file in point_files(source.mesh, settings).values() if file.is_file()]
    if points:
        digests["points_sha256"] = digest_of_files(sorted(set(points)))
    return digests


def prepared_heart(
    admitted: Admitted, settings: Preparation, points: Mapping[str, PointSet]
) -> PreparedHeart:
    """Refine, order, and find all that the solver needs to know.

    Args:
        admitted: the source's mesh.
        settings: everything that decides the prepared heart.
        points: of the places that are files, by name.

    Raises:
        BadMesh: the geometry is not that of two ventricles, or a stimulus is on no node of it.
        SolveFailed: a Laplace problem did not converge.
    """
    mesh, boundary = _refined(admitted, settings.anatomy.edge_length)
    mesh, boundary = reordered(mesh, boundary)
    cloud = cloud_of(mesh)
    log.info(
        "%d nodes, %d tetrahedra, mean edge %.2f mm",
        len(mesh.points),
        len(mesh.tetrahedra),
        cloud.edge,
    )
    axes = heart_axes(mesh.points, boundary)
    coordinates = wall_coordinates(mesh, boundary, axes)
    sheet = None
    if mesh.fibre is None:
        angles = FibreAngles(**settings.anatomy.fibres.model_dump())
        fibre, sheet = rule_based_fibres(mesh, coordinates, angles)
        mesh = replace(mesh, fibre=fibre)
    moved = {str(name): place for name, place in settings.electrodes.items()}
    electrodes = place_electrodes(mesh, axes, moved)
    by_region = scaled_by_region(settings.conductivity_factors, mesh.region)
    for tag, factor in settings.conductivity_factors.items():
        cells = np.count_nonzero(mesh.region == tag)
        log.info("region %d: conductivities times %g in %d cells", tag, factor, cells)
    return PreparedHeart(
        mesh=mesh,
        boundary=boundary,
        sheet=sheet,
        factor=by_region
        * np.where(endocardial_cells(mesh, boundary), settings.endocardial_factor, 1.0),
        cell_type=layers(
            coordinates.transmural,
            settings.anatomy.endocardial_layer,
            settings.anatomy.midwall_layer,
        ),
        coordinates=asdict(coordinates),
        axes=axes.frame,
        sites=placed_sites(cloud, boundary, axes, asdict(coordinates), settings, points),
        electrode_names=ELECTRODES,
        electrodes=electrodes,
        # A scar's factor belongs in both: it is the muscle itself that conducts less there. Not so
        # the endocardial one: it stands for the thin Purkinje network, whose own current is small,
        # not for a layer of muscle that drives several times the current.
        leads=unit_lead_vectors(mesh, by_region, electrodes, settings.bath_conductivity),
        measures=_measures(mesh, axes, cloud.edge),
    )


def _refined(admitted: Admitted, edge_length: float | None) -> tuple[TetMesh, Boundary]:
    if edge_length is None:
        return admitted.mesh, admitted.boundary
    return refine(admitted.mesh, admitted.boundary, edge_length=edge_length)


def _measures(mesh: TetMesh, axes: HeartAxes, edge: float) -> dict[str, tuple[float, str]]:
    wall = float(volumes(mesh).sum())
    return {
        "wall_volume": (wall * 1e-3, "mL"),
        "wall_mass": (wall * MYOCARDIAL_DENSITY, "g"),
        "lv_length": (axes.length, "mm"),
        "mean_edge_length": (edge, "mm"),
    }
