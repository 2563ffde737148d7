"""How much of the sky each triangle of a closed surface sees.

A triangle of the epicardium sees most of the half space in front of it, one deep in a cavity
sees only what the valve openings leave free.
"""

import numpy as np
from numpy.typing import NDArray

from polycardia.physics.mesh import Floats, Integers
from polycardia.physics.topology import face_normals

Flags = NDArray[np.bool_]

DIRECTIONS = 64
PIXEL = 0.01  # of the surface's extent
# Depth [pixels] by which a face may lie behind the foremost surface and still be seen.  Less
# than the wall in front of a cavity; more than a pixel of a slanting surface is deep.
SLACK = 1.5
_SAMPLE = 0.9  # spacing of points on triangles [pixels], so that no pixel of a surface is empty


def sky_view(points: Floats, triangles: Integers) -> Floats:
    """Cosine-weighted fraction ``(n_faces,)`` of the sky that each triangle sees, 0 to 1.

    The surface is drawn into a depth buffer from each of `DIRECTIONS` evenly spread directions.

    Args:
        points: ``(n_points, 3)`` [mm].
        triangles: outward oriented, closed.
    """
    used = points[np.unique(triangles)]
    low, high = used.min(axis=0), used.max(axis=0)
    in_pixels = (points - 0.5 * (low + high)) / (PIXEL * float((high - low).max()))
    radius = float(np.linalg.norm(in_pixels[np.unique(triangles)], axis=1).max()) + 1.0
    drawn = surface_samples(in_pixels, triangles, _SAMPLE)
    centres = in_pixels[triangles].mean(axis=1)
    normals = face_normals(points, triangles)
    seen, all_sky = np.zeros(len(triangles)), np.zeros(len(triangles))
    for direction in spread_directions(DIRECTIONS):
        weight = np.maximum(normals @ direction, 0.0)
        facing = np.flatnonzero(weight)
        visible = _in_front(drawn, centres[facing], direction, radius)
        seen[facing] += weight[facing] * visible
        all_sky += weight
    return np.asarray(seen / np.maximum(all_sky, np.finfo(float).tiny))


def spread_directions(n: int) -> Floats:
    """``(n, 3)`` unit vectors spread over the sphere along a Fibonacci spiral."""
    i = np.arange(n) + 0.5
    height = 1.0 - 2.0 * i / n
    turn = np.pi * (1.0 + np.sqrt(5.0)) * i
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])


def surface_samples(points: Floats, triangles: Integers, spacing: float) -> Floats:
    """Points on all triangles, at most ``spacing`` apart along their edges."""
    corners = points[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    parts = np.maximum(1, np.ceil(longest / spacing)).astype(np.int64)
    samples = []
    for n in np.unique(parts):
        i, j = np.divmod(np.arange((n + 1) ** 2), n + 1)
        inside = i + j <= n
        weights = np.column_stack([i, j, n - i - j])[inside] / n
        samples.append(np.einsum("qc,fcx->fqx", weights, corners[parts == n]).reshape(-1, 3))
    return np.vstack(samples)


def _in_front(drawn: Floats, asked: Floats, direction: Floats, radius: float) -> Flags:
    """Which of the points ``asked`` are seen from far along ``direction``.

    Both sets of points [pixels] lie within ``radius`` of the origin.
    """
    aside = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    aside /= np.linalg.norm(aside)
    up = np.cross(direction, aside)
    width = 2 * int(np.ceil(radius)) + 1

    def pixels(place: Floats) -> Integers:
        column = (place @ aside + radius).astype(np.int64)
        return column * width + (place @ up + radius).astype(np.int64)

    foremost = np.full(width**2, -np.inf)
    np.maximum.at(foremost, pixels(drawn), drawn @ direction)
    return np.asarray(asked @ direction >= foremost[pixels(asked)] - SLACK)
