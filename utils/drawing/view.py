"""The fixed eye that 3D poses are seen from, and the floor they stand on."""

import math

import cv2
import numpy as np

from utils.drawing.skeleton import SHIFT, fixed_point
from utils.drawing.style import BACKDROP, GRID, MUTED, mixed
from utils.drawing.text import draw_text

#: How far the eye is turned from straight in front to the wearer's left, and raised: radians.
_AZIMUTH, _ELEVATION = math.radians(35.0), math.radians(14.0)
#: Of the eye from the middle of the body, metres.
_DISTANCE = 5.0
#: Half the side of the floor and the distance of its lines, metres.
_HALF, _STEP = 1.0, 0.25
#: Height of the picture's middle above the floor, and how much of the middle's plane is seen: room
#: for raised arms and a step aside, metres.
_MIDDLE_HEIGHT, _VISIBLE = 0.82, 2.25


class View:
    """A perspective camera in front of the wearer, turned to their left and raised.

    Points are in the axes of the headset's camera (x to the wearer's left, y forward, z down),
    moved so that the floor is z = 0 and the person stands about the origin; the picture is a square
    of ``size`` pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        a, e = _AZIMUTH, _ELEVATION
        away = -np.array([math.cos(e) * math.sin(a), math.cos(e) * math.cos(a), -math.sin(e)])
        right = np.cross(away, [0.0, 0.0, -1.0])
        right /= np.linalg.norm(right)
        #: (3, 3): columns are right, down and away from the eye.
        self._axes = np.stack([right, np.cross(away, right), away]).T

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) metres → (…, 3): pixels right and down, metres away from the eye."""
        seen = (points - np.array([0.0, 0.0, -_MIDDLE_HEIGHT])) @ self._axes
        depth = np.maximum(seen[..., 2:] + _DISTANCE, 0.1)
        pixels = seen[..., :2] * (self.size * _DISTANCE / _VISIBLE) / depth + self.size / 2
        return np.concatenate([pixels, depth], -1)

    def backdrop(self) -> np.ndarray:
        """(size, size, 3) uint8: the floor, a grid of 25 cm, on an even ground."""
        canvas = np.full((self.size, self.size, 3), BACKDROP, np.uint8)

        def on_floor(*points: tuple[float, float]) -> list:
            return fixed_point(self.project(np.array([(x, y, 0.0) for x, y in points]))[:, :2])

        half = _HALF
        tile = np.array(on_floor((-half, -half), (half, -half), (half, half), (-half, half)))
        cv2.fillConvexPoly(canvas, tile, mixed(BACKDROP, GRID, 0.25), cv2.LINE_AA, SHIFT)
        thickness = max(1, round(self.size / 640))
        for at in np.arange(-half, half + _STEP / 2, _STEP):
            colour = mixed(GRID, MUTED, 0.35) if abs(at) == half else GRID
            for ends in (((at, -half), (at, half)), ((-half, at), (half, at))):
                cv2.line(canvas, *on_floor(*ends), colour, thickness, cv2.LINE_AA, SHIFT)
        x, y, _ = self.project(np.array([0.0, half + 0.17, 0.0]))
        draw_text(canvas, "front", (x, y), round(self.size / 44), MUTED, anchor=0.5)
        return canvas
