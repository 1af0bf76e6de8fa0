"""What stands off the body: sleeves, trouser legs, hems, skirts, collars, long hair.

They are thin sheets, built in the T-pose (x along the arms, y up, z forward, centimetres), and move
with the nearest vertices.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from dataset.synthetic.clothes.materials import BodyPart, Cut
from dataset.synthetic.meshes import grid_faces


class Sheet(NamedTuple):
    points: np.ndarray  # (V, 3) in the T-pose
    faces: np.ndarray  # (F, 3)
    weights: np.ndarray  # (V, J) skinning weights
    part: BodyPart


class Surface(NamedTuple):
    """The clothed surface in the T-pose, to build on."""

    points: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    weights: np.ndarray  # (V, J)
    part: np.ndarray  # (V,) part of the body

    def _nearest(self, points: np.ndarray) -> np.ndarray:
        return cKDTree(self.points).query(points)[1]

    def lay(self, points: np.ndarray, gap: np.ndarray | float, towards: float = 1.0) -> np.ndarray:
        """Points (N, 3) moved along the surface's normals to (N,) centimetres above it; ``towards``
        1 lays them all down, 0 only lifts those that are too deep."""
        rows = self._nearest(points)
        normal = self.normals[rows]
        height = ((points - self.points[rows]) * normal).sum(-1)
        change = np.where(height < gap, gap - height, towards * (gap - height))
        return points + normal * change[:, None]

    def sheet(self, grid: np.ndarray, rows: int, closed: bool, part: BodyPart) -> Sheet:
        """A sheet of a grid of points, row by row, each moving with the vertex next to it;
        ``closed`` joins the last column to the first."""
        _, _, faces = grid_faces(rows, len(grid) // rows, closed)
        return Sheet(grid, faces, self.weights[self._nearest(grid)], part)

    def of(self, *parts: BodyPart, side: float = 0.0, beyond: float = 0.0) -> "Surface":
        """Some parts; of one ``side`` (1 left, -1 right) those further out than ``beyond``."""
        chosen = np.isin(self.part, parts)
        if side:
            chosen &= self.points[:, 0] * side > beyond
        return Surface(*(each[chosen] for each in self))


def make_sheets(surface: Surface, cut: Cut, at: dict[str, np.ndarray]) -> list[Sheet]:
    """All sheets of an outfit, of its measures and the joints (3,) in the T-pose."""
    hips, sheets = at["Hips"][1], []
    end, low, bottom, skirt = map(cut.get, ("sleeve_end", "hem", "trouser_end", "skirt_end"))
    for sign in (1.0, -1.0):  # the left first
        if end > cut["armpit"] + 8.0:
            arm = surface.of(BodyPart.ARM, side=sign, beyond=cut["armpit"])
            snug = 0.3 if cut["cuff"] > 3.0 else 1.0 + 0.3 * cut["thick_top"]
            rings = (-9.0, -9.0, 0.2), (-4.0, -4.0, 0.3 + 0.6 * snug), (0.5, -2.5, 0.2 + snug)
            rings = [(sign * (end + on), sign * (end + by), gap) for on, by, gap in rings]
            sheets.append(_tube(arm, 0, rings, BodyPart.SLEEVE))
        if not skirt:
            wide = cut["thick_bottoms"]
            rings = (14.0, 14.0, 0.2), (6.0, 6.0, 0.2 + 0.5 * wide), (0.0, 2.0, 0.2 + 1.1 * wide)
            rings = [(bottom + on, bottom + by, gap) for on, by, gap in rings]
            leg = surface.of(BodyPart.LEG, side=sign)
            sheets.append(_tube(leg, 1, rings, BodyPart.TROUSER_LEG))
        if cut["hair"] > 0:
            sheets.append(_long_hair(surface, cut, at["Head"], sign))
    trunk, seat = surface.of(BodyPart.TRUNK, BodyPart.LEG), max(low, hips - 6.0)
    rings = [(low + up, max(low + up, seat), gap) for up, gap in ((9.0, 0.2), (4.0, 0.8))]
    rings.append((low - 0.5, seat, 1.0 + 0.5 * cut["thick_top"] * cut["loose"]))
    sheets.append(_tube(trunk, 1, rings, BodyPart.HEM, 36))
    if skirt:
        waist, length = hips + 10.0, hips - skirt
        rings = [(waist, waist, 0.2), (hips, hips, 1.0)]
        rings += [(hips - length * s, hips - 4.0, 1.5 + 0.13 * length * s) for s in (0.3, 0.65, 1)]
        sheets.append(_tube(trunk, 1, rings, BodyPart.SKIRT, 40, waves=1.2))
    if cut["lapel"] > 0:
        sheets.append(_collar(surface, cut, at["Neck"]))
    return sheets


def _tube(limb: Surface, axis: int, rings: list, part: BodyPart, columns=28, waves=0.0) -> Sheet:
    """An open tube of cloth along ``axis`` (0 for an arm, 1 for trunk and legs) of a limb. A ring
    is (place on the axis, where the limb is measured, gap to it); folds are ``waves`` deep."""
    grid = []
    around = np.arange(columns) * 2 * np.pi / columns
    for number, (at, measured, gap) in enumerate(rings):
        apart, flat = np.abs(limb.points[:, axis] - measured), np.delete(limb.points, axis, 1)
        near = flat[apart < 4.0] if (apart < 4.0).sum() > 3 else flat
        centre = (near.max(0) + near.min(0)) / 2
        radius = _girth(flat[apart < 3.0] - centre, around)
        radius = (np.roll(radius, 1) + radius + np.roll(radius, -1)) / 3 + gap
        radius = radius + waves * number / (len(rings) - 1) * np.sin(5 * around + axis)
        ring = centre + radius[:, None] * np.stack([np.cos(around), np.sin(around)], -1)
        grid.append(np.insert(ring, axis, at, axis=1))
    return limb.sheet(np.concatenate(grid), len(rings), True, part)


def _girth(section: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Outline of a section (N, 2) of a limb: (C,) radius by (C,) angles."""
    if len(section) < 4:
        return np.full(len(around), 6.0)
    x, y = section.T
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    apart = np.abs((angle[None] - around[:, None] + np.pi) % (2 * np.pi) - np.pi)
    found = np.where(apart < 2.2 * np.pi / len(around), radius, 0.0).max(1)
    return np.where(found == 0, np.median(radius), found)


def _collar(surface: Surface, cut: Cut, neck: np.ndarray) -> Sheet:
    """A turned-down collar around the Neck (3,), longest at the two points in front."""
    columns, rows, radius, lapel = 25, 6, 7.0, cut["lapel"]
    opening = 0.16 + 0.02 * cut["v_depth"]  # half the angle in front, radians
    neck = neck + np.array([0.0, cut["neck"] - neck[1] + 1.0, 1.5])
    side = np.linspace(-1, 1, columns)
    angle = side * (np.pi - opening)  # 0 is the back
    front, level = np.abs(side) ** 2.2, np.zeros(columns)
    out = np.stack([np.sin(angle), level, -np.cos(angle)], -1)
    wide = 5.0 + 0.15 * lapel  # at the back
    length = (wide + (lapel - wide) * front)[:, None]
    start = neck + out * radius + np.array([0.0, 1.0, 0.0]) - front[:, None] * [0.0, 2.5, 0.0]
    # Towards the points the sheet runs down the chest and away from the opening.
    along = out * 0.75 + np.stack([0.55 * front * np.sign(side), level, 0.1 * front], -1)
    along[:, 1] += -0.35 - 0.45 * front
    shares = np.linspace(0, 1, rows)
    grid = np.concatenate([start + along * (length * share) for share in shares])
    # It stands a little at the neck and is folded over: highest just outside its line.
    gap = 1.0 + 2.2 * np.exp(-(((np.repeat(shares, columns) - 0.12) / 0.2) ** 2))
    for _ in range(2):
        grid = surface.lay(grid, gap)
    return surface.sheet(grid, rows, False, BodyPart.COLLAR)


def _long_hair(surface: Surface, cut: Cut, head: np.ndarray, sign: float) -> Sheet:
    """A strand of hair beside the Head joint (3,), ``sign`` 1 for the left."""
    columns, rows = 9, 10
    down = np.linspace(0, 1, rows)[:, None]
    around = np.arange(columns)[None] * 2 * np.pi / columns
    # A flat oval section, gathered at its end.
    size = np.sqrt(np.clip(1.0 - down**3, 0.04, 1.0))
    x = sign * (7.2 + 1.8 * down + 0.7 * np.sin(5 * down)) + 2.0 * size * np.cos(around)
    y = head[1] + 4.0 - cut["hair"] * down + 0.0 * around
    z = head[2] - 1.0 + 5.5 * down + 3.6 * size * np.sin(around)
    grid = np.stack([x, y, z], -1).reshape(-1, 3)
    # Laid outside the body as a whole, row by row, so that it keeps its section.
    moved = (surface.lay(grid, 0.8, towards=0.0) - grid).reshape(rows, columns, 3)
    most = np.abs(moved).sum(-1).argmax(1)
    grid = grid + np.repeat(moved[np.arange(rows), most], columns, axis=0)
    return surface.sheet(grid, rows, True, BodyPart.LONG_HAIR)
