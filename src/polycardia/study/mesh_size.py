"""How many nodes a source mesh will have, without preparing it."""

import math

from polycardia.cohort import Source
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.refinement import mean_edge_length


def prepared_nodes(source: Source, edge_length: float | None) -> float:
    """Read a mesh and return about how many nodes it has once its edges are cut.

    Args:
        source: where it is, and in which unit.
        edge_length: that its edges are cut to [mm]; None leaves them as they are.

    Raises:
        PatientFailure: the mesh cannot be used.
    """
    read = read_source(source.mesh, surfaces=source.surfaces, fibres=source.fibres)
    mesh = admit(read, units=source.units).mesh
    parts = math.ceil(mean_edge_length(mesh) / edge_length) if edge_length else 1
    return float(len(mesh.points) * parts**3)
