"""From what a file said to a heart that can be simulated, or one sentence why not.

Order matters: numbers that cannot be used are refused first, then lengths become millimetres,
then the mesh is mended, because the tolerances of mending are lengths.
"""

from dataclasses import dataclass

import numpy as np

from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.fibre_intake import admit_fibres
from polycardia.physics.given_labels import check_labels, transfer_labels
from polycardia.physics.labelling import label_from_geometry
from polycardia.physics.mending import (
    Draft,
    Step,
    drop_flat_cells,
    drop_repeated_cells,
    drop_unused_nodes,
    keep_largest_piece,
    merge_coincident_nodes,
    orient,
    separate_touching_surfaces,
)
from polycardia.physics.mesh import Boundary, Floats, TetMesh
from polycardia.physics.quality import extent
from polycardia.physics.source import SourceMesh
from polycardia.physics.topology import boundary_faces, nodes_of

UNITS = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001}  # [mm]
SMALLEST_HEART, LARGEST_HEART = 50.0, 250.0  # [mm] across
# Cells that enclose no tissue of their own: what meshers write beside the tetrahedra.
_LOWER_DIMENSIONAL = ("vertex", "line", "triangle", "quadrangle", "polygon", "strip")


@dataclass(frozen=True)
class Admitted:
    """A heart that passed.

    Attributes:
        mesh: tetrahedra of positive volume in one piece, points in mm.
        boundary: all of its boundary, outward oriented and labelled.
        mended: one sentence for each thing that was changed or taken for granted.
        labels_from: the files that the labels come from, or ``geometry``.
    """

    mesh: TetMesh
    boundary: Boundary
    mended: tuple[str, ...]
    labels_from: str


def admit(source: SourceMesh, *, units: str | None = None) -> Admitted:
    """Check a source mesh, mend what is safe to mend, and label its boundary.

    Args:
        source: as read.
        units: ``m``, ``cm``, ``mm`` or ``um`` from the cohort table; None for what the file
            declares, or else the unit that is customary for its format.

    Raises:
        BadMesh: the heart cannot be used; the sentence names what was found.
        BadStudy: ``units`` is none of the four.
    """
    check_numbers(source)
    said = list(source.notes) + _note_other_cells(source)
    scale, said_of_units = length_scale(source, units)
    draft, said_of_mending = mend(source, scale)
    said += said_of_units + said_of_mending
    fibre, said_of_fibres = admit_fibres(source, draft.tetrahedra, draft.cell_origin)
    boundary, labels_from, said_of_labels = _label(source, draft, scale)
    mesh = TetMesh(draft.points, draft.tetrahedra, source.region[draft.cell_origin], fibre)
    return Admitted(mesh, boundary, (*said, *said_of_fibres, *said_of_labels), labels_from)


def check_numbers(source: SourceMesh) -> None:
    """Refuse a mesh without tetrahedra, with other volumes, or with impossible numbers."""
    volumes = {
        kind: n for kind, n in source.other_cells.items() if not kind.endswith(_LOWER_DIMENSIONAL)
    }
    listed = ", ".join(f"{n} {kind} cells" for kind, n in sorted(source.other_cells.items()))
    if volumes:
        listed = ", ".join(f"{n} {kind} cells" for kind, n in sorted(volumes.items()))
        raise BadMesh(
            f"{source.name}: found {listed} beside {len(source.tetrahedra)} tetrahedra, "
            "expected tetrahedra only"
        )
    if len(source.tetrahedra) == 0:
        found = listed or "no cells"
        raise BadMesh(f"{source.name}: found {found}, expected tetrahedra")
    n_points = len(source.points)
    outside = (source.tetrahedra < 0) | (source.tetrahedra >= n_points)
    wrong = np.flatnonzero(outside.any(axis=1))
    if wrong.size:
        raise BadMesh(
            f"{source.name}: element {wrong[0]} names nodes "
            f"{source.tetrahedra[wrong[0]].tolist()}, expected 0 to {n_points - 1}"
        )
    used = nodes_of(source.tetrahedra, n_points)
    bad = np.flatnonzero(used & ~np.isfinite(source.points).all(axis=1))
    if bad.size:
        raise BadMesh(
            f"{source.name}: {bad.size} of {n_points} nodes have coordinates that are not finite, "
            f"the first is node {bad[0]} at {source.points[bad[0]].tolist()}"
        )


def _note_other_cells(source: SourceMesh) -> list[str]:
    used = "triangle" if source.surface is not None and source.surface.points is None else ""
    ignored = {k: n for k, n in source.other_cells.items() if not (used and k.endswith(used))}
    if not ignored:
        return []
    return [f"{', '.join(f'{n} {k} cells' for k, n in sorted(ignored.items()))} ignored"]


def length_scale(source: SourceMesh, units: str | None) -> tuple[float, list[str]]:
    """Millimetres that the source's unit is long; refused if the heart is not of a heart's size.

    The cohort table goes before the file's own statement, that before the format's custom.
    """
    if units is not None and units not in UNITS:
        raise BadStudy(f"units: found '{units}', expected one of {', '.join(UNITS)}")
    unit = units or source.declared_unit or source.customary_unit
    across = extent(source.points[nodes_of(source.tetrahedra, len(source.points))])
    if not SMALLEST_HEART <= across * UNITS[unit] <= LARGEST_HEART:
        fitting = [
            name
            for name, length in UNITS.items()
            if SMALLEST_HEART <= across * length <= LARGEST_HEART
        ]
        advice = f"{fitting[0]} would fit" if fitting else f"none of {', '.join(UNITS)} would fit"
        origin = "given" if units else "declared by the file" if source.declared_unit else "assumed"
        raise BadMesh(
            f"{source.name}: the heart is {across * UNITS[unit]:.4g} mm across with the unit "
            f"{unit} ({origin}), expected {SMALLEST_HEART:g} to {LARGEST_HEART:g} mm: {advice}"
        )
    said = []
    if units and source.declared_unit and units != source.declared_unit:
        said.append(f"the file declares {source.declared_unit}, the table's {units} was used")
    elif not units and not source.declared_unit:
        said.append(f"no unit given: {unit} assumed, {across * UNITS[unit]:.0f} mm across")
    return UNITS[unit], said


def mend(source: SourceMesh, scale: float) -> Step:
    """Take the faults out of a mesh one after the other; see `polycardia.physics.mending`."""
    n_points = len(source.points)
    used = nodes_of(source.tetrahedra, n_points)
    points: Floats = np.where(used[:, None], source.points, 0.0) * scale
    draft = Draft(
        points=points,
        tetrahedra=source.tetrahedra,
        node_origin=np.arange(n_points),
        cell_origin=np.arange(len(source.tetrahedra)),
        alias=np.arange(n_points),
    )
    draft, said = drop_unused_nodes(draft)
    for step in (
        drop_repeated_cells,
        merge_coincident_nodes,
        drop_flat_cells,
        orient,
        keep_largest_piece,
        separate_touching_surfaces,
        keep_largest_piece,
        _drop_left_over_nodes,
    ):
        draft, more = step(draft)
        said += more
    return draft, said


def _drop_left_over_nodes(draft: Draft) -> Step:
    """Nodes that mending itself left without elements are not worth a word."""
    return drop_unused_nodes(draft)[0], []


def _label(source: SourceMesh, draft: Draft, scale: float) -> tuple[Boundary, str, list[str]]:
    triangles, _ = boundary_faces(draft.tetrahedra)
    if source.surface is None:
        origin, said = "geometry", ["no labels given: found from the geometry"]
        label = label_from_geometry(draft.points, triangles)
    else:
        origin = source.surface.origin
        label, said = transfer_labels(
            source.surface, draft.points, triangles, draft.node_origin, draft.alias, scale
        )
    boundary = Boundary(triangles, label)
    check_labels(draft.points, boundary, origin)
    return boundary, origin, said
