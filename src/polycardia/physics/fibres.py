"""Rule-based fibres: the Laplace-Dirichlet rule of Bayer et al. 2012.

J. D. Bayer, R. C. Blake, G. Plank, N. A. Trayanova, Ann. Biomed. Eng. 40 (2012) 2243-2254,
doi 10.1007/s10439-012-0593-5.  Each cell gets an orthonormal frame: `axis` makes one from the
apicobasal and a transmural gradient, `orient` turns it by the angles of its depth in the wall,
and `bislerp` blends the frames of the two endocardia and the epicardium.  A frame's columns are
the fibre, the normal of the sheet and the sheet direction.

The helix angle is positive where the fibre, seen from the base, runs counterclockwise and
towards the base: the right-handed helix of the endocardium.

In one point this departs from the paper, which turns the endocardia's frames by the endocardial
angles at every depth and leaves the rest to the blend.  With its angles, a quarter turn apart in
alpha and in beta, the shortest rotation then changes sides at depth 0.89, where the helix angle
jumps by 20 degrees.  Here all three frames are turned by the angles of the cell's depth, and
the helix angle is linear across the wall.

Where the paper's frame does not exist (a cell with all corners on one surface has no transmural
gradient, and at the apex both gradients are parallel) the cell takes its nearest sound
neighbour's gradients.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from polycardia.errors import BadMesh
from polycardia.physics.elements import cell_gradients
from polycardia.physics.laplace import WallCoordinates
from polycardia.physics.mesh import Floats, TetMesh

CHUNK = 250_000  # cells whose frames are held at once

SMALLEST_SINE = 0.05  # between the gradients of a sound frame, 3 degrees
SMALLEST_GRADIENT = 1e-6  # of the median one; solver noise lies below 1e-7
SMALLEST_WEIGHT = 1e-3  # a frame that counts less than this may be any


@dataclass(frozen=True)
class FibreAngles:
    """Angles at the two faces of the wall [degrees], those of Bayer et al. 2012.

    Attributes:
        alpha_endo: helix angle at the endocardium.
        alpha_epi: helix angle at the epicardium.
        beta_endo: angle of the sheets to the outward normal at the endocardium.
        beta_epi: the same at the epicardium.
    """

    alpha_endo: float = 40.0
    alpha_epi: float = -50.0
    beta_endo: float = -65.0
    beta_epi: float = 25.0


BAYER_2012 = FibreAngles()


def rule_based_fibres(
    mesh: TetMesh, coordinates: WallCoordinates, angles: FibreAngles = BAYER_2012
) -> tuple[Floats, Floats]:
    """Fibre and sheet directions of every cell.

    Args:
        mesh: the heart.
        coordinates: its wall coordinates, see `laplace.wall_coordinates`.
        angles: at endocardium and epicardium [degrees].

    Returns:
        Two arrays of unit vectors ``(n_cells, 3)``, normal to each other.  Both are lines
        rather than arrows: their sign carries no meaning.

    Raises:
        BadMesh: no cell has a usable pair of gradients.
    """
    depth = _cell_means(mesh, coordinates.transmural)
    side = _interventricular(mesh, coordinates)
    potentials = [
        coordinates.apicobasal,
        coordinates.from_left,
        coordinates.from_right,
        coordinates.transmural,
    ]
    up, leftwards, rightwards, outwards = np.moveaxis(
        cell_gradients(mesh, np.stack(potentials, axis=1)), 1, 0
    )
    centroids = mesh.points[mesh.tetrahedra].mean(axis=1)
    inner = (1.0 - depth) * (1.0 - side), (1.0 - depth) * side
    left = _sound(up, -leftwards, inner[0], centroids)
    right = _sound(up, rightwards, inner[1], centroids)
    outer = _sound(up, outwards, depth, centroids)

    fibre, sheet = np.empty_like(up), np.empty_like(up)
    for first in range(0, len(up), CHUNK):
        k = slice(first, first + CHUNK)
        frames = _blend(
            axis(left[0][k], left[1][k]),
            axis(right[0][k], right[1][k]),
            axis(outer[0][k], outer[1][k]),
            depth[k],
            side[k],
            angles,
        )
        fibre[k], sheet[k] = frames[:, :, 0], frames[:, :, 2]
    return fibre, sheet


def axis(up: Floats, outward: Floats) -> Floats:
    """Frames with columns circumferential, apicobasal, transmural, ``(n, 3, 3)``.

    Args:
        up: ``(n, 3)`` towards the base, of any length but zero; kept as it points.
        outward: ``(n, 3)`` through the wall; only the part normal to ``up`` counts.
    """
    e1 = _unit(up)
    e2 = _unit(outward - np.einsum("ni,ni->n", e1, outward)[:, None] * e1)
    return np.stack([np.cross(e1, e2), e1, e2], axis=2)


def orient(frames: Floats, alpha: Floats, beta: Floats) -> Floats:
    """Turn frames by the helix angle about their third, then by the sheet angle about their first.

    Args:
        frames: ``(n, 3, 3)``, columns as `axis` makes them.
        alpha: ``(n,)`` [degrees], from the circumferential towards the apicobasal direction.
        beta: ``(n,)`` [degrees], from the transmural direction towards the base.
    """
    a, b = np.radians(alpha), np.radians(beta)
    e0, e1, e2 = frames.transpose(2, 0, 1)
    cos_a, sin_a = np.cos(a)[:, None], np.sin(a)[:, None]
    cos_b, sin_b = np.cos(b)[:, None], np.sin(b)[:, None]
    fibre, across = e0 * cos_a + e1 * sin_a, e1 * cos_a - e0 * sin_a
    return np.stack([fibre, across * cos_b - e2 * sin_b, across * sin_b + e2 * cos_b], axis=2)


def bislerp(start: Floats, end: Floats, weight: Floats) -> Floats:
    """Blend two sets of frames of lines along the shortest rotation.

    Fibres and sheets have no sign, so a frame may first be turned by half a turn about one of
    its own axes: of the four equivalent starts the one closest to the end is taken.

    Args:
        start: ``(n, 3, 3)`` rotation matrices.
        end: ``(n, 3, 3)``.
        weight: ``(n,)``, 0 at the start and 1 at the end.
    """
    p, q = Rotation.from_matrix(start).as_quat(), Rotation.from_matrix(end).as_quat()
    x, y, z, w = p.T
    half_turns = np.stack([p.T, [w, z, -y, -x], [-z, w, x, -y], [y, -x, w, -z]])  # p, pi, pj, pk
    cosine = np.einsum("gcn,nc->gn", half_turns, q)
    best = np.argmax(np.abs(cosine), axis=0)
    n = np.arange(len(q))
    cosine = cosine[best, n]
    p = half_turns[best, :, n] * np.sign(cosine)[:, None]
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    # sinc keeps the two weights finite where start and end agree.
    share = [
        fraction * np.sinc(fraction * angle / np.pi) / np.sinc(angle / np.pi)
        for fraction in (1.0 - weight, weight)
    ]
    blended = share[0][:, None] * p + share[1][:, None] * q
    matrices: Floats = Rotation.from_quat(blended).as_matrix()
    return matrices


def _blend(
    left: Floats, right: Floats, outer: Floats, depth: Floats, side: Floats, angles: FibreAngles
) -> Floats:
    """Frames of the fibres, ``(n, 3, 3)``."""
    alpha = angles.alpha_endo + (angles.alpha_epi - angles.alpha_endo) * depth
    beta = angles.beta_endo + (angles.beta_epi - angles.beta_endo) * depth
    # Through the septum the angles run to their negatives, which seen from the right ventricle
    # are the same angles again: there the frame's outward is the right ventricle's inward.
    side_sign = 1.0 - 2.0 * side
    inner = bislerp(
        orient(left, alpha * side_sign, beta * side_sign),
        orient(right, alpha * side_sign, beta * side_sign),
        side,
    )
    return bislerp(inner, orient(outer, alpha, beta), depth)


def _sound(up: Floats, outward: Floats, weight: Floats, centroids: Floats) -> tuple[Floats, Floats]:
    """Gradient pairs that span a frame, taken from the nearest sound cell where a cell's do not.

    A pair that counts for nothing (``weight``) is not looked for, only replaced by any.
    """
    lengths = np.linalg.norm(up, axis=1), np.linalg.norm(outward, axis=1)
    spanned = np.linalg.norm(np.cross(up, outward), axis=1)
    sound = spanned > SMALLEST_SINE * lengths[0] * lengths[1]
    for length in lengths:
        sound &= length > SMALLEST_GRADIENT * np.median(length[weight > SMALLEST_WEIGHT])
    if not sound.any():
        raise BadMesh("no cell has both an apicobasal and a transmural gradient, need most cells")
    source = np.where(sound, np.arange(len(up)), np.flatnonzero(sound)[0])
    wanted = np.flatnonzero(~sound & (weight > SMALLEST_WEIGHT))
    if wanted.size:
        whole = np.flatnonzero(sound)
        source[wanted] = whole[cKDTree(centroids[whole]).query(centroids[wanted])[1]]
    return up[source], outward[source]


def _interventricular(mesh: TetMesh, coordinates: WallCoordinates) -> Floats:
    """Share of the right ventricle in each cell, ``(n_cells,)``, as the paper weighs it."""
    left = _cell_means(mesh, coordinates.from_left)
    right = _cell_means(mesh, coordinates.from_right)
    # On the epicardium both vanish; the weight of the endocardia does too, so that any value
    # does, but a continuous one is tidier.
    known = left + right > 1e-6
    total = np.where(known, left + right, 1.0)
    return np.where(known, right / total, _cell_means(mesh, coordinates.interventricular))


def _cell_means(mesh: TetMesh, values: Floats) -> Floats:
    means: Floats = values[mesh.tetrahedra].mean(axis=1)
    return means


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    return unit
