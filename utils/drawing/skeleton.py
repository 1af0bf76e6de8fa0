"""Drawing one skeleton: left and right are told apart by form, predicted and true by colour.

Left limbs are solid and left joints filled; right limbs are double lines and right joints hollow.
"""

import cv2
import numpy as np

from base.skeleton import JOINTS, LIMBS, RIGHT_JOINTS
from utils.drawing.style import PAPER, Colour
from utils.drawing.text import draw_text

#: Fractional bits of the coordinates given to OpenCV.
SHIFT = 4
#: OpenCV's coordinates are 32-bit with ``SHIFT`` fractional bits; nothing that far off is seen.
_FAR = 1e5
_RIGHT = frozenset(RIGHT_JOINTS)
#: Joints that carry a letter.
_MARKED = [JOINTS.index(s + e) for s in ("Left", "Right") for e in ("Hand", "ToeBase")]


def fixed_point(points: np.ndarray) -> list:
    """Pixels (…, 2) in the fixed-point numbers that OpenCV draws with, as nested lists."""
    return np.rint(points * (1 << SHIFT)).astype(np.int32).tolist()


def _within_reach(points: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The points, NaN where nothing can be drawn, and the limbs with two ends."""
    points = np.where(np.abs(points) < _FAR, points, np.nan)
    known = np.isfinite(points).all(1)
    return points, [limb for limb in LIMBS if known[limb[0]] and known[limb[1]]]


class SkeletonPen:
    """Draws skeletons of one size; ``scale`` is 1 for a panel of 640 pixels."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.sample_width = round(34 * scale)
        self._width = max(2, round(5 * scale))
        self._core = max(1, round(2 * scale))
        self._rim = max(1, round(1.6 * scale))
        self._radius = max(2.0, 5.0 * scale)
        self._letter = max(8, round(13 * scale))

    def draw(
        self,
        canvas: np.ndarray,
        points: np.ndarray,
        colour: Colour,
        outline: Colour,
        depth: np.ndarray | None = None,
    ) -> None:
        """Draw a skeleton.

        Args:
            canvas: (H, W, 3) uint8, drawn into.
            points: (16, 2) pixels, centres at integers; limbs of NaN joints are left out.
            colour: of the pose.
            outline: of the rim around each line.
            depth: (16,) distances from the eye: what is near is drawn over what is far.
        """
        points, limbs = _within_reach(points)
        joints = np.flatnonzero(np.isfinite(points).all(1)).tolist()
        fixed = fixed_point(np.nan_to_num(points))
        if depth is not None:
            limbs.sort(key=lambda limb: -(depth[limb[0]] + depth[limb[1]]))
            joints.sort(key=lambda joint: -depth[joint])
        for a, b in limbs:
            self._limb(canvas, [fixed[a], fixed[b]], a in _RIGHT and b in _RIGHT, colour, outline)
        for joint in joints:
            self._joint(canvas, fixed[joint], joint in _RIGHT, colour, outline)
        # L or R beyond the hands and toes, on the side away from the rest of the body.
        middle = np.nanmean(points, 0) if joints else None
        for joint in (joint for joint in _MARKED if joint in joints):
            away = points[joint] - middle
            place = points[joint] + away / max(np.linalg.norm(away), 1e-6) * 17 * self.scale
            _disc(canvas, fixed_point(place), 0.62 * self._letter, outline)
            letter, place = JOINTS[joint][0], (place[0] + 1, place[1])
            draw_text(canvas, letter, place, self._letter, colour, bold=True, anchor=0.5)

    def shadow(self, canvas: np.ndarray, points: np.ndarray, colour: Colour) -> None:
        """Draw the limbs alone, thin and without a rim; arguments as in :meth:`draw`."""
        points, limbs = _within_reach(points)
        for limb in limbs:
            ends = fixed_point(points[list(limb)])
            cv2.line(canvas, *ends, colour, self._core + 1, cv2.LINE_AA, SHIFT)

    def sample(self, canvas: np.ndarray, x: float, y: float, colour: Colour, right: bool) -> None:
        """A short limb with a joint in its middle, for a legend; ``x`` is its left end."""
        ends = np.array([[x + 4, y], [x + self.sample_width - 4, y]])
        self._limb(canvas, fixed_point(ends), right, colour, PAPER)
        self._joint(canvas, fixed_point(ends.mean(0)), right, colour, PAPER)

    def _limb(self, canvas: np.ndarray, ends: list, right: bool, *tones: Colour) -> None:
        colour, outline = tones
        strokes = [(outline, self._width + 2 * self._rim), (colour, self._width)]
        for tone, width in [*strokes, (PAPER, self._core)][: 3 if right else 2]:
            cv2.line(canvas, *ends, tone, width, cv2.LINE_AA, SHIFT)

    def _joint(self, canvas: np.ndarray, centre: list, right: bool, *tones: Colour) -> None:
        colour, outline = tones
        discs = [(outline, self._radius + self._rim), (colour, self._radius)]
        for tone, radius in [*discs, (PAPER, self._radius * 0.55)][: 3 if right else 2]:
            _disc(canvas, centre, radius, tone)


def _disc(canvas: np.ndarray, centre: list[int], radius: float, colour: Colour) -> None:
    fixed_radius = round(radius * (1 << SHIFT))
    cv2.circle(canvas, centre, fixed_radius, colour, cv2.FILLED, cv2.LINE_AA, SHIFT)
