"""Rotations of many vectors at once: x to the left, y up, z ahead, angles in degrees."""

import numpy as np


def rotation(axis: int, degrees: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations about the x, y or z axis (0, 1, 2) by (…) degrees."""
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., i, i] = matrix[..., j, j] = c
    matrix[..., i, j], matrix[..., j, i] = -s, s
    return matrix


def bend(forward: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations: yaw, then lean forward, then tilt to the right, all (N,) degrees."""
    return rotation(1, left) @ rotation(0, forward) @ rotation(2, right)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) scaled to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) turned by matrices (…, 3, 3)."""
    return np.einsum("...ab,...b->...a", matrix, vector)


def columns(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(…, 3, 3) matrices with these columns (…, 3)."""
    return np.stack([x, y, z], -1)


def about(axis: np.ndarray, vector: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn (N, 3) vectors about (N, 3) unit axes by (N,) degrees."""
    angle = np.radians(degrees)[:, None]
    cross = np.cross(axis, vector)
    dot = (axis * vector).sum(-1, keepdims=True)
    return vector * np.cos(angle) + cross * np.sin(angle) + axis * dot * (1 - np.cos(angle))
