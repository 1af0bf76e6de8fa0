"""Turned-down collars."""

import numpy as np

from dataset.synthetic.clothes.materials import Part
from dataset.synthetic.clothes.sheets import Sheet, Surface

_COLUMNS, _ROWS = 25, 6
#: Of its line around the neck, centimetres.
_RADIUS = 7.0


def collar(surface: Surface, cut: dict[str, float], neck: np.ndarray) -> Sheet | None:
    """A turned-down collar, longest at the two points in front; None where there is none.

    Args:
        surface: what it lies on.
        cut: measures of the garments.
        neck: (3,) the Neck joint.
    """
    lapel = cut["lapel"]
    if lapel <= 0:
        return None
    opening = 0.16 + 0.02 * cut["v_depth"]  # half the angle in front, radians
    neck = neck + np.array([0.0, cut["neck"] - neck[1] + 1.0, 1.5])
    side = np.linspace(-1, 1, _COLUMNS)
    angle = side * (np.pi - opening)  # 0 is the back
    front, level = np.abs(side) ** 2.2, np.zeros(_COLUMNS)
    out = np.stack([np.sin(angle), level, -np.cos(angle)], -1)
    wide = 5.0 + 0.15 * lapel  # at the back
    length = wide + (lapel - wide) * front
    start = neck + out * _RADIUS + np.array([0.0, 1.0, 0.0]) - front[:, None] * [0.0, 2.5, 0.0]
    # Towards the points the sheet runs down the chest and away from the opening.
    along = out * 0.75 + np.stack([0.55 * front * np.sign(side), level, 0.1 * front], -1)
    along[:, 1] += -0.35 - 0.45 * front
    shares = [row / (_ROWS - 1) for row in range(_ROWS)]
    grid = np.concatenate([start + along * (length * share)[:, None] for share in shares])
    share = np.repeat(np.linspace(0, 1, _ROWS), _COLUMNS)
    # It stands a little at the neck and is folded over: highest just outside its line.
    gap = 1.0 + 2.2 * np.exp(-(((share - 0.12) / 0.2) ** 2))
    for _ in range(2):
        grid = surface.lay(grid, gap)
    return surface.sheet(grid, _ROWS, False, Part.COLLAR)
