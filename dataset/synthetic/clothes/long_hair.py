"""Long hair that falls beside the neck onto the chest."""

import numpy as np

from dataset.synthetic.clothes.materials import Part
from dataset.synthetic.clothes.sheets import Sheet, Surface

_COLUMNS, _ROWS = 9, 10


def long_hair(
    surface: Surface, cut: dict[str, float], head: np.ndarray, sign: float
) -> Sheet | None:
    """A strand of hair; None for short hair.

    Args:
        surface: what it lies on.
        cut: with the length from the ear down.
        head: (3,) the Head joint.
        sign: 1 for the left side.
    """
    if cut["hair"] <= 0:
        return None
    down = np.linspace(0, 1, _ROWS)[:, None]
    around = np.arange(_COLUMNS)[None] * 2 * np.pi / _COLUMNS
    # A flat oval section, gathered at its end.
    size = np.sqrt(np.clip(1.0 - down**3, 0.04, 1.0))
    x = sign * (7.2 + 1.8 * down + 0.7 * np.sin(5 * down)) + 2.0 * size * np.cos(around)
    y = head[1] + 4.0 - cut["hair"] * down + 0.0 * around
    z = head[2] - 1.0 + 5.5 * down + 3.6 * size * np.sin(around)
    grid = np.stack([x, y, z], -1).reshape(-1, 3)
    # Laid outside the body as a whole, row by row, so that it keeps its section.
    moved = (surface.lay(grid, 0.8, towards=0.0) - grid).reshape(_ROWS, _COLUMNS, 3)
    most = np.abs(moved).sum(-1).argmax(1)
    grid = grid + np.repeat(moved[np.arange(_ROWS), most], _COLUMNS, axis=0)
    return surface.sheet(grid, _ROWS, True, Part.LONG_HAIR)
