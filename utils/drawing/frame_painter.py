"""One frame's picture: skeletons over what the camera saw, and both in 3D beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from base.cameras.camera import Camera
from base.skeleton import JOINTS, NECK
from utils.drawing import style
from utils.drawing.skeleton_pen import SHIFT, SkeletonPen, fixed_point
from utils.drawing.style import Colour, mixed
from utils.drawing.text import draw_text, fitted, text_width

#: Pictures much wider or taller than this keep their shape inside a panel of it.
_WIDEST, _NARROWEST = 16 / 9, 3 / 4
#: How far the eye is turned from straight in front to the wearer's left, and raised: radians.
_AZIMUTH, _ELEVATION = math.radians(35.0), math.radians(14.0)
#: Of the eye from the middle of the body, metres.
_DISTANCE = 5.0
#: Half the side of the floor and the distance of its lines, metres.
_HALF, _STEP = 1.0, 0.25
#: Height of the picture's middle above the floor, and how much of the middle's plane is seen: room
#: for raised arms and a step aside, metres.
_MIDDLE_HEIGHT, _VISIBLE = 0.82, 2.25
_FEET = [JOINTS.index("LeftFoot"), JOINTS.index("RightFoot")]


@dataclass(frozen=True, slots=True)
class DrawnPose:
    """A pose as it is drawn: (16, 2) pixels of the picture, NaN where a joint has no place in it,
    and (16, 3) metres, camera axes, Neck at the origin."""

    joints2d: np.ndarray
    joints3d: np.ndarray

    @classmethod
    def through_camera(cls, joints3d: np.ndarray, camera: Camera) -> "DrawnPose":
        """A pose (16, 3), metres in the camera frame, where that camera's picture shows it."""
        joints3d = np.asarray(joints3d, np.float64)
        return cls(camera.project(joints3d), joints3d - joints3d[NECK])


def standing_place(joints3d: np.ndarray) -> np.ndarray:
    """(3,): the floor at the lowest joint, half-way between the Neck and the feet."""
    known, feet = (part[np.isfinite(part).all(1)] for part in (joints3d, joints3d[_FEET]))
    across = feet[:, :2].mean(0) / 2 if len(feet) else np.zeros(2)
    return np.append(across, known[:, 2].max() if len(known) else 0.0)


class Viewpoint:
    """A perspective camera in front of the wearer, turned to their left and raised. Points are in
    the axes of the headset's camera (x to the wearer's left, y forward, z down), moved so that the
    floor is z = 0 and the person stands about the origin; the picture is a square of ``size``
    pixels."""

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
        canvas = np.full((self.size, self.size, 3), style.BACKDROP, np.uint8)

        def on_floor(*points: tuple[float, float]) -> list:
            return fixed_point(self.project(np.array([(x, y, 0.0) for x, y in points]))[:, :2])

        half = _HALF
        tile = np.array(on_floor((-half, -half), (half, -half), (half, half), (-half, half)))
        cv2.fillConvexPoly(
            canvas, tile, mixed(style.BACKDROP, style.GRID, 0.25), cv2.LINE_AA, SHIFT
        )
        thickness = max(1, round(self.size / 640))
        for at in np.arange(-half, half + _STEP / 2, _STEP):
            colour = mixed(style.GRID, style.MUTED, 0.35) if abs(at) == half else style.GRID
            for ends in (((at, -half), (at, half)), ((-half, at), (half, at))):
                cv2.line(canvas, *on_floor(*ends), colour, thickness, cv2.LINE_AA, SHIFT)
        x, y, _ = self.project(np.array([0.0, half + 0.17, 0.0]))
        draw_text(canvas, "front", (x, y), round(self.size / 44), style.MUTED, anchor=0.5)
        return canvas


class FramePainter:
    """Draws frames: the picture with its skeletons left, the 3D view right, a caption above. The 3D
    view sees the wearer from the front and a little from their left; the floor is as low as the
    lowest joint, so that the person stands, sits or lies there. ``side`` is the height of the
    picture and the side of the 3D view, pixels."""

    def __init__(self, side: int = 640) -> None:
        self.side = side
        self.scale = side / 640
        self.header, self.footer = round(44 * self.scale), round(36 * self.scale)
        self._margin = round(14 * self.scale)
        self._view = Viewpoint(side)
        self._backdrop = self._view.backdrop()
        self._pen = SkeletonPen(self.scale)
        self._legend = lru_cache(self._draw_legend)

    def paint(
        self,
        image: np.ndarray,
        predicted: DrawnPose | None,
        truth: DrawnPose | None = None,
        title: str = "",
        note: str = "",
    ) -> np.ndarray:
        """One frame as (H', W', 3) uint8 RGB, whose size depends on the shape of ``image`` alone,
        which is (H, W, 3) uint8 RGB of any size.  ``predicted`` is drawn in orange, ``truth`` in
        blue; ``title`` and ``note`` are the left and right end of the caption."""
        poses = [(truth, style.TRUTH), (predicted, style.PREDICTED)]
        poses = [(pose, colour) for pose, colour in poses if pose]
        body = np.hstack([self.picture(image, poses), self.view(poses)])
        caption = self._caption(body.shape[1], title, note)
        return np.vstack([caption, body, self._legend(body.shape[1], bool(predicted), bool(truth))])

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
        # The truth, where there is one, defines the floor; a wrong pose must not move it.
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

    def _caption(self, width: int, title: str, note: str) -> np.ndarray:
        strip = np.full((self.header, width, 3), style.PAPER, np.uint8)
        margin, middle, size = self._margin, self.header / 2, round(20 * self.scale)
        note = fitted(note, width // 2, size, bold=True)
        draw_text(strip, note, (width - margin, middle), size, style.INK, bold=True, anchor=1.0)
        room = width - 3 * margin - text_width(note, size, bold=True)
        draw_text(strip, fitted(title, room, size), (margin, middle), size, style.INK)
        return strip

    def _draw_legend(self, width: int, predicted: bool, truth: bool) -> np.ndarray:
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
        return strip
