"""The membrane of one rank's nodes: which model each has, and its own factors of constants."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from polycardia.config import Cells
from polycardia.io.prepared import NodeSlice, PreparedFile
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.physics.variation import linear_factor, region_of_nodes, scaled_by_region
from polycardia.solver.halo import Halo
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.partition import Ownership

log = logging.getLogger(__name__)


def membrane(
    prepared: PreparedFile,
    nodes: NodeSlice,
    halo: Halo,
    settings: Cells,
    types: Sequence[CellType],
) -> Membrane:
    """Return the cells of a rank's nodes and ghosts.  Collective.

    Args:
        prepared: the heart.
        nodes: what it says of the rank's nodes.
        halo: which these are.
        settings: gradients and regions.
        types: compiled models, from the inside of the wall to the outside.
    """
    type_of_node = halo.extended(nodes.cell_type).astype(np.int64)
    if not any(cell_type.factors for cell_type in types):
        return Membrane(types, type_of_node)
    owned = halo.owned
    coordinates: dict[str, Floats] = {
        name: prepared.read_coordinate(name, owned.first, owned.last)
        for name in dict.fromkeys(gradient.along for gradient in settings.gradients)
    }
    scaled = any(region.scaling for region in settings.regions.values())
    region = _own_regions(prepared, owned) if scaled else np.zeros(owned.count, np.int64)
    parameters = [
        {
            parameter: halo.extended(node_factor(settings, layer, constant, coordinates, region))
            for constant, parameter in cell_type.factors.items()
        }
        for layer, cell_type in zip(settings.by_layer(), types, strict=True)
    ]
    return Membrane(types, type_of_node, parameters)


def node_factor(
    settings: Cells,
    layer: str,
    constant: str,
    coordinates: Mapping[str, Floats],
    region: Integers,
) -> Floats:
    """Return ``(n,)`` factors of one constant of a layer: gradients and region multiplied.

    Args:
        settings: gradients and regions.
        layer: of the wall.
        constant: as the study calls it.
        coordinates: ``(n,)`` each, by name.
        region: ``(n,)`` tags.
    """
    factor = np.ones(len(region))
    for gradient in settings.gradients:
        if gradient.parameter == constant and layer in gradient.layers:
            along = coordinates[gradient.along]
            factor *= linear_factor(along, gradient.at_zero, gradient.at_one)
    factor *= scaled_by_region(
        {
            tag: there.scaling[constant]
            for tag, there in settings.regions.items()
            if layer in there.layers and constant in there.scaling
        },
        region,
    )
    return factor


def _own_regions(prepared: PreparedFile, owned: Ownership) -> Integers:
    """Return ``(n_owned,)`` the region of each of a rank's nodes."""
    part = prepared.read_cells(owned.first, owned.last)
    mesh = TetMesh(
        points=part.points,
        tetrahedra=np.searchsorted(part.touched, part.tetrahedra),
        region=part.region.astype(np.int64),
    )
    own = np.searchsorted(part.touched, np.arange(owned.first, owned.last))
    return region_of_nodes(mesh)[own]
