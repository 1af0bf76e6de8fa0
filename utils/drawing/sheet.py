"""Contact sheets: many pictures of one size on one."""

import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.set_type import SetType
from dataset import open_split
from dataset.transforms import resize_square


def draw_sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures (H, W, 3) uint8 row by row as (rows · H, columns · W, 3); the rest is white."""
    columns = min(columns, len(pictures))
    white = [np.full_like(pictures[0], 255)] * (-len(pictures) % columns)
    tiles = np.array([*pictures, *white])
    return np.vstack([np.hstack(row) for row in tiles.reshape(-1, columns, *tiles.shape[1:])])


def choose_pictures(
    root: Path, set_type: SetType, count: int, size: int, seed: int
) -> list[np.ndarray]:
    """Up to ``count`` readable frames of a split, drawn at random: (size, size, 3) RGB each;
    UserError for a missing split, or one without any readable picture."""
    split = open_split(root, set_type, report=False)
    pictures: list[np.ndarray] = []
    with tqdm(total=min(count, len(split)), unit="frame", desc="reading") as bar:
        for index in np.random.default_rng(seed).permutation(len(split)):
            if len(pictures) == count:
                break
            try:
                pictures.append(resize_square(split[int(index)].image, size))
                bar.update()
            except BrokenFrameError as error:
                tqdm.write(f"skipped: {error}", file=sys.stderr)
    if not pictures:
        raise UserError(f"{root}: none of the {len(split)} pictures of {set_type.folder} is whole")
    return pictures
