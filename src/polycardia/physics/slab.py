"""The N-version benchmark's slab: its mesh, its stimulus and its nine points.

Niederer et al., Phil Trans R Soc A 369:4331 (2011), doi 10.1098/rsta.2011.0139.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from polycardia.config import Extracellular, Intracellular, Tissue
from polycardia.physics.bar import bar
from polycardia.physics.bricks import bricks
from polycardia.physics.mesh import Floats, Integers, TetMesh
from polycardia.physics.topology import tet_volumes

MeshKind = Literal["bricks", "jittered", "unstructured"]

TISSUE = Tissue(
    surface_to_volume=140.0,
    capacitance=0.01,
    intracellular=Intracellular(fibre=0.17, cross=0.019),
    extracellular=Extracellular(fibre=0.62, cross=0.24),
)
EDGES = (20.0, 7.0, 3.0)  # [mm], fibres along the first
STIMULATED_CUBE = 1.5  # [mm], edge of the cube at the origin
STIMULUS_AMPLITUDE = 50.0 / (140.0 * 0.01)  # 50 000 uA/cm3 = 50 uA/mm3 over chi C_m [mV/ms]
STIMULUS_DURATION = 2.0  # [ms]
POINTS: Mapping[str, tuple[float, float, float]] = {
    "P1": (0.0, 0.0, 0.0),
    "P2": (0.0, 7.0, 0.0),
    "P3": (20.0, 0.0, 0.0),
    "P4": (20.0, 7.0, 0.0),
    "P5": (0.0, 0.0, 3.0),
    "P6": (0.0, 7.0, 3.0),
    "P7": (20.0, 0.0, 3.0),
    "P8": (20.0, 7.0, 3.0),
    "P9": (10.0, 3.5, 1.5),
}
JITTER = 0.2  # of the spacing, the largest displacement of a node
LATTICE = 1.33  # side of a body-centred lattice whose elements are as long as unit bricks'
SEED = 2011
NEAR = 1e-9  # [mm]
CUBE_POINTS = 8  # along an edge of an element that the cube's surface cuts; shares to some per cent


def slab_mesh(spacing: float, kind: MeshKind = "bricks") -> TetMesh:
    """Return the slab as tetrahedra, nodes ordered along the long edge.

    Args:
        spacing: edge of the bricks [mm]; the other kinds have elements as long as theirs.
        kind: bricks of six tetrahedra; the same with the nodes inside displaced; or tetrahedra
            without any order.
    """
    if kind == "unstructured":
        return _unstructured(spacing)
    # Every edge is divided into the nearest whole number of intervals.
    counts = [max(1, round(edge / spacing)) for edge in EDGES]
    axes = [np.linspace(0.0, edge, n + 1) for edge, n in zip(EDGES, counts, strict=True)]
    mesh = _along_the_fibres(*bricks(axes))
    return _jittered(mesh, spacing) if kind == "jittered" else mesh


def rotated(mesh: TetMesh, rotation: Floats) -> TetMesh:
    """Return a mesh turned about the origin, its fibres with it.

    Args:
        mesh: with fibres.
        rotation: ``(3, 3)`` orthogonal, determinant 1.
    """
    return replace(mesh, points=mesh.points @ rotation.T, fibre=np.asarray(mesh.fibre) @ rotation.T)


def _jittered(mesh: TetMesh, spacing: float) -> TetMesh:
    """Return a mesh with the nodes inside displaced at random, evenly over a ball of `JITTER`.

    That inverts no tetrahedron: along its path of three perpendicular edges the differences of
    four displacements are at most 0.4 spacings each, together less than one in the matrix norm.
    """
    random = np.random.default_rng(SEED)
    direction = random.normal(size=mesh.points.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    moved = JITTER * spacing * np.cbrt(random.uniform(size=(len(direction), 1))) * direction
    outside = ((mesh.points == 0.0) | (mesh.points == EDGES)).any(axis=1, keepdims=True)
    return replace(mesh, points=mesh.points + np.where(outside, 0.0, moved))


def _unstructured(spacing: float) -> TetMesh:
    """Return disordered tetrahedra, stretched by a few per cent to fill the slab."""
    nx, ny, nz = (max(2, round(edge / (LATTICE * spacing))) for edge in EDGES)
    points, tetrahedra = bar((nx, ny, nz))
    return _along_the_fibres(points * (EDGES / points.max(axis=0)), tetrahedra)


def _along_the_fibres(points: Floats, tetrahedra: Integers) -> TetMesh:
    region = np.broadcast_to(np.int64(0), len(tetrahedra))
    fibre = np.broadcast_to([1.0, 0.0, 0.0], (len(tetrahedra), 3))
    return TetMesh(points, tetrahedra, region, fibre)


def stimulated_share(mesh: TetMesh) -> Floats:
    """Return the share of each node's volume that the stimulated cube takes.

    A node's volume is the integral of its shape function.  So all meshes are stimulated alike;
    whole nodes in the cube would stimulate 1.6 times the cube on bricks of 0.5 mm.

    Args:
        mesh: of the slab, not rotated.

    Returns:
        ``(n_points,)`` from 0 to 1.
    """
    n = len(mesh.points)
    reached = mesh.tetrahedra[_reach_the_cube(mesh)]
    at_it = np.zeros(n, bool)
    at_it[reached] = True
    around = mesh.tetrahedra[at_it[mesh.tetrahedra].any(axis=1)]
    corner = mesh.points[reached]
    inside = np.full(corner.shape[:2], 0.25)
    cut = (corner > STIMULATED_CUBE).any(axis=(1, 2))
    lattice = _barycentric_lattice(CUBE_POINTS)
    place = np.einsum("qa,nai->nqi", lattice, corner[cut])
    inside[cut] = (place <= STIMULATED_CUBE).all(axis=2) @ lattice / len(lattice)
    inside *= tet_volumes(mesh.points, reached)[:, None]
    taken = np.bincount(reached.ravel(), inside.ravel(), minlength=n)
    quarter = 0.25 * tet_volumes(mesh.points, around)
    whole = np.bincount(around.ravel(), np.repeat(quarter, 4), minlength=n)
    share = np.divide(taken, whole, out=np.zeros(n), where=at_it)
    return np.asarray(np.clip(share, 0.0, 1.0))


def _reach_the_cube(mesh: TetMesh) -> NDArray[np.bool_]:
    """Return for every element whether its bounding box reaches into the stimulated cube."""
    reach = np.ones(len(mesh.tetrahedra), bool)
    for x in mesh.points.T:
        reach &= (x < STIMULATED_CUBE)[mesh.tetrahedra].any(axis=1)
    return reach


def _barycentric_lattice(n: int) -> Floats:
    """Return ``(m, 4)`` barycentric coordinates of evenly spaced points inside a tetrahedron."""
    steps = np.array([at for at in np.ndindex(n, n, n) if sum(at) < n])
    last = n - 1 - steps.sum(axis=1, keepdims=True)
    lattice: Floats = (np.hstack([steps, last]) + 0.25) / n
    return lattice


def at_points(mesh: TetMesh, values: Floats) -> dict[str, float]:
    """Return a field at the nine points, interpolated in the elements that hold them.

    Args:
        mesh: of the slab, not rotated.
        values: ``(n_points,)``.
    """
    return {name: _at(mesh, values, np.array(place)) for name, place in POINTS.items()}


def _at(mesh: TetMesh, values: Floats, place: Floats) -> float:
    near = np.flatnonzero(_boxes_hold(mesh, place))
    corner = mesh.points[mesh.tetrahedra[near]]
    edges = (corner[:, 1:] - corner[:, :1]).transpose(0, 2, 1)
    shares = np.linalg.solve(edges, (place - corner[:, 0])[..., None])[..., 0]
    shares = np.column_stack([1.0 - shares.sum(axis=1), shares])
    innermost = int(shares.min(axis=1).argmax())
    return float(shares[innermost] @ values[mesh.tetrahedra[near[innermost]]])


def _boxes_hold(mesh: TetMesh, place: Floats) -> NDArray[np.bool_]:
    """Return for every element whether its bounding box holds a place."""
    held = np.ones(len(mesh.tetrahedra), bool)
    for x, at in zip(mesh.points.T, place, strict=True):
        corners = x[mesh.tetrahedra]
        held &= (corners.min(axis=1) <= at + NEAR) & (corners.max(axis=1) >= at - NEAR)
    return held
