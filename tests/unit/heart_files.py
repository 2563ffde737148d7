"""Writes small heart files the way docs/archive-format.md describes them, for the tests."""

from pathlib import Path

import h5py
import numpy as np

VTK_TETRA = 10


def shell_of_ellipsoids(n_around: int = 24, n_up: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Biventricular caricature: half an ellipsoid with a thick left and a thin right half.

    Base up (+z), right ventricle at -x, so anterior is -y.  Returns points [mm] and tetrahedra.
    """
    around = np.arange(n_around) * 2.0 * np.pi / n_around
    up = np.linspace(0.08, 0.5, n_up) * np.pi  # polar angle from the apex
    theta, phi = np.meshgrid(up, around, indexing="ij")
    layers = []
    for depth in (0.0, 0.5, 1.0):
        thickness = np.where(np.cos(phi) > 0.0, 14.0, 5.0) * depth
        x = (40.0 - thickness) * np.sin(theta) * np.cos(phi)
        y = (34.0 - thickness) * np.sin(theta) * np.sin(phi)
        z = -(80.0 - thickness) * np.cos(theta)
        layers.append(np.stack([x, y, z], axis=-1))
    points = np.array(layers).reshape(-1, 3)
    k, j, i = np.meshgrid(np.arange(2), np.arange(n_up - 1), np.arange(n_around), indexing="ij")

    def node(dk: int, dj: int, di: int) -> np.ndarray:
        return (((k + dk) * n_up + (j + dj)) * n_around + (i + di) % n_around).ravel()

    way = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    tetrahedra = []
    for first in range(3):
        for second in {0, 1, 2} - {first}:
            a = np.array(way[first])
            b = a + np.array(way[second])
            corners = [node(0, 0, 0), node(*a), node(*b), node(1, 1, 1)]
            tetrahedra.append(np.stack(corners, axis=1))
    return points, np.concatenate(tetrahedra)


def write_heart(
    path: Path,
    points: np.ndarray,
    tetrahedra: np.ndarray,
    activation_time: np.ndarray,
    axes: np.ndarray | None = None,
) -> Path:
    """Write an UnstructuredGrid of VTKHDF 2.2 with the fields that a picture needs."""
    n = len(tetrahedra)
    with h5py.File(path, "w") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Version"] = (2, 2)
        root.attrs.create("Type", b"UnstructuredGrid", dtype="S16")
        root["NumberOfPoints"] = np.array([len(points)])
        root["NumberOfCells"] = np.array([n])
        root["NumberOfConnectivityIds"] = np.array([4 * n])
        root["Points"] = points
        root["Connectivity"] = tetrahedra.ravel()
        root["Offsets"] = np.arange(0, 4 * n + 1, 4)
        root["Types"] = np.full(n, VTK_TETRA, np.uint8)
        root["PointData/activation_time"] = activation_time
        root["CellData/region"] = np.zeros(n, np.int64)
        root["CellData/fibre"] = np.tile([1.0, 0.0, 0.0], (n, 1))
        if axes is not None:
            root["FieldData/axes"] = axes
    return path


def write_failed_heart(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        outcome = file.create_group("outcome")
        outcome.attrs["status"] = "bad_mesh"
        outcome.attrs["detail"] = "cell 7 is inverted"
    return path
