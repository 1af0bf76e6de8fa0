"""Drawing one skeleton: left and right differ in form, predicted and true in colour.

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
#: Joints that carry a letter.
_MARKED = [JOINTS.index(s + e) for s in ("Left", "Right") for e in ("Hand", "ToeBase")]


def fixed_point(points: np.ndarray) -> list:
    """Pixels (…, 2) in the fixed-point numbers that OpenCV draws with, as nested lists."""
    return np.rint(points * (1 << SHIFT)).astype(np.int32).tolist()


def _drawable(points: np.ndarray) -> tuple[np.ndarray, list[int], list[tuple[int, int]]]:
    """The points, NaN where nothing can be drawn, the joints, and the limbs with two ends."""
    points = np.where(np.abs(points) < _FAR, points, np.nan)
    joints = np.flatnonzero(np.isfinite(points).all(1)).tolist()
    return points, joints, [limb for limb in LIMBS if set(limb) <= set(joints)]


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
        """Draw a skeleton into a canvas (H, W, 3) uint8, each line with a rim in ``outline``.
        ``points`` are (16, 2) pixels, centres at integers; limbs of NaN joints are left out. Of
        joints with a ``depth`` (16,), what is near is drawn over what is far."""
        points, joints, limbs = _drawable(points)
        fixed = fixed_point(np.nan_to_num(points))
        if depth is not None:
            limbs.sort(key=lambda limb: -(depth[limb[0]] + depth[limb[1]]))
            joints.sort(key=lambda joint: -depth[joint])
        for a, b in limbs:
            right = a in RIGHT_JOINTS and b in RIGHT_JOINTS
            self._limb(canvas, [fixed[a], fixed[b]], right, colour, outline)
        for joint in joints:
            self._joint(canvas, fixed[joint], joint in RIGHT_JOINTS, colour, outline)
        # L or R beyond the hands and toes, on the side away from the rest of the body.
        for joint in (joint for joint in _MARKED if joint in joints):
            away = points[joint] - np.nanmean(points, 0)
            place = points[joint] + away / max(np.linalg.norm(away), 1e-6) * 17 * self.scale
            _disc(canvas, fixed_point(place), 0.62 * self._letter, outline)
            letter, place = JOINTS[joint][0], (place[0] + 1, place[1])
            draw_text(canvas, letter, place, self._letter, colour, bold=True, anchor=0.5)

    def shadow(self, canvas: np.ndarray, points: np.ndarray, colour: Colour) -> None:
        """Draw the limbs alone, thin and without a rim; arguments as in :meth:`draw`."""
        points, _, limbs = _drawable(points)
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
        for tone, width in strokes + [(PAPER, self._core)] * right:
            cv2.line(canvas, *ends, tone, width, cv2.LINE_AA, SHIFT)

    def _joint(self, canvas: np.ndarray, centre: list, right: bool, *tones: Colour) -> None:
        colour, outline = tones
        discs = [(outline, self._radius + self._rim), (colour, self._radius)]
        for tone, radius in discs + [(PAPER, self._radius * 0.55)] * right:
            _disc(canvas, centre, radius, tone)


def _disc(canvas: np.ndarray, centre: list[int], radius: float, colour: Colour) -> None:
    fixed_radius = round(radius * (1 << SHIFT))
    cv2.circle(canvas, centre, fixed_radius, colour, cv2.FILLED, cv2.LINE_AA, SHIFT)


def overlay_heatmaps(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Heatmaps (J, h, h), about 1 at a joint, in a colour each over a darkened picture (T, T, 3)
    uint8 RGB; returns the same kind of picture."""
    side, count = image.shape[0], len(heatmaps)
    maps = np.ascontiguousarray(heatmaps.clip(0, 1).transpose(1, 2, 0), np.float32)
    maps = cv2.resize(maps, (side, side), interpolation=cv2.INTER_LINEAR)
    # Hues as far apart as possible.
    hsv = np.full((1, count, 3), 255, np.uint8)
    hsv[0, :, 0] = np.arange(count) * 180 // count
    hues = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0] / 255.0
    # The mean colour of the joints that are there: a sum would be white where several are near.
    colours = maps @ hues / maps.sum(-1, keepdims=True).clip(1e-6)
    cover = maps.max(-1, keepdims=True)
    mixed = image * 0.45 * (1 - cover) + 255 * cover * colours
    return mixed.clip(0, 255).astype(np.uint8)
