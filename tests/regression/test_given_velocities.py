"""Velocities that a study asks for, measured on the activation map of a block: see docs/physics.md.

The block is a heart to the commands: a thick floor beneath two cavities, fibres along x.  A plane
wave from its end runs along them in the floor's lowest part, where the fast layer's wave comes
too late to lead it; one from below runs across.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvista
import yaml
from scipy.spatial import Delaunay

from polycardia.io.mesh_writer import write_surface, write_tetrahedra
from polycardia.physics.mesh import Boundary, Surface, TetMesh
from polycardia.physics.topology import boundary_faces, tet_volumes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ASKED = {"fibre": 0.6, "cross": 0.25, "endocardial": 1.2}  # [mm/ms]
SIDE = 1.0  # of the lattice [mm]; the mean edge is 0.9 mm
# Where the faces of block and cavities are [mm]: length, width, height with the floor's.
SIZE = np.array([49.0, 12.0, 10.0])
LEFT, RIGHT, WIDE, FLOOR = (3.0, 37.0), (40.0, 46.0), (3.0, 9.0), 7.0
PLANES = ((0.0, *LEFT, *RIGHT, SIZE[0]), (0.0, *WIDE, SIZE[1]), (0.0, FLOOR, SIZE[2]))
DISORDER, FLAT = 0.18, 0.002  # of the lattice's side, and of its cube
CELL = {"name": "tp06_mid"}  # in all layers: each has its own k
FAR = 99.0  # [mm]
PLACES = {
    "end": {"lowest": [-1.0, -1.0, -1.0], "highest": [2.0, FAR, FAR]},
    "bottom": {"lowest": [-1.0, -1.0, -1.0], "highest": [FAR, FAR, 1.2]},
}


def within(values, span):
    return (values > span[0]) & (values < span[1])


def lattice(counts, shift):
    axes = [np.arange(n + 1.0) + shift for n in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def block():
    """Disordered tetrahedra, as in meshes from scans, and what is which surface."""
    counts = np.rint(SIZE / SIDE).astype(int)
    points = SIDE * np.concatenate([lattice(counts, 0.0), lattice(counts - 1, 0.5)])
    moved = SIDE * np.random.default_rng(3).uniform(-DISORDER, DISORDER, points.shape)
    for axis, planes in enumerate(PLANES):
        moved[np.isclose(points[:, axis, None], planes).any(axis=1), axis] = 0.0
    points += moved
    cells = Delaunay(points).simplices.astype(np.int64)
    volume = tet_volumes(points, cells)
    cells[volume < 0.0] = cells[volume < 0.0][:, [1, 0, 2, 3]]
    cells = cells[np.abs(volume) > FLAT * SIDE**3]
    x, y, z = points[cells].mean(axis=1).T
    blood = (within(x, LEFT) | within(x, RIGHT)) & within(y, WIDE) & (z > FLOOR)
    used, cells = np.unique(cells[~blood], return_inverse=True)
    points, cells = points[used], cells.reshape(-1, 4)
    fibre = np.tile([1.0, 0.0, 0.0], (len(cells), 1))
    triangles, _ = boundary_faces(cells)
    centre = points[triangles].mean(axis=1)
    label = np.full(len(triangles), int(Surface.EPI))
    inside = ((centre > 1e-6) & (centre < SIZE - 1e-6)).all(axis=1)
    of_left = centre[inside, 0] < 0.5 * (LEFT[1] + RIGHT[0])
    label[inside] = np.where(of_left, Surface.LV_ENDO, Surface.RV_ENDO)
    label[np.isclose(centre[:, 2], SIZE[2])] = Surface.BASE
    return TetMesh(points, cells, np.ones(len(cells), np.int64), fibre), Boundary(triangles, label)


def polycardia(folder, *arguments):
    command = [sys.executable, "-m", "polycardia", *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=1200)


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """Place [mm] and activation [ms] of every node, for each stimulated face."""
    folder = tmp_path_factory.mktemp("block")
    mesh, boundary = block()
    write_tetrahedra(folder / "block.vtu", mesh)
    write_surface(folder / "block.vtp", mesh.points, boundary)
    row = "block\tblock.vtu\tmm\tblock.vtp"
    (folder / "cohort.tsv").write_text(f"patient\tmesh\tunits\tsurfaces\n{row}\n")
    found = {}
    for name in PLACES:
        configure(folder / f"{name}.yaml", name)
    polycardia(folder, "model", "--config", "end.yaml")
    polycardia(folder, "prepare", "--config", "end.yaml", "--patient", "block")
    for name in PLACES:
        options = ("--config", f"{name}.yaml", "--patient", "block", "--output", f"{name}.vtkhdf")
        polycardia(folder, "simulate", *options)
        heart = pyvista.read(folder / f"{name}.vtkhdf")
        found[name] = np.asarray(heart.points, float), heart["activation_time"]
    return found


def configure(path: Path, stimulated: str) -> None:
    places = [{"name": name, "box": box} for name, box in PLACES.items()]
    settings = {
        "cohort": "cohort.tsv",
        "anatomy": {"edge_length": None},
        "tissue": {"velocities": ASKED},
        "cells": dict.fromkeys(("endocardial", "midwall", "epicardial"), CELL),
        "protocol": {
            "sites": [],
            "places": places,
            "stimuli": [{"name": "wave", "at": [stimulated]}],
        },
        "numerics": {"duration": 100.0, "stop": "when_activated"},
    }
    path.write_text(yaml.safe_dump(settings))


def speed(way, times):
    return 1.0 / np.polyfit(way, times, 1)[0]


def test_waves_along_and_across_the_fibres_are_as_fast_as_asked(waves):
    (x, _, z), times = waves["end"][0].T, waves["end"][1]
    lowest = (z < 1.0) & within(x, (5.0, 16.0))
    along = speed(x[lowest], times[lowest])
    (x, y, z), times = waves["bottom"][0].T, waves["bottom"][1]
    middle = within(z, (2.5, 5.5)) & within(x, (5.0, 35.0)) & within(y, WIDE)
    across = speed(z[middle], times[middle])
    print(f"along {along:.3f} mm/ms, across {across:.3f} mm/ms")
    assert along == pytest.approx(ASKED["fibre"], rel=0.03)
    assert across == pytest.approx(ASKED["cross"], rel=0.03)


@pytest.mark.parametrize("span", [(8.0, 24.0), (16.0, 32.0)])
def test_the_fast_layers_wave_is_as_fast_as_asked(waves, span):
    """A steady one: as fast in both spans."""
    (x, y, z), times = waves["end"][0].T, waves["end"][1]
    floor = np.isclose(z, FLOOR, atol=1e-5) & within(y, (4.0, 8.0)) & within(x, span)
    endocardial = speed(x[floor], times[floor])
    print(f"fast layer {endocardial:.3f} mm/ms")
    assert endocardial == pytest.approx(ASKED["endocardial"], rel=0.03)
