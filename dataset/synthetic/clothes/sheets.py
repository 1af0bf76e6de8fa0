"""Meshes, and thin sheets of cloth and hair that stand off the body.

Sheets are built in the T-pose around the surface that is there (x along the arms, y up, z forward,
centimetres), and move with the body's vertices next to them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from dataset.synthetic.clothes.materials import BodyPart


@dataclass(frozen=True)
class Sheet:
    """A grid of points as triangles."""

    points: np.ndarray  # (V, 3) in the T-pose
    faces: np.ndarray  # (F, 3)
    weights: np.ndarray  # (V, J) skinning weights
    part: BodyPart


@dataclass(frozen=True)
class Surface:
    """The clothed surface in the T-pose, to build on."""

    points: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    weights: np.ndarray  # (V, J)
    part: np.ndarray  # (V,) part of the body

    def _nearest(self, points: np.ndarray) -> np.ndarray:
        return cKDTree(self.points).query(points)[1]

    def lay(self, points: np.ndarray, gap: np.ndarray | float, towards: float = 1.0) -> np.ndarray:
        """Points (N, 3) moved along the surface's normals to (N,) centimetres above it.

        ``towards`` 1 lays them all down; 0 only lifts those that are too deep.
        """
        rows = self._nearest(points)
        normal = self.normals[rows]
        height = ((points - self.points[rows]) * normal).sum(-1)
        change = np.where(height < gap, gap - height, towards * (gap - height))
        return points + normal * change[:, None]

    def sheet(self, grid: np.ndarray, rows: int, closed: bool, part: BodyPart) -> Sheet:
        """A sheet of a grid of points, row by row, each moving with the vertex next to it.

        ``closed`` joins the last column to the first.
        """
        _, _, faces = grid_faces(rows, len(grid) // rows, closed)
        return Sheet(grid, faces, self.weights[self._nearest(grid)], part)

    def of(self, *parts: BodyPart, side: float = 0.0, beyond: float = 0.0) -> "Surface":
        """Some parts; of one ``side`` (1 left, -1 right) those further out than ``beyond``."""
        chosen = np.isin(self.part, parts)
        if side:
            chosen &= self.points[:, 0] * side > beyond
        return Surface(*(each[chosen] for each in vars(self).values()))


def grid_faces(rows: int, columns: int, closed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of each cell of a grid of points, and (F, 3) two triangles for each."""
    i, j = np.mgrid[: rows - 1, : columns if closed else columns - 1]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    faces = np.stack([a, b, a + columns, b, b + columns, a + columns], -1)
    return i, j, faces.reshape(-1, 3)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals of a mesh, weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    total = _summed(faces.ravel(), normal, len(vertices))
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return (total / length).astype(np.float32)


def smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices (V, …) moved to the mean of their neighbours, ``rounds`` times."""
    start = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        vertices = _summed(start, vertices[end], len(vertices)) / count
    return vertices


def _summed(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count, …) sums of (N, …) values by their (N,) rows."""
    return np.stack([np.bincount(rows, column, minlength=count) for column in values.T], -1)
