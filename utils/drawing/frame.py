"""One frame's picture: skeletons over what the camera saw, and both in 3D beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from base.camera import FisheyeCamera
from base.skeleton import JOINTS, NECK
from utils.drawing import style
from utils.drawing.skeleton import SkeletonPen
from utils.drawing.style import Colour, mixed
from utils.drawing.text import draw_text, fitted, text_width
from utils.drawing.view import View

#: Pictures much wider or taller than this keep their shape inside a panel of it.
_WIDEST, _NARROWEST = 16 / 9, 3 / 4
_FEET = [JOINTS.index("LeftFoot"), JOINTS.index("RightFoot")]


@dataclass(frozen=True, slots=True)
class DrawnPose:
    """A pose as it is drawn.

    Attributes:
        joints2d: (16, 2) pixels of the picture; NaN where a joint has no place in it.
        joints3d: (16, 3) metres, camera axes, Neck at the origin.
    """

    joints2d: np.ndarray
    joints3d: np.ndarray

    @classmethod
    def through_camera(cls, joints3d: np.ndarray, camera: FisheyeCamera) -> "DrawnPose":
        """A pose (16, 3), metres in the camera frame, where that camera's picture shows it."""
        joints3d = np.asarray(joints3d, np.float64)
        return cls(camera.project(joints3d), joints3d - joints3d[NECK])


def standing_place(joints3d: np.ndarray) -> np.ndarray:
    """(3,): the floor at the lowest joint, half-way between the Neck and the feet."""
    known, feet = (part[np.isfinite(part).all(1)] for part in (joints3d, joints3d[_FEET]))
    across = feet[:, :2].mean(0) / 2 if len(feet) else np.zeros(2)
    return np.append(across, known[:, 2].max() if len(known) else 0.0)


class FramePainter:
    """Draws frames: the picture with its skeletons left, the 3D view right, a caption above.

    The 3D view looks at the wearer from the front and a little from their left; the floor is as
    low as the lowest joint, so that the person stands, sits or lies on it.

    Args:
        side: height of the picture and side of the 3D view, pixels.
    """

    def __init__(self, side: int = 640) -> None:
        self.side = side
        self.scale = side / 640
        self.header, self.footer = round(44 * self.scale), round(36 * self.scale)
        self._margin = round(14 * self.scale)
        self._view = View(side)
        self._backdrop = self._view.backdrop()
        self._pen = SkeletonPen(self.scale)
        self._legends: dict[tuple[int, bool, bool], np.ndarray] = {}

    def paint(
        self,
        image: np.ndarray,
        predicted: DrawnPose | None,
        truth: DrawnPose | None = None,
        title: str = "",
        note: str = "",
    ) -> np.ndarray:
        """Draw one frame.

        Args:
            image: (H, W, 3) uint8 RGB, any size; enlarged or shrunk to the panel's height.
            predicted, truth: drawn in orange and in blue, where they are known.
            title, note: left and right end of the caption.

        Returns:
            (H', W', 3) uint8 RGB; its size depends on the shape of ``image`` alone.
        """
        poses = [(truth, style.TRUTH), (predicted, style.PREDICTED)]
        poses = [(pose, colour) for pose, colour in poses if pose]
        picture, view = self.picture(image, poses), self.view(poses)
        top, bottom, split = self.header, self.header + self.side, picture.shape[1]
        canvas = np.empty((bottom + self.footer, split + self.side, 3), np.uint8)
        self._caption(canvas[:top], title, note)
        canvas[top:bottom, :split], canvas[top:bottom, split:] = picture, view
        canvas[bottom:] = self._legend(canvas.shape[1], bool(predicted), bool(truth))
        return canvas

    def picture(self, image: np.ndarray, poses: Sequence[tuple[DrawnPose, Colour]]) -> np.ndarray:
        """(side, W', 3): the picture, in the panel's size, with poses drawn over it."""
        height, width = image.shape[:2]
        ratio = min(max(width / height, _NARROWEST), _WIDEST)
        # Even, as video codecs want it.
        panel_width = round(self.side * ratio / 2) * 2
        factor = min(panel_width / width, self.side / height)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        # Down to half, two by two pixels hold all that is left out; areas take ten times as long.
        shrink = cv2.INTER_LINEAR if factor >= 0.5 else cv2.INTER_AREA
        panel = cv2.resize(image, size, interpolation=shrink if factor < 1 else cv2.INTER_CUBIC)
        left, top = (panel_width - size[0]) // 2, (self.side - size[1]) // 2
        if size != (panel_width, self.side):
            resized, panel = panel, np.full((self.side, panel_width, 3), style.OUTLINE, np.uint8)
            panel[top : top + size[1], left : left + size[0]] = resized
        scale = np.array([size[0] / width, size[1] / height])
        for pose, colour in poses:
            points = (np.asarray(pose.joints2d, float) + 0.5) * scale - 0.5 + [left, top]
            self._pen.draw(panel, points, colour, style.OUTLINE)
        return panel

    def view(self, poses: Sequence[tuple[DrawnPose, Colour]]) -> np.ndarray:
        """(side, side, 3): poses in 3D on the floor of the first one."""
        canvas = self._backdrop.copy()
        # The truth, where there is one, says where the floor is; a wrong pose must not move it.
        floor = standing_place(poses[0][0].joints3d) if poses else None
        placed = [(pose.joints3d - floor, colour) for pose, colour in poses]
        for joints, colour in placed:
            on_floor = self._view.project(joints * [1.0, 1.0, 0.0])[:, :2]
            tint = mixed(mixed(colour, style.GRID, 0.7), style.MUTED, 0.1)
            self._pen.shadow(canvas, on_floor, tint)
        for joints, colour in placed:
            seen = self._view.project(joints)
            self._pen.draw(canvas, seen[:, :2], colour, style.BACKDROP, seen[:, 2])
        return canvas

    def _caption(self, strip: np.ndarray, title: str, note: str) -> None:
        strip[:] = style.PAPER
        width, margin, middle = strip.shape[1], self._margin, self.header / 2
        size = round(20 * self.scale)
        note = fitted(note, width // 2, size, bold=True)
        draw_text(strip, note, (width - margin, middle), size, style.INK, bold=True, anchor=1.0)
        room = width - 3 * margin - text_width(note, size, bold=True)
        draw_text(strip, fitted(title, room, size), (margin, middle), size, style.INK)

    def _legend(self, width: int, predicted: bool, truth: bool) -> np.ndarray:
        """(footer, width, 3): drawn once for all frames of one kind."""
        if (strip := self._legends.get((width, predicted, truth))) is not None:
            return strip
        strip = np.full((self.footer, width, 3), style.PAPER, np.uint8)
        entries = [("predicted", style.PREDICTED, False)] if predicted else []
        entries += [("truth", style.TRUTH, False)] if truth else []
        entries += [("left", style.MUTED, False), ("right", style.MUTED, True)] if entries else []
        size, middle, x = round(15 * self.scale), self.footer / 2, self._margin
        for name, colour, right in entries:
            self._pen.sample(strip, x, middle, colour, right)
            x += self._pen.sample_width + round(6 * self.scale)
            draw_text(strip, name, (x, middle), size, style.INK)
            x += text_width(name, size) + round(22 * self.scale)
        text = "seen from the front left, floor grid 25 cm" if entries else "no pose"
        draw_text(strip, text, (width - self._margin, middle), size, style.MUTED, anchor=1.0)
        self._legends[width, predicted, truth] = strip
        return strip
