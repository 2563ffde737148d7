"""A biventricular heart of bricks: every label, volume and wall is known from its coordinates."""

from dataclasses import dataclass, replace

import numpy as np

from polycardia.physics.mesh import Surface
from polycardia.physics.source import SourceMesh, SourceSurface

BRICK = 6.0  # [mm]
BRICKS = (16, 10, 12)
# Bricks that are blood: left (walls of two bricks, septum of two) and right (walls of one).
LEFT = (slice(2, 8), slice(2, 8), slice(2, None))
RIGHT = (slice(10, 15), slice(1, 9), slice(2, None))
# Six tetrahedra of a cube from corner 0 to corner 7 (corner = 4 i + 2 j + k), all positive.
PATHS = [(4, 6), (6, 2), (2, 3), (3, 1), (1, 5), (5, 4)]
FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])


@dataclass(frozen=True)
class BoxHeart:
    points: np.ndarray
    tetrahedra: np.ndarray
    region: np.ndarray
    fibre: np.ndarray
    triangles: np.ndarray
    label: np.ndarray

    @property
    def volume(self) -> float:
        n = np.prod(BRICKS) - 6 * 6 * 10 - 5 * 8 * 10
        return float(n * BRICK**3)

    def source(self, **changes) -> SourceMesh:
        plain = SourceMesh(
            name="box.vtu",
            points=self.points,
            tetrahedra=self.tetrahedra,
            region=self.region,
            surface=SourceSurface(self.triangles, self.label, None, "box.vtu"),
        )
        return replace(plain, **changes)


def volumes(points, tetrahedra):
    return np.linalg.det(points[tetrahedra[:, 1:]] - points[tetrahedra[:, :1]]) / 6.0


def box_heart() -> BoxHeart:
    wall = np.ones(BRICKS, dtype=bool)
    wall[LEFT] = wall[RIGHT] = False
    grid = np.array(BRICKS) + 1
    corner = np.argwhere(wall)[:, None] + np.argwhere(np.ones((2, 2, 2)))
    numbers = np.ravel_multi_index(np.moveaxis(corner, -1, 0), grid)
    cells = numbers[:, [[0, a, b, 7] for a, b in PATHS]].reshape(-1, 4)
    used, cells = np.unique(cells, return_inverse=True)
    cells = cells.reshape(-1, 4)
    points = BRICK * np.column_stack(np.unravel_index(used, grid)).astype(float)
    negative = volumes(points, cells) < 0
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    faces = cells[:, FACES].reshape(-1, 3)
    _, first, count = np.unique(np.sort(faces, 1), axis=0, return_index=True, return_counts=True)
    triangles = faces[np.sort(first[count == 1])]
    fibre = np.random.default_rng(0).normal(size=(len(cells), 3))
    return BoxHeart(
        points=points,
        tetrahedra=cells,
        region=(points[cells].mean(axis=1)[:, 0] > 54.0).astype(np.int64) + 1,
        fibre=fibre / np.linalg.norm(fibre, axis=1, keepdims=True),
        triangles=triangles,
        label=labels_of(points[triangles].mean(axis=1)),
    )


def labels_of(centres):
    x, y, z = centres.T
    label = np.full(len(centres), int(Surface.EPI))
    inside = (x > 0) & (x < 96) & (y > 0) & (y < 60) & (z > 0) & (z < 72)
    label[inside & (x <= 54)] = Surface.LV_ENDO
    label[inside & (x > 54)] = Surface.RV_ENDO
    label[z == 72] = Surface.BASE
    return label


def write_carp(heart, base, *, scale=1000.0, fibres=False):
    """CARP text files by hand, in micrometres unless told otherwise."""
    rows = ["{:.6f} {:.6f} {:.6f}".format(*p) for p in scale * heart.points]
    _lines(base, ".pts", [str(len(rows)), *rows])
    rows = [
        "Tt {} {} {} {} {}".format(*cell, tag)
        for cell, tag in zip(heart.tetrahedra, heart.region, strict=True)
    ]
    _lines(base, ".elem", [str(len(rows)), *rows])
    for surface in Surface:
        rows = ["Tr {} {} {}".format(*t) for t in heart.triangles[heart.label == surface]]
        _lines(base, f".{surface.name.lower()}.surf", [str(len(rows)), *rows])
    if fibres:
        _lines(base, ".lon", ["1", *("{:.9f} {:.9f} {:.9f}".format(*f) for f in heart.fibre)])


def _lines(base, ending, lines):
    base.with_name(base.name + ending).write_text("\n".join(lines) + "\n")
