"""What is measured on tetrahedra, written apart from the code under test."""

from itertools import combinations

import numpy as np

from polycardia.physics.mesh import Floats, Integers


def signed_volumes(points: Floats, tetrahedra: Integers) -> Floats:
    corner = points[tetrahedra]
    return np.linalg.det(corner[:, 1:] - corner[:, :1]) / 6.0


def face_counts(tetrahedra: Integers) -> Integers:
    faces = np.concatenate([tetrahedra[:, list(face)] for face in combinations(range(4), 3)])
    return np.unique(np.sort(faces, axis=1), axis=0, return_counts=True)[1]


def lowest_dihedral(points: Floats, tetrahedra: Integers) -> float:
    """The smallest angle [degrees] between two faces of a tetrahedron."""
    corner = points[tetrahedra]
    lowest = 180.0
    for i, j in combinations(range(4), 2):
        axis = corner[:, j] - corner[:, i]
        k, m = (n for n in range(4) if n not in (i, j))
        first = np.cross(axis, corner[:, k] - corner[:, i])
        second = np.cross(axis, corner[:, m] - corner[:, i])
        cosine = np.einsum("ij,ij->i", first, second)
        cosine /= np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        lowest = min(lowest, float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).min()))
    return lowest
