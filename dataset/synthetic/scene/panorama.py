"""A user's own places: equirectangular pictures."""

from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError

_WIDEST = 4096


def load_panorama(path: Path, turn: float = 0.0) -> np.ndarray:
    """Read an equirectangular picture: (H, W, 3) uint8 RGB, turned by ``turn`` of a full circle.

    Raises:
        UserError: if it cannot be read, or is not twice as wide as high.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"{path} cannot be read as a picture: remove it from the panoramas")
    height, width = picture.shape[:2]
    if abs(width - 2 * height) > 0.02 * width:
        raise UserError(
            f"{path} is {width}x{height}: an equirectangular panorama is twice as wide as high"
        )
    if width > _WIDEST:
        picture = cv2.resize(picture, (_WIDEST, _WIDEST // 2), interpolation=cv2.INTER_AREA)
    picture = np.roll(picture, int(turn * picture.shape[1]), axis=1)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
