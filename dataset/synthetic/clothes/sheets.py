"""Parts of clothes that stand off the body: collars, open sleeves and hems, skirts, long hair.

Each is a thin sheet built in the T-pose around the surface that is there (x along the arms, y up,
z forward, centimetres), and moves with the body's vertices next to it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sheet:
    """A grid of points as triangles.

    Attributes:
        points: (V, 3) in the T-pose.
        faces: (F, 3).
        weights: (V, J) skinning weights.
        part: what the sheet is, see :mod:`outfit`.
    """

    points: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    part: int


@dataclass(frozen=True)
class Surface:
    """The clothed surface in the T-pose, to build on.

    Attributes:
        points, normals: (V, 3).
        weights: (V, J).
    """

    points: np.ndarray
    normals: np.ndarray
    weights: np.ndarray

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """(N,) rows of the vertices next to (N, 3) points."""
        rows = np.empty(len(points), int)
        length = (self.points * self.points).sum(-1)
        for start in range(0, len(points), 64):
            apart = length - 2 * (points[start : start + 64] @ self.points.T)
            rows[start : start + 64] = apart.argmin(1)
        return rows

    def lay(self, points: np.ndarray, gap: np.ndarray, towards: float = 1.0) -> np.ndarray:
        """Points (N, 3) moved along the surface's normals to (N,) centimetres above it.

        ``towards`` 1 lays them all down; 0 only lifts those that are too deep.
        """
        rows = self.nearest(points)
        normal = self.normals[rows]
        height = ((points - self.points[rows]) * normal).sum(-1)
        change = np.where(height < gap, gap - height, towards * (gap - height))
        return points + normal * change[:, None]


def grid_faces(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles of a grid of points, row by row; ``closed`` joins the last column to the first."""
    faces = []
    for i in range(rows - 1):
        for j in range(columns if closed else columns - 1):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            c, d = a + columns, b + columns
            faces += [(a, b, c), (b, d, c)]
    return np.array(faces, np.int32)


def girth(
    points: np.ndarray, axis: int, at: float, centre: np.ndarray, columns: int, band: float
) -> np.ndarray:
    """Outline of a body part: (columns,) radius around ``centre`` across ``axis``.

    Args:
        points: (V, 3) vertices of the part.
        axis: along which the part runs, 0 or 1.
        at: where on the axis, centimetres.
        centre: (2,) middle, in the two other axes.
        columns: number of directions.
        band: half the length of the part that is looked at, centimetres.
    """
    near = points[np.abs(points[:, axis] - at) < band]
    if len(near) < 4:
        return np.full(columns, 6.0)
    flat = np.delete(near, axis, 1) - centre
    angle, radius = np.arctan2(flat[:, 1], flat[:, 0]), np.hypot(flat[:, 0], flat[:, 1])
    around = np.arange(columns) * 2 * np.pi / columns
    apart = np.abs((angle[None] - around[:, None] + np.pi) % (2 * np.pi) - np.pi)
    window = 2.2 * np.pi / columns
    found = np.where(apart < window, radius, 0.0).max(1)
    empty = found == 0
    if empty.any():
        found[empty] = np.median(radius)
    return found


def tube(
    surface: Surface,
    chosen: np.ndarray,
    axis: int,
    stations: list[tuple[float, float, float]],
    part: int,
    columns: int = 28,
    waves: float = 0.0,
) -> Sheet:
    """An open tube of cloth around an arm, a leg or the hips.

    Args:
        surface: what it goes around.
        chosen: (V,) bool, the vertices of that part of the body.
        axis: 0 along an arm, 1 along trunk and legs.
        stations: rings as (where on the axis, where the body is measured, gap in centimetres).
        part: of the sheet.
        columns: points of a ring.
        waves: depth of the folds at the last ring, centimetres.
    """
    points = surface.points[chosen]
    rings = []
    for number, (at, measured, gap) in enumerate(stations):
        near = points[np.abs(points[:, axis] - measured) < 4.0]
        flat = np.delete(near if len(near) > 3 else points, axis, 1)
        centre = (flat.max(0) + flat.min(0)) / 2
        radius = girth(points, axis, measured, centre, columns, 3.0)
        radius = (np.roll(radius, 1) + radius + np.roll(radius, -1)) / 3 + gap
        around = np.arange(columns) * 2 * np.pi / columns
        radius = radius + waves * number / max(len(stations) - 1, 1) * np.sin(5 * around + axis)
        ring = centre + radius[:, None] * np.stack([np.cos(around), np.sin(around)], -1)
        rings.append(np.insert(ring, axis, at, axis=1))
    rings = np.concatenate(rings)
    faces = grid_faces(len(stations), columns, closed=True)
    weights = surface.weights[np.flatnonzero(chosen)][
        Surface(points, points, points).nearest(rings)
    ]
    return Sheet(rings, faces, weights, part)


def collar(
    surface: Surface,
    neck: np.ndarray,
    radius: float,
    wide: float,
    lapel: float,
    opening: float,
    part: int,
) -> Sheet:
    """A turned-down collar, longest at the two points in front.

    Args:
        surface: what it lies on.
        neck: (3,) middle of its line around the neck.
        radius: of that line, centimetres.
        wide: of the collar at the back, centimetres.
        lapel: length of its points, centimetres.
        opening: half the angle that stays open in front, radians.
        part: of the sheet.
    """
    columns, rows = 25, 6
    side = np.linspace(-1, 1, columns)
    angle = side * (np.pi - opening)  # 0 is the back
    front = np.abs(side) ** 2.2
    out = np.stack([np.sin(angle), np.zeros(columns), -np.cos(angle)], -1)
    length = wide + (lapel - wide) * front
    # Towards the points the sheet runs down the chest and away from the opening.
    down = -0.35 - 0.45 * front
    spread = np.stack([0.55 * front * np.sign(side), np.zeros(columns), 0.1 * front], -1)
    points = []
    for row in range(rows):
        share = row / (rows - 1)
        start = neck + out * radius + np.array([0.0, 1.0, 0.0]) - front[:, None] * [0.0, 2.5, 0.0]
        along = out * 0.75 + spread
        along[:, 1] += down
        points.append(start + along * (length * share)[:, None])
    grid = np.concatenate(points)
    share = np.repeat(np.linspace(0, 1, rows), columns)
    # It stands a little at the neck and is folded over: highest just outside its line.
    gap = 1.0 + 2.2 * np.exp(-(((share - 0.12) / 0.2) ** 2))
    for _ in range(2):
        grid = surface.lay(grid, gap)
    near = surface.nearest(grid)
    return Sheet(grid, grid_faces(rows, columns, closed=False), surface.weights[near], part)


def lock(surface: Surface, head: np.ndarray, sign: float, length: float, part: int) -> Sheet:
    """Long hair that falls beside the neck onto the chest.

    Args:
        surface: what it lies on.
        head: (3,) the Head joint.
        sign: 1 for the left side.
        length: from the ear down, centimetres.
        part: of the sheet.
    """
    rows, columns = 10, 9
    down = np.linspace(0, 1, rows)[:, None]
    around = np.arange(columns)[None] * 2 * np.pi / columns
    # A strand with a flat oval section, gathered at its end.
    size = np.sqrt(np.clip(1.0 - down**3, 0.04, 1.0))
    x = sign * (7.2 + 1.8 * down + 0.7 * np.sin(5 * down)) + 2.0 * size * np.cos(around)
    y = head[1] + 4.0 - length * down + 0.0 * around
    z = head[2] - 1.0 + 5.5 * down + 3.6 * size * np.sin(around)
    grid = np.stack([x, y, z], -1).reshape(-1, 3)
    # Laid outside the body as a whole, row by row, so that it keeps its section.
    lifted = surface.lay(grid, np.full(len(grid), 0.8), towards=0.0)
    moved = (lifted - grid).reshape(rows, columns, 3)
    most = np.abs(moved).sum(-1).argmax(1)
    grid = grid + np.repeat(moved[np.arange(rows), most], columns, axis=0)
    return Sheet(
        grid,
        grid_faces(rows, columns, closed=True),
        surface.weights[surface.nearest(grid)],
        part,
    )
