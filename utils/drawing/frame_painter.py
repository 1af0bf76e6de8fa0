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
from utils.drawing.skeleton_pen import SHIFT, draw_skeleton, fixed_point
from utils.drawing.style import Shades, mixed
from utils.drawing.text import draw_text, fitted

#: Widths of a picture's panel for its height.
_WIDEST, _NARROWEST = 4, 1 / 4
#: Width of the 3D view for its height.
_VIEW = 3 / 4
#: How far the eye is turned from straight in front to the wearer's left, and raised: radians.
_AZIMUTH, _ELEVATION = math.radians(35.0), math.radians(14.0)
#: Of the eye from the middle of the body, and height of that middle above the floor, metres.
_DISTANCE, _MIDDLE = 5.0, 0.82
#: Half the side of the smallest floor, the distance of its lines, and the height that there is room
#: for above it: what the view shows at least, metres.
_HALF, _STEP, _ROOM = 0.5, 0.25, 1.6
#: What stays free around that, of the view's side.
_FREE = 0.05
_FEET = [JOINTS.index("LeftFoot"), JOINTS.index("RightFoot")]


@dataclass(frozen=True, slots=True)
class DrawnPose:
    """A pose as it is drawn: (16, 2) pixels of the picture, NaN where a joint has no place in it,
    (16, 3) metres, camera axes, Neck at the origin, and (16,) in [0, 1], if it is known how
    certain."""

    joints2d: np.ndarray
    joints3d: np.ndarray
    confidence: np.ndarray | None = None

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
    """A perspective camera in front of the wearer, turned to their left and raised, that shows all
    ``bodies`` (…, 3) whole and the floor below them: the same view for whatever has room on a floor
    of 1 m × 1 m, and from further away the more there is beyond.  Points are metres in the axes of
    the headset's camera (x to the wearer's left, y forward, z down), moved so that the floor is
    z = 0 and the person stands about the origin; the picture has ``width`` × ``height`` pixels."""

    def __init__(self, width: int, height: int, bodies: np.ndarray, room: float = _ROOM) -> None:
        self.width, self.height = width, height
        a, e = _AZIMUTH, _ELEVATION
        away = -np.array([math.cos(e) * math.sin(a), math.cos(e) * math.cos(a), -math.sin(e)])
        right = np.cross(away, [0.0, 0.0, -1.0])
        right /= np.linalg.norm(right)
        #: (3, 3): columns are right, down and away from the eye.
        self._axes = np.stack([right, np.cross(away, right), away]).T
        bodies = bodies[np.isfinite(bodies).all(-1)]
        #: Half the side of the floor.
        self.half = float(np.abs(bodies[:, :2]).max(initial=_HALF))
        corners = np.array([(x, y, 0) for x in (-1, 1) for y in (-1, 1)]) * self.half
        self._focal, self._centre = 1.0, np.zeros(2)
        shown = self.project(np.vstack([bodies, corners, [[0, 0, -room]]]))[:, :2]
        low, high, size = shown.min(0), shown.max(0), np.array([width, height])
        self._focal = ((1 - 2 * _FREE) * size / (high - low)).min()
        self._centre = size / 2 - self._focal * (low + high) / 2

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) metres → (…, 3): pixels right and down, metres away from the eye."""
        seen = (points - np.array([0.0, 0.0, -_MIDDLE])) @ self._axes
        depth = np.maximum(seen[..., 2:] + _DISTANCE, 0.1)
        return np.concatenate([self._focal * seen[..., :2] / depth + self._centre, depth], -1)

    def floor(self) -> np.ndarray:
        """(height, width, 3) uint8: the floor, a grid of 25 cm, on an even ground."""
        canvas = np.full((self.height, self.width, 3), style.BACKDROP, np.uint8)

        def on_floor(*points: tuple[float, float]) -> list:
            return fixed_point(self.project(np.array([(x, y, 0.0) for x, y in points]))[:, :2])

        half, how = self.half, (cv2.LINE_AA, SHIFT)
        tile = np.array(on_floor((-half, -half), (half, -half), (half, half), (-half, half)))
        cv2.fillConvexPoly(canvas, tile, mixed(style.BACKDROP, style.GRID, 0.35), *how)
        inside = np.arange(-half // _STEP, half // _STEP + 1) * _STEP
        for at in (-half, *inside[np.abs(inside) < half - 0.2 * _STEP], half):
            for ends in (((at, -half), (at, half)), ((-half, at), (half, at))):
                width = max(1, round(self.height / 500))
                cv2.line(canvas, *on_floor(*ends), style.GRID, width, *how)
        return canvas


@lru_cache
def draw_legend(
    width: int,
    scale: float,
    predicted: bool = True,
    truth: bool = True,
    faint: bool = False,
    note: str = "floor grid 25 cm",
) -> np.ndarray:
    """(36 · scale, width, 3): what hues, shades and opacity mean, of those that are there."""
    strip = np.full((round(36 * scale), width, 3), style.PAPER, np.uint8)
    size, middle, margin = round(16 * scale), 18 * scale, round(14 * scale)
    x = margin
    hues = [("predicted", style.PREDICTED)] * predicted + [("true", style.TRUTH)] * truth
    for name, shades in hues:
        x += draw_text(strip, name, (x, middle), size, style.INK, bold=True) + margin
        for half, tone in zip(("left", "right"), shades[1:], strict=True):
            ends = fixed_point(np.array([[x, middle], [x + 22 * scale, middle]]))
            cv2.line(strip, *ends, tone, round(8 * scale), cv2.LINE_AA, SHIFT)
            x += round(32 * scale)
            x += draw_text(strip, half, (x, middle), size, style.INK) + margin
        x += margin
    note = "faint: low confidence    " * faint + note if hues else "no pose"
    draw_text(strip, note, (width - margin, middle), size, style.MUTED, anchor="r")
    return strip


def draw_sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures (H, W, 3) uint8 row by row as (rows · H, columns · W, 3); the rest is white."""
    columns = min(columns, len(pictures))
    white = [np.full_like(pictures[0], 255)] * (-len(pictures) % columns)
    tiles = np.array([*pictures, *white])
    return np.vstack([np.hstack(row) for row in tiles.reshape(-1, columns, *tiles.shape[1:])])


class FramePainter:
    """Draws frames: the picture with its skeletons left, the 3D view right, a caption above. The 3D
    view sees the wearer from the front and a little from their left; the floor is as low as the
    lowest joint, so that the person stands, sits or lies there. ``side`` is the height of both,
    pixels, ``room`` that above the floor which the 3D view shows at least, metres."""

    def __init__(self, side: int = 640, room: float = _ROOM) -> None:
        self.side, self.scale, self._room = side, side / 640, room
        self.header = round(44 * self.scale)

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
        body = self.panels(image, predicted, truth)
        there = predicted is not None, truth is not None
        faint = there[0] and predicted.confidence is not None
        legend = draw_legend(body.shape[1], self.scale, *there, faint)
        return np.vstack([self.caption(body.shape[1], title, note), body, legend])

    def panels(
        self, image: np.ndarray, predicted: DrawnPose | None, truth: DrawnPose | None = None
    ) -> np.ndarray:
        """Picture and 3D view side by side: :meth:`paint` without caption and legend."""
        both = [(truth, style.TRUTH), (predicted, style.PREDICTED)]
        poses = [(pose, shades) for pose, shades in both if pose is not None]
        return np.hstack([self.picture(image, poses), self.view(poses)])

    def picture(self, image: np.ndarray, poses: Sequence[tuple[DrawnPose, Shades]]) -> np.ndarray:
        """(side, W', 3): the picture, in the panel's size, with poses drawn over it."""
        height, width = image.shape[:2]
        ratio = min(max(width / height, _NARROWEST), _WIDEST)
        size = round(self.side * ratio / 2) * 2, self.side  # even, as video codecs want it
        scale = np.divide(size, (width, height))
        # Down to half, two by two pixels hold all that is left out; areas take ten times as long.
        shrink = cv2.INTER_LINEAR if scale[1] >= 0.5 else cv2.INTER_AREA
        panel = cv2.resize(image, size, interpolation=shrink if scale[1] < 1 else cv2.INTER_CUBIC)
        for pose, shades in poses:
            points = (np.asarray(pose.joints2d, float) + 0.5) * scale - 0.5
            draw_skeleton(panel, points, shades, style.PAPER, self.scale, None, pose.confidence)
        return panel

    def view(self, poses: Sequence[tuple[DrawnPose, Shades]]) -> np.ndarray:
        """(side, 3/4 side, 3): poses in 3D on the floor of the first one."""
        # The truth, where there is one, defines the floor; a wrong pose must not move it.
        floor = standing_place(poses[0][0].joints3d) if poses else np.zeros(3)
        placed = np.array([pose.joints3d for pose, _ in poses]).reshape(-1, len(JOINTS), 3) - floor
        width = round(self.side * _VIEW / 2) * 2
        view = Viewpoint(width, self.side, placed.reshape(-1, 3), self._room)
        canvas = view.floor()
        for joints, (_, shades) in zip(placed, poses, strict=True):
            tint = mixed(shades[0], style.GRID, 0.75)
            on_floor = view.project(joints * [1.0, 1.0, 0.0])
            draw_skeleton(canvas, on_floor[:, :2], (tint,) * 3, tint, 0.5 * self.scale)
        for joints, (pose, shades) in zip(placed, poses, strict=True):
            seen, how = view.project(joints), (style.BACKDROP, self.scale)
            draw_skeleton(canvas, seen[:, :2], shades, *how, seen[:, 2], pose.confidence)
        return canvas

    def caption(self, width: int, title: str, note: str = "") -> np.ndarray:
        """(header, width, 3): ``title`` at its left end, ``note`` at its right."""
        strip = np.full((self.header, width, 3), style.PAPER, np.uint8)
        margin, size, middle = round(14 * self.scale), round(20 * self.scale), self.header / 2
        note, how = fitted(note, width // 2, size, bold=True), {"bold": True, "anchor": "r"}
        taken = draw_text(strip, note, (width - margin, middle), size, style.INK, **how)
        title = fitted(title, width - 3 * margin - taken, size)
        draw_text(strip, title, (margin, middle), size, style.INK)
        return strip
