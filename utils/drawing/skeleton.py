"""Drawing one skeleton: left and right are told apart by form, predicted and true by colour.

Left limbs are solid and left joints filled; right limbs are double lines and right joints hollow.
"""

import cv2
import numpy as np

from base.skeleton import JOINTS, LIMBS, RIGHT_JOINTS
from utils.drawing.style import PAPER, Colour
from utils.drawing.text import draw_text

#: Fractional bits of the coordinates given to OpenCV.
_SHIFT = 4
#: OpenCV's coordinates are 32-bit with ``_SHIFT`` fractional bits; nothing that far off is seen.
_FAR = 1e5

_RIGHT = frozenset(RIGHT_JOINTS)
#: Joints that carry a letter, and which.
_MARKED = {
    JOINTS.index(side + end): side[0] for side in ("Left", "Right") for end in ("Hand", "ToeBase")
}


class SkeletonPen:
    """Draws skeletons of one size.

    Args:
        scale: 1 for a panel of 640 pixels.
    """

    def __init__(self, scale: float) -> None:
        self.limb = max(2, round(5 * scale))
        self.core = max(1, round(2 * scale))
        self.rim = max(1, round(1.6 * scale))
        self.radius = max(2.0, 5.0 * scale)
        self.letter = max(8, round(13 * scale))
        self.scale = scale

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
        points = np.where(np.abs(points) < _FAR, points, np.nan)
        fixed = np.rint(np.nan_to_num(points) * (1 << _SHIFT)).astype(np.int32).tolist()
        known = np.isfinite(points).all(1)
        limbs = [limb for limb in LIMBS if known[limb[0]] and known[limb[1]]]
        joints = np.flatnonzero(known).tolist()
        if depth is not None:
            limbs.sort(key=lambda limb: -(depth[limb[0]] + depth[limb[1]]))
            joints.sort(key=lambda joint: -depth[joint])
        for limb in limbs:
            self._limb(canvas, fixed[limb[0]], fixed[limb[1]], limb, colour, outline)
        for joint in joints:
            self._joint(canvas, fixed[joint], joint in _RIGHT, colour, outline)
        self._letters(canvas, points, colour, outline)

    def shadow(self, canvas: np.ndarray, points: np.ndarray, colour: Colour) -> None:
        """Draw the limbs alone, thin and without a rim; arguments as in :meth:`draw`."""
        points = np.where(np.abs(points) < _FAR, points, np.nan)
        for a, b in LIMBS:
            ends = points[[a, b]]
            if np.isfinite(ends).all():
                start, end = np.rint(ends * (1 << _SHIFT)).astype(np.int32).tolist()
                cv2.line(canvas, start, end, colour, self.core + 1, cv2.LINE_AA, _SHIFT)

    @property
    def sample_width(self) -> int:
        """Width of :meth:`sample`, pixels."""
        return round(34 * self.scale)

    def sample(self, canvas: np.ndarray, x: float, y: float, colour: Colour, hollow: bool) -> None:
        """A short limb with a joint in its middle, for a legend; ``x`` is its left end."""
        one = 1 << _SHIFT
        start, end = ([round((x + dx) * one), round(y * one)] for dx in (4, self.sample_width - 4))
        limb = (RIGHT_JOINTS[0], RIGHT_JOINTS[1]) if hollow else (0, 1)
        self._limb(canvas, start, end, limb, colour, PAPER)
        middle = [(start[0] + end[0]) // 2, start[1]]
        self._joint(canvas, middle, hollow, colour, PAPER)

    def _limb(
        self,
        canvas: np.ndarray,
        start: list[int],
        end: list[int],
        limb: tuple[int, int],
        colour: Colour,
        outline: Colour,
    ) -> None:
        for tone, thickness in ((outline, self.limb + 2 * self.rim), (colour, self.limb)):
            cv2.line(canvas, start, end, tone, thickness, cv2.LINE_AA, _SHIFT)
        if _RIGHT.issuperset(limb):
            cv2.line(canvas, start, end, PAPER, self.core, cv2.LINE_AA, _SHIFT)

    def _joint(
        self, canvas: np.ndarray, centre: list[int], hollow: bool, colour: Colour, outline: Colour
    ) -> None:
        one = 1 << _SHIFT
        self._disc(canvas, centre, round((self.radius + self.rim) * one), outline)
        self._disc(canvas, centre, round(self.radius * one), colour)
        if hollow:
            self._disc(canvas, centre, round(self.radius * 0.55 * one), PAPER)

    @staticmethod
    def _disc(canvas: np.ndarray, centre: list[int], radius: int, colour: Colour) -> None:
        cv2.circle(canvas, centre, radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)

    def _letters(
        self, canvas: np.ndarray, points: np.ndarray, colour: Colour, outline: Colour
    ) -> None:
        """L or R beyond the hands and toes, on the side away from the rest of the body."""
        if not np.isfinite(points).any():
            return
        middle = np.nanmean(points, 0)
        for joint, letter in _MARKED.items():
            point = points[joint]
            if not np.isfinite(point).all():
                continue
            away = point - middle
            away /= max(float(np.linalg.norm(away)), 1e-6)
            x, y = point + away * 17 * self.scale
            centre = [round(float(v) * (1 << _SHIFT)) for v in (x, y)]
            self._disc(canvas, centre, round(0.62 * self.letter * (1 << _SHIFT)), outline)
            draw_text(canvas, letter, x + 1, y, self.letter, colour, bold=True, anchor=0.5)
