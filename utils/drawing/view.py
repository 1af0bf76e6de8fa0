"""The fixed eye that 3D poses are looked at from, and the floor they stand on."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from utils.drawing.style import BACKDROP, GRID, MUTED, mixed
from utils.drawing.text import draw_text

#: Half the side of the floor and the distance of its lines, metres.
_FLOOR_HALF, _FLOOR_STEP = 1.0, 0.25

#: Height of the picture's middle above the floor, and how much of the middle's plane is seen: room
#: for raised arms and a step aside, metres.
_MIDDLE_HEIGHT, _VISIBLE = 0.82, 2.25

_SHIFT = 4


@dataclass(frozen=True)
class View:
    """A perspective camera in front of the wearer, turned to a side and raised.

    Points are in the axes of the headset's camera (x to the wearer's left, y forward, z down),
    moved so that the floor is z = 0 and the person stands about the origin.

    Attributes:
        size: side of the square picture, pixels.
        azimuth: how far the eye is turned from straight in front to the wearer's left, degrees.
        elevation: how far it is raised, degrees.
        distance: from the middle of the body, metres.
    """

    size: int
    azimuth: float = 35.0
    elevation: float = 14.0
    distance: float = 5.0

    @cached_property
    def _axes(self) -> np.ndarray:
        """(3, 3): rows are right, down and away from the eye."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        away = -np.array([math.cos(e) * math.sin(a), math.cos(e) * math.cos(a), -math.sin(e)])
        right = np.cross(away, [0.0, 0.0, -1.0])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(away, right), away])

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) metres → (…, 3): pixels right and down, metres away from the eye."""
        middle = np.array([0.0, 0.0, -_MIDDLE_HEIGHT])
        seen = (points - middle) @ self._axes.T
        depth = np.maximum(seen[..., 2:] + self.distance, 0.1)
        focal = self.size * self.distance / _VISIBLE
        pixels = seen[..., :2] * focal / depth + self.size / 2
        return np.concatenate([pixels, depth], -1)

    def backdrop(self) -> np.ndarray:
        """(size, size, 3) uint8: the floor, a grid of 25 cm, on an even ground."""
        canvas = np.empty((self.size, self.size, 3), np.uint8)
        canvas[:] = BACKDROP
        half, step = _FLOOR_HALF, _FLOOR_STEP
        corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
        tile = _fixed(self.project(corners)[:, :2])
        cv2.fillConvexPoly(canvas, tile, mixed(BACKDROP, GRID, 0.25), cv2.LINE_AA, _SHIFT)
        thickness = max(1, round(self.size / 640))
        for offset in np.arange(-half, half + step / 2, step):
            edge = abs(abs(offset) - half) < step / 2
            colour = mixed(GRID, MUTED, 0.35) if edge else GRID
            for line in (
                [[offset, -half, 0], [offset, half, 0]],
                [[-half, offset, 0], [half, offset, 0]],
            ):
                start, end = _fixed(self.project(np.array(line))[:, :2]).tolist()
                cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA, _SHIFT)
        front = self.project(np.array([0.0, half + 0.17, 0.0]))
        size = round(self.size / 44)
        draw_text(canvas, "front", front[0], front[1], size, MUTED, anchor=0.5)
        return canvas


def _fixed(points: np.ndarray) -> np.ndarray:
    """(…, 2) pixels in the fixed-point numbers that OpenCV draws with."""
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)
