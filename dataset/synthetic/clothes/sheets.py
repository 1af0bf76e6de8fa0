"""Thin sheets of cloth and hair that stand off the body.

They are built in the T-pose around the surface that is there (x along the arms, y up, z forward,
centimetres), and move with the body's vertices next to them.
"""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.clothes.materials import Part
from dataset.synthetic.clothes.mesh import grid_faces


@dataclass(frozen=True)
class Sheet:
    """A grid of points as triangles."""

    points: np.ndarray  # (V, 3) in the T-pose
    faces: np.ndarray  # (F, 3)
    weights: np.ndarray  # (V, J) skinning weights
    part: Part  # what the sheet is


def nearest(points: np.ndarray, among: np.ndarray) -> np.ndarray:
    """(N,) rows of those of (M, 3) points next to (N, 3) points."""
    rows = np.empty(len(points), int)
    length = (among * among).sum(-1)
    for start in range(0, len(points), 64):
        apart = length - 2 * (points[start : start + 64] @ among.T)
        rows[start : start + 64] = apart.argmin(1)
    return rows


@dataclass(frozen=True)
class Surface:
    """The clothed surface in the T-pose, to build on."""

    points: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    weights: np.ndarray  # (V, J)
    part: np.ndarray  # (V,) part of the body

    def lay(self, points: np.ndarray, gap: np.ndarray | float, towards: float = 1.0) -> np.ndarray:
        """Points (N, 3) moved along the surface's normals to (N,) centimetres above it.

        ``towards`` 1 lays them all down; 0 only lifts those that are too deep.
        """
        rows = nearest(points, self.points)
        normal = self.normals[rows]
        height = ((points - self.points[rows]) * normal).sum(-1)
        change = np.where(height < gap, gap - height, towards * (gap - height))
        return points + normal * change[:, None]

    def sheet(self, grid: np.ndarray, rows: int, closed: bool, part: Part) -> Sheet:
        """A sheet of a grid of points, row by row, each moving with the vertex next to it."""
        faces = grid_faces(rows, len(grid) // rows, closed)
        return Sheet(grid, faces, self.weights[nearest(grid, self.points)], part)

    def of(self, chosen: np.ndarray) -> "Surface":
        """The vertices that a (V,) mask chooses."""
        return Surface(*(each[chosen] for each in vars(self).values()))
