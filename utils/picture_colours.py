"""How bright and how colourful pictures of the lens are, as a whole and where the chin stands."""

from collections.abc import Sequence

import cv2
import numpy as np

#: Side of the squares that are measured, and the radius inside the black rim, pixels.
_SIDE, _RADIUS = 256, 115
#: Rows and columns of the squares where chin or lip stand on nearly every picture.
_CHIN = slice(2, 14), slice(112, 144)


def picture_colours(pictures: Sequence[np.ndarray]) -> dict[str, float]:
    """Means over pictures, of 255.

    Args:
        pictures: squares (S, S, 3) uint8 RGB of the whole lens.

    Returns:
        ``brightness`` and ``saturation`` (of HSV) inside the rim, ``chin``: brightness at the
        middle of the upper rim, and ``spread``: deviation of the brightness between pictures.
    """
    y, x = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
    inside = np.hypot(x, y) < _RADIUS
    brightness, saturation, chin = [], [], []
    for picture in pictures:
        square = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
        brightness.append(grey[inside].mean())
        saturation.append(cv2.cvtColor(square, cv2.COLOR_RGB2HSV)[inside, 1].mean())
        chin.append(grey[_CHIN].mean())
    return {
        "brightness": float(np.mean(brightness)),
        "spread": float(np.std(brightness)),
        "saturation": float(np.mean(saturation)),
        "chin": float(np.mean(chin)),
    }
