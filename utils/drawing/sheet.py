"""Contact sheets: many pictures of one size on one."""

import numpy as np


def draw_sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures (H, W, 3) uint8 row by row as (rows · H, columns · W, 3); the rest is white."""
    columns = min(columns, len(pictures))
    white = [np.full_like(pictures[0], 255)] * (-len(pictures) % columns)
    tiles = np.array([*pictures, *white])
    return np.vstack([np.hstack(row) for row in tiles.reshape(-1, columns, *tiles.shape[1:])])
