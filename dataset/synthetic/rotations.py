"""Rotations of many vectors at once: x to the left, y up, z ahead, angles in degrees."""

import numpy as np
from scipy.spatial.transform import Rotation


def rotation(axis: str, degrees: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations about the x, y or z axis by (…) angles.

    Not by SciPy's quaternions: turns there and back by equal angles have to cancel exactly, or the
    angles of a flat foot in the labels jump between 180 and -180.
    """
    angle, k = np.radians(degrees), "xyz".index(axis)
    i, j = (k + 1) % 3, (k + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., k, k] = 1.0
    matrix[..., i, i] = matrix[..., j, j] = np.cos(angle)
    matrix[..., j, i] = np.sin(angle)
    matrix[..., i, j] = -matrix[..., j, i]
    return matrix


def align(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation from direction ``start`` (3,) to ``end``."""
    return Rotation.align_vectors(end, start)[0].as_matrix()


def apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) turned by matrices (…, 3, 3)."""
    return np.einsum("...ab,...b->...a", matrix, vector)
