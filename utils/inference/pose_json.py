"""``poses.json``: written frame by frame, so that a folder of millions needs no memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from base.skeleton import JOINTS, LIMBS
from utils.files import replacing
from utils.inference.predictor import EgoPosePredictor, Pose

#: Decimals that are kept: 10 micrometres, a hundredth of a pixel, a ten-thousandth.
_METRES, _PIXELS, _SHARE = 5, 2, 4

UNITS = {
    "joints3d": "metres, camera axes (x right in the picture, y down in it, z along the optical "
    "axis), Neck at the origin",
    "neck": "metres, camera frame: joints3d + neck is the pose before the camera",
    "joints2d": "pixels of the original picture (after its EXIF orientation), x right, y down, "
    "pixel centres at integers",
    "confidence": "0 to 1, height of the joint's heatmap",
}


def _rounded(values: np.ndarray, decimals: int) -> list:
    return np.round(values.astype(np.float64), decimals).tolist()


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def frame_entry(file: str, size: tuple[int, int], pose: Pose) -> dict[str, Any]:
    """Entry of one frame.

    Args:
        file: name of the picture.
        size: its width and height, pixels.
        pose: what was found.
    """
    return {
        "file": file,
        "size": list(size),
        "joints3d": _rounded(pose.joints3d, _METRES),
        "joints2d": _rounded(pose.joints2d, _PIXELS),
        "confidence": _rounded(pose.confidence, _SHARE),
        "neck": _rounded(pose.neck, _METRES),
    }


def metadata(predictor: EgoPosePredictor) -> dict[str, Any]:
    """What a reader must know about every frame."""
    return {
        "joint_names": list(JOINTS),
        "limbs": [list(limb) for limb in LIMBS],
        "units": UNITS,
        "checkpoint": str(predictor.checkpoint),
        "input_size": predictor.input_size,
    }


class PoseJson:
    """An open ``poses.json``; see :func:`writing_poses`."""

    def __init__(self, stream: TextIO, head: dict[str, Any]) -> None:
        self._stream = stream
        self._count = 0
        lines = [f" {json.dumps(key)}: {_dumps(value)},\n" for key, value in head.items()]
        stream.write("{\n" + "".join(lines) + ' "frames": [')

    def add(self, entry: dict[str, Any]) -> None:
        """Append a frame."""
        self._stream.write(",\n  " if self._count else "\n  ")
        self._stream.write(_dumps(entry))
        self._count += 1

    def close(self, unreadable: list[dict[str, str]]) -> None:
        """Write what follows the frames."""
        self._stream.write(f'\n ],\n "unreadable": {_dumps(unreadable)}\n}}\n')


@contextmanager
def writing_poses(path: Path, head: dict[str, Any]) -> Iterator[PoseJson]:
    """The file under way; it takes its place at the end, and not at all after an error.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yield PoseJson(stream, head)
