"""Where a heart lies: a scanner's coordinates instead of the heart's own."""

from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Floats

# Directions of a typical adult heart in a scanner's patient coordinates (x to the left,
# y to the back, z to the head).
TO_APEX = (0.65, -0.50, -0.57)
TO_RIGHT_VENTRICLE = (-0.60, -0.78, 0.0)
TILT_SPREAD = 8.0  # [degrees], SD of the turn about each axis
SHIFT_SPREAD = 25.0  # [mm], SD along each axis: no table is set to the millimetre


@dataclass(frozen=True)
class Pose:
    """A rotation and a shift.

    Attributes:
        rotation: ``(3, 3)``, proper; its columns are the heart's x, y, z axes.
        shift: ``(3,)`` [mm], the place of the heart's origin.
    """

    rotation: Floats
    shift: Floats

    def placed(self, points: Floats) -> Floats:
        """Return ``(n, 3)`` points [mm] of the heart's frame in the scanner's."""
        return np.asarray(np.einsum("ij,nj->ni", self.rotation, points) + self.shift)


def draw_pose(rng: np.random.Generator) -> Pose:
    """Return a heart's place in a scanner, different for each draw."""
    up = -_unit(np.array(TO_APEX))
    right = np.array(TO_RIGHT_VENTRICLE)
    x = _unit(right - (right @ up) * up)
    typical = np.stack([x, np.cross(up, x), up], axis=1)
    rotation = typical
    for axis, angle in enumerate(np.radians(rng.normal(0.0, TILT_SPREAD, 3))):
        rotation = _turn(axis, float(angle)) @ rotation
    return Pose(rotation, rng.normal(0.0, SHIFT_SPREAD, 3))


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))


def _turn(axis: int, angle: float) -> Floats:
    """Return the rotation by ``angle`` [rad] about a coordinate axis."""
    after, last = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[after, after] = turn[last, last] = np.cos(angle)
    turn[last, after], turn[after, last] = np.sin(angle), -np.sin(angle)
    return turn
