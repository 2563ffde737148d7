"""What the files of one heart said, before anything is checked or converted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polycardia.physics.mesh import Floats, Integers


@dataclass(frozen=True)
class SourceSurface:
    """Labelled triangles as they came.

    Attributes:
        triangles: ``(n_faces, 3)`` rows of ``points``, or nodes of the mesh if that is None.
        label: ``(n_faces,)``; values of `polycardia.physics.mesh.Surface`, anything else is
            no label.
        points: ``(n, 3)`` in the mesh's unit, for surfaces that bring their own points.
        origin: the files, as a person would name them.
    """

    triangles: Integers
    label: Integers
    points: Floats | None
    origin: str


@dataclass(frozen=True)
class SourceMesh:
    """One heart as its files tell it.

    Attributes:
        name: the mesh file, for messages.
        points: ``(n_points, 3)`` in the file's unit.
        tetrahedra: ``(n_cells, 4)`` node numbers, in any orientation.
        region: ``(n_cells,)`` tags; 0 where there are none.
        fibre: ``(n, 3)`` or None; one a cell, or one a node where ``fibre_on_nodes``.
        surface: labelled triangles, if any came.
        other_cells: number of cells of each kind that is not a tetrahedron.
        declared_unit: ``m``, ``cm``, ``mm`` or ``um`` if the file itself says so.
        customary_unit: the unit of the format's convention: ``um`` for CARP, ``mm`` otherwise.
        files: everything that was read.
        notes: sentences on what reading already had to mend.
    """

    name: str
    points: Floats
    tetrahedra: Integers
    region: Integers
    fibre: Floats | None = None
    fibre_on_nodes: bool = False
    surface: SourceSurface | None = None
    other_cells: Mapping[str, int] = field(default_factory=dict)
    declared_unit: str | None = None
    customary_unit: str = "mm"
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
