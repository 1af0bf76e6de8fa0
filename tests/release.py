"""Writes frames in the layout of the release, by hand, for tests of what reads it."""

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from base.release_camera import RELEASE_CAMERA
from base.skeleton import JOINT_PREFIX, JOINTS

#: The release has more joints than the 16 used, and in another order.
FILE_JOINTS = ("Hips", "LeftHandThumb1", *reversed(JOINTS), "Spine")


def pose_for(number: int) -> np.ndarray:
    """(16, 3) metres, camera frame: a pose that tells one frame number from another."""
    rng = np.random.default_rng(number)
    return rng.uniform([-0.3, -0.3, 0.3], [0.3, 0.3, 1.2], (len(JOINTS), 3))


def label_for(number: int, action: str = "walking") -> dict:
    """Content of a frame's json, centimetres and pixels as in the release."""
    rng = np.random.default_rng(number + 10_000)
    points = rng.uniform(20, 60, (len(FILE_JOINTS), 3))
    for joint, position in zip(JOINTS, pose_for(number) * 100, strict=True):
        points[FILE_JOINTS.index(joint)] = position
    return {
        "action": action,
        "camera": {"cam_fov": 150.0, "trans": [0.0, 160.0, 0.0], "rot": [-90.0, 0.0, 0.0]},
        "joints": [
            {"name": JOINT_PREFIX + name, "trans": [0.0, 0.0, 0.0], "rot": [0.0, 0.0, 0.0]}
            for name in FILE_JOINTS
        ],
        "pts3d_fisheye": points.T.tolist(),
        "pts2d_fisheye": RELEASE_CAMERA.project(points, clamp=True).T.tolist(),
    }


def camera_folder(
    root: Path,
    set_folder: str = "TrainSet",
    character: str = "female_001_a_a",
    env: str = "env_001",
) -> Path:
    """The ``cam_down`` folder of a character's environment, made with its two passes."""
    folder = root / set_folder / character / env / "cam_down"
    (folder / "json").mkdir(parents=True, exist_ok=True)
    (folder / "rgba").mkdir(exist_ok=True)
    return folder


def picture_path(folder: Path, number: int) -> Path:
    """Where the picture of a frame goes."""
    return folder / "rgba" / f"{folder.parents[1].name}.rgba.{number:06d}.png"


def label_path(folder: Path, number: int) -> Path:
    """Where the json of a frame goes."""
    return folder / "json" / f"{folder.parents[1].name}_{number:06d}.json"


def write_picture(folder: Path, number: int, channels: int = 3, level: int | None = None) -> None:
    """A 1280×800 picture of one grey value, the frame number unless given."""
    value = number if level is None else level
    image = np.full((800, 1280, channels), value, np.uint8)
    cv2.imwrite(str(picture_path(folder, number)), image)


def write_label(folder: Path, number: int, **changes: object) -> None:
    """A frame's json; keywords replace keys of its content."""
    label_path(folder, number).write_text(json.dumps(label_for(number) | changes))


def fill(root: Path, numbers: Iterable[int] = range(1, 5), **where: str) -> Path:
    """Frames with picture and label; returns their ``cam_down`` folder."""
    folder = camera_folder(root, **where)
    for number in numbers:
        write_label(folder, number)
        write_picture(folder, number)
    return folder
