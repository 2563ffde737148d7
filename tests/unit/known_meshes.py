"""Meshes whose geometry is known in closed form, and the real hearts."""

from functools import lru_cache
from pathlib import Path

import meshio
import numpy as np
import pyvista
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from polycardia.physics.mesh import Boundary, Surface, TetMesh

# Six tetrahedra around the diagonal from corner 0 to corner 7; corner = 4 i + 2 j + k.
PATHS = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]


def lattice_cells(corners):
    """``(n, 8)`` corners of cubes, cut into tetrahedra ``(6 n, 4)``."""
    cut = [[0, a, b, 7] for a, b in PATHS]
    return corners[:, cut].reshape(-1, 4)


def positively_oriented(points, tetrahedra):
    edge = points[tetrahedra[:, 1:]] - points[tetrahedra[:, :1]]
    flipped = np.linalg.det(edge) < 0.0
    tetrahedra[flipped] = tetrahedra[flipped][:, [1, 0, 2, 3]]
    return tetrahedra


def as_mesh(points, tetrahedra):
    tetrahedra = positively_oriented(points, np.asarray(tetrahedra, dtype=np.int64))
    return TetMesh(points, tetrahedra, np.zeros(len(tetrahedra), dtype=np.int64))


def box(n, size=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), jitter=0.0):
    """Box of ``n`` cubes each way; inner nodes shaken by ``jitter`` of an edge."""
    index = np.indices((n + 1,) * 3).reshape(3, -1).T
    points = index / n
    inner = ((index > 0) & (index < n)).all(axis=1)
    shake = np.random.default_rng(7).uniform(-jitter / n, jitter / n, points.shape)
    points = np.asarray(origin) + (points + shake * inner[:, None]) * np.asarray(size)
    first = np.indices((n,) * 3).reshape(3, -1).T
    corners = first[:, None, :] + np.array(
        [[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    return as_mesh(points, lattice_cells(corners @ np.array([(n + 1) ** 2, n + 1, 1])))


INNER, OUTER, LENGTH = 22.0, 32.0, 70.0  # half axes of the shell's faces and its inner depth [mm]
SEPTUM = np.radians(60.0)  # half the sector of the outer face that is a right endocardium


@lru_cache
def shell(n_deep=4, n_down=20, n_around=48):
    """Wall of a cut ellipsoid with a right endocardium on a sector of its outside.

    The long axis is z with the base at z = 0, the septum is towards x and anterior towards y.
    A pin hole at the apex keeps the lattice regular; its rim counts as epicardium.
    """
    depth, polar, around = (
        np.linspace(0.0, 1.0, n_deep + 1),
        np.linspace(np.pi / 2.0, np.radians(177.0), n_down + 1),
        2.0 * np.pi * np.arange(n_around) / n_around,
    )
    e, p, a = np.meshgrid(depth, polar, around, indexing="ij")
    radius, length = INNER + (OUTER - INNER) * e, LENGTH + (OUTER - INNER) * e
    points = np.stack(
        [radius * np.sin(p) * np.cos(a), radius * np.sin(p) * np.sin(a), length * np.cos(p)],
        axis=-1,
    ).reshape(-1, 3)

    def node(i, j, k):
        return (i * (n_down + 1) + j) * n_around + k % n_around

    i, j, k = np.indices((n_deep, n_down, n_around)).reshape(3, -1)
    corners = np.stack(
        [node(i + x, j + y, k + z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], axis=1
    )
    mesh = as_mesh(points, lattice_cells(corners))
    return mesh, _shell_boundary(mesh, (n_deep, n_down, n_around))


def _shell_boundary(mesh, counts):
    n_deep, n_down, n_around = counts
    triangles = outside(mesh)
    deep, down = np.divmod(triangles // n_around, n_down + 1)
    label = np.full(len(triangles), Surface.EPI, dtype=np.int64)
    middle = mesh.points[triangles].mean(axis=1)
    sector = np.abs(np.arctan2(middle[:, 1], middle[:, 0])) < SEPTUM
    label[(deep == n_deep).all(axis=1) & sector & (middle[:, 2] > -0.8 * LENGTH)] = Surface.RV_ENDO
    label[(deep == 0).all(axis=1)] = Surface.LV_ENDO
    label[(down == 0).all(axis=1)] = Surface.BASE
    return Boundary(triangles, label)


def outside(mesh):
    """Boundary triangles, outward oriented."""
    faces = mesh.tetrahedra[:, [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]].reshape(-1, 3)
    _, first, count = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True
    )
    return faces[first[count == 1]]


def moved(mesh, seed):
    """The mesh turned and shifted, with the rotation and the shift."""
    rotation = Rotation.random(random_state=seed).as_matrix()
    shift = np.random.default_rng(seed).uniform(-100.0, 100.0, 3)
    return TetMesh(mesh.points @ rotation.T + shift, mesh.tetrahedra, mesh.region), rotation, shift


@lru_cache
def real_heart(folder: Path, name: str):
    """Mesh and boundary of heart-a or heart-b."""
    return _heart_a(folder / "heart-a") if name == "heart-a" else _heart_b(folder)


def _heart_a(folder):
    points = np.loadtxt(folder / "heart-a.pts", skiprows=1) / 1000.0
    cells = np.loadtxt(folder / "heart-a.elem", skiprows=1, usecols=(1, 2, 3, 4), dtype=np.int64)
    surfaces = [
        np.loadtxt(
            folder / f"heart-a.{s.name.lower()}.surf", skiprows=1, usecols=(1, 2, 3), dtype=int
        )
        for s in Surface
    ]
    label = np.repeat([int(s) for s in Surface], [len(t) for t in surfaces])
    return as_mesh(points, cells), Boundary(np.concatenate(surfaces), label)


def _heart_b(folder):
    volume = meshio.read(folder / "heart-b.vtu")
    surface = pyvista.read(folder / "heart-b_surface.vtp")
    node = cKDTree(volume.points).query(surface.points)[1]
    triangles = node[surface.regular_faces]
    label = np.asarray(surface.cell_data["surface"], dtype=np.int64)
    return as_mesh(volume.points.astype(float), volume.cells_dict["tetra"]), Boundary(
        triangles, label
    )
