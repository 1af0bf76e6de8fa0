"""Triangles of surfaces: normals, smoothing, and grids of points."""

import numpy as np


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals of a mesh, weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    total = _summed(faces.ravel(), normal, len(vertices))
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return (total / length).astype(np.float32)


def smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices (V, 3) moved to the mean of their neighbours, ``rounds`` times."""
    start = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        vertices = _summed(start, vertices[end], len(vertices)) / count
    return vertices


def _summed(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) sums of (N, 3) values by their (N,) rows."""
    return np.stack([np.bincount(rows, column, minlength=count) for column in values.T], -1)


def grid_faces(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles of a grid of points, row by row; ``closed`` joins the last column to the first."""
    faces = []
    for i in range(rows - 1):
        for j in range(columns if closed else columns - 1):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            c, d = a + columns, b + columns
            faces += [(a, b, c), (b, d, c)]
    return np.array(faces, np.int32)
