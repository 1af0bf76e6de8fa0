"""One frame's picture: skeletons over what the camera saw, and both in 3D beside it."""

from dataclasses import dataclass

import cv2
import numpy as np

from base.camera import FisheyeCamera
from base.skeleton import JOINTS, NECK
from utils.drawing.skeleton import SkeletonPen
from utils.drawing.style import (
    BACKDROP,
    GRID,
    INK,
    MUTED,
    OUTLINE,
    PAPER,
    PREDICTED,
    TRUTH,
    Colour,
    mixed,
)
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
        """The pose drawn where a camera sees it.

        Args:
            joints3d: (16, 3) metres, camera frame.
            camera: of the picture it is drawn on.
        """
        joints3d = np.asarray(joints3d, np.float64)
        in_range = camera.angle(joints3d) < camera.max_theta
        joints2d = np.where(in_range[:, None], camera.project(joints3d), np.nan)
        return cls(joints2d, joints3d - joints3d[NECK])


def standing_place(joints3d: np.ndarray) -> np.ndarray:
    """(3,): the floor at the lowest joint, half-way between the Neck and the feet."""
    known = joints3d[np.isfinite(joints3d).all(1)]
    if not len(known):
        return np.zeros(3)
    feet = joints3d[_FEET]
    across = feet[np.isfinite(feet).all(1), :2]
    x, y = across.mean(0) / 2 if len(across) else (0.0, 0.0)
    return np.array([x, y, known[:, 2].max()])


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
        self._view = View(side)
        self._backdrop = self._view.backdrop()
        self._pen = SkeletonPen(self.scale)
        self._legends: dict[tuple[int, ...], np.ndarray] = {}

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
            predicted: drawn in orange, if there is one.
            truth: drawn in blue, if it is known.
            title: left end of the caption: what the picture shows.
            note: right end of the caption: what was measured.

        Returns:
            (H', W', 3) uint8 RGB; its size depends on the shape of ``image`` alone.
        """
        poses = [(pose, tone) for pose, tone in ((truth, TRUTH), (predicted, PREDICTED)) if pose]
        picture = self._picture(image, poses)
        view = self._draw_view(poses)
        width = picture.shape[1] + self.side
        canvas = np.empty((self.header + self.side + self.footer, width, 3), np.uint8)
        body = canvas[self.header : self.header + self.side]
        body[:, : picture.shape[1]] = picture
        body[:, picture.shape[1] :] = view
        self._caption(canvas[: self.header], title, note)
        canvas[self.header + self.side :] = self._legend(width, bool(predicted), bool(truth))
        return canvas

    def _picture(self, image: np.ndarray, poses: list[tuple[DrawnPose, Colour]]) -> np.ndarray:
        height, width = image.shape[:2]
        ratio = min(max(width / height, _NARROWEST), _WIDEST)
        # Even, as video codecs want it.
        panel_width = round(self.side * ratio / 2) * 2
        factor = min(panel_width / width, self.side / height)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        # Down to half, two by two pixels hold all that is left out; areas take ten times as long.
        shrink = cv2.INTER_LINEAR if factor >= 0.5 else cv2.INTER_AREA
        method = shrink if factor < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(image, size, interpolation=method)
        if size == (panel_width, self.side):
            panel, offset = resized, np.zeros(2)
        else:
            panel = np.empty((self.side, panel_width, 3), np.uint8)
            panel[:] = OUTLINE
            left, top = (panel_width - size[0]) // 2, (self.side - size[1]) // 2
            panel[top : top + size[1], left : left + size[0]] = resized
            offset = np.array([left, top], float)
        scale = np.array([size[0] / width, size[1] / height])
        for pose, colour in poses:
            points = (np.asarray(pose.joints2d, float) + 0.5) * scale - 0.5 + offset
            self._pen.draw(panel, points, colour, OUTLINE)
        return panel

    def _draw_view(self, poses: list[tuple[DrawnPose, Colour]]) -> np.ndarray:
        canvas = self._backdrop.copy()
        if not poses:
            return canvas
        # The truth, where there is one, says where the floor is; a wrong pose must not move it.
        origin = standing_place(poses[0][0].joints3d)
        placed = [(pose.joints3d - origin, colour) for pose, colour in poses]
        for joints, colour in placed:
            on_floor = self._view.project(joints * [1.0, 1.0, 0.0])
            self._pen.shadow(canvas, on_floor[:, :2], mixed(mixed(colour, GRID, 0.7), MUTED, 0.1))
        for joints, colour in placed:
            seen = self._view.project(joints)
            self._pen.draw(canvas, seen[:, :2], colour, BACKDROP, seen[:, 2])
        return canvas

    def _caption(self, strip: np.ndarray, title: str, note: str) -> None:
        strip[:] = PAPER
        size, margin = round(20 * self.scale), round(14 * self.scale)
        middle, width = strip.shape[0] / 2, strip.shape[1]
        note = fitted(note, width // 2, size, bold=True)
        draw_text(strip, note, width - margin, middle, size, INK, bold=True, anchor=1.0)
        room = width - 3 * margin - text_width(note, size, bold=True)
        draw_text(strip, fitted(title, room, size), margin, middle, size, INK)

    def _legend(self, width: int, predicted: bool, truth: bool) -> np.ndarray:
        """(footer, width, 3): drawn once for all frames of one kind."""
        key = (width, predicted, truth)
        if key in self._legends:
            return self._legends[key]
        strip = np.empty((self.footer, width, 3), np.uint8)
        strip[:] = PAPER
        entries = [("predicted", PREDICTED, False)] if predicted else []
        entries += [("truth", TRUTH, False)] if truth else []
        entries += [("left", MUTED, False), ("right", MUTED, True)] if entries else []
        size, margin = round(15 * self.scale), round(14 * self.scale)
        middle, x = self.footer / 2, margin
        for name, colour, hollow in entries:
            self._pen.sample(strip, x, middle, colour, hollow)
            x += self._pen.sample_width + round(6 * self.scale)
            draw_text(strip, name, x, middle, size, INK)
            x += text_width(name, size) + round(22 * self.scale)
        text = "seen from the front left, floor grid 25 cm" if entries else "no pose"
        draw_text(strip, text, width - margin, middle, size, MUTED, anchor=1.0)
        self._legends[key] = strip
        return strip
