"""Turned-down collars, and long hair that falls beside the neck onto the chest."""

import numpy as np

from dataset.synthetic.clothes.materials import BodyPart
from dataset.synthetic.clothes.sheets import Sheet, Surface


def collar(surface: Surface, cut: dict[str, float], neck: np.ndarray) -> Sheet | None:
    """A turned-down collar around the Neck (3,), longest at the two points in front, or None."""
    columns, rows, radius = 25, 6, 7.0
    lapel = cut["lapel"]
    if lapel <= 0:
        return None
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


def long_hair(
    surface: Surface, cut: dict[str, float], head: np.ndarray, sign: float
) -> Sheet | None:
    """A strand of hair beside the Head joint (3,), ``sign`` 1 for the left, or None."""
    columns, rows = 9, 10
    if cut["hair"] <= 0:
        return None
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
