"""One frame's json of the release, checked and brought into our units."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError
from base.release_camera import RELEASE_CAMERA
from base.skeleton import JOINT_PREFIX, JOINTS

_METRES_PER_CENTIMETRE = 0.01

#: A joint further than this from the camera (metres) is a fault of the label, not a pose.
MAX_DISTANCE = 10.0


@dataclass(slots=True)
class Label:
    """Labels of one frame.

    Attributes:
        joints2d: (16, 2) float32 pixels of the release's 1280×800 picture.
        joints3d: (16, 3) float32 metres, camera frame.
        visible: (16,) bool, inside the picture and, where occlusion is known, not hidden.
        action: clip name.
        occlusion_known: whether ``visible`` tells hidden joints from joints that are seen.
    """

    joints2d: np.ndarray
    joints3d: np.ndarray
    visible: np.ndarray
    action: str
    occlusion_known: bool = False


def parse_label(data: bytes, path: Path | str) -> Label:
    """The labels in a json file's bytes; ``path`` names it in errors.

    The release's files know nothing of occlusion; those of the synthetic set have ``visible``.

    Raises:
        BrokenFrameError: for what is no json, lacks a key or a joint, or holds values that are not
            finite or cannot be a person in front of the camera.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise BrokenFrameError(f"{path}: not valid json") from None
    try:
        rows = _joint_rows(content, path)
        points3d = np.asarray(content["pts3d_fisheye"], np.float64)
        points2d = np.asarray(content["pts2d_fisheye"], np.float64)
        seen = np.asarray(content.get("visible", True), bool)
        action = str(content["action"])
    except KeyError as error:
        raise BrokenFrameError(f"{path}: has no {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise BrokenFrameError(f"{path}: labels are not arrays of numbers") from None
    count = len(content["joints"])
    if points3d.shape != (3, count) or points2d.shape != (2, count) or seen.size not in (1, count):
        raise BrokenFrameError(
            f"{path}: {count} joints, but pts3d_fisheye is {points3d.shape}, "
            f"pts2d_fisheye {points2d.shape}, visible {seen.shape}"
        )
    joints3d = points3d.T[rows] * _METRES_PER_CENTIMETRE
    joints2d = points2d.T[rows]
    if not (np.isfinite(joints3d).all() and np.isfinite(joints2d).all()):
        raise BrokenFrameError(f"{path}: joint positions are not finite")
    if np.abs(joints3d).max() > MAX_DISTANCE:
        raise BrokenFrameError(f"{path}: a joint is over {MAX_DISTANCE:g} m from the camera")
    visible = RELEASE_CAMERA.in_picture(joints2d) & (
        RELEASE_CAMERA.angle(joints3d) < RELEASE_CAMERA.max_theta
    )
    visible &= np.broadcast_to(seen, (count,))[rows]
    pixels, metres = joints2d.astype(np.float32), joints3d.astype(np.float32)
    return Label(pixels, metres, visible, action, "visible" in content)


def _joint_rows(content: dict, path: Path | str) -> list[int]:
    """Rows of our 16 joints in the file's own order, found by name."""
    names = [joint["name"].removeprefix(JOINT_PREFIX) for joint in content["joints"]]
    row_of = {name: row for row, name in enumerate(names)}
    missing = [name for name in JOINTS if name not in row_of]
    if missing:
        raise BrokenFrameError(f"{path}: has no joint {', '.join(missing)}")
    return [row_of[name] for name in JOINTS]
