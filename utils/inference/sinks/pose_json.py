"""``poses.json``: written frame by frame, so that a folder of millions needs no memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from base.files import replacing
from base.skeleton import JOINTS, LIMBS
from utils.inference.pose_predictor import WITHIN
from utils.inference.predictor import EgoPosePredictor
from utils.inference.results import FrameResult, Sink, Summary

#: Decimals that are kept: 10 micrometres, a hundredth of a pixel, a ten-thousandth.
_METRES, _PIXELS, _SHARE = 5, 2, 4

UNITS = {
    "joints3d": "metres, Neck at the origin, axes of a camera that looks straight down: x to the "
    "wearer's left, y forward, z down",
    "neck": "metres, from the camera: joints3d + neck is the pose in the camera's frame",
    "joints2d": "pixels of the original picture (after its EXIF orientation), x right, y down, "
    "pixel centres at integers",
    "confidence": "0 to 1, height of the joint's heatmap",
    "residual": "pixels of the original picture between joints2d and the placed 3D pose, mean",
    "time": "seconds since the first frame",
}


_PROBABILITY = (
    f"probability that the joint is within {1000 * WITHIN:g} mm of its true place in the camera's "
    "frame, by the model's own account"
)
_UNCERTAINTY = (
    "metres, radius of the ball around joints3d + neck that holds the joint in 90 % of the cases"
)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _rounded(values: np.ndarray, decimals: int) -> list:
    return np.round(values.astype(np.float64), decimals).tolist()


def frame_entry(result: FrameResult) -> dict[str, Any]:
    """Entry of one frame."""
    pose = result.pose
    entry: dict[str, Any] = {"file": result.file}
    if result.frame is not None:
        entry["frame"] = result.frame
    if result.time is not None:
        entry["time"] = round(result.time, 6)
    if pose.uncertainty is not None:
        entry["uncertainty"] = _rounded(pose.uncertainty, _METRES)
    return entry | {
        "size": list(result.size),
        "joints3d": _rounded(pose.joints3d, _METRES),
        "joints2d": _rounded(pose.joints2d, _PIXELS),
        "confidence": _rounded(pose.confidence, _SHARE),
        "neck": _rounded(pose.neck, _METRES),
        "residual": round(pose.residual, _PIXELS),
        "disagrees": pose.disagrees,
    }


def metadata(predictor: EgoPosePredictor) -> dict[str, Any]:
    """What a reader must know about every frame."""
    confidence = predictor.confidence
    units = UNITS
    if predictor.has_uncertainty:
        units = units | {"confidence": _PROBABILITY, "uncertainty": _UNCERTAINTY}
    if confidence is not None:
        units = units | {"confidence": confidence.describe()}
    return {
        "joint_names": list(JOINTS),
        "limbs": [list(limb) for limb in LIMBS],
        "units": units,
        "checkpoint": str(predictor.checkpoint),
        "input_size": predictor.input_size,
        "rotation_to_camera": _rounded(predictor.rotation, 9),
    }


class JsonSink(Sink):
    """An open ``poses.json``."""

    def __init__(self, stream: TextIO, head: dict[str, Any], drawn: bool) -> None:
        self._stream, self._drawn = stream, drawn
        self._count = 0
        lines = [f" {json.dumps(key)}: {_dumps(value)},\n" for key, value in head.items()]
        stream.write("{\n" + "".join(lines) + ' "frames": [')

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        self._stream.write(",\n  " if self._count else "\n  ")
        drawing = {"picture": f"pictures/{result.name}.jpg"} if self._drawn else {}
        self._stream.write(_dumps(frame_entry(result) | drawing))
        self._count += 1

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`."""
        tail = {
            "lenses": summary.lenses,
            "unreadable": summary.unreadable,
            "left_out": summary.left_out,
        }
        lines = [f" {json.dumps(key)}: {_dumps(value)}" for key, value in tail.items()]
        self._stream.write("\n ],\n" + ",\n".join(lines) + "\n}\n")


@contextmanager
def writing_json(path: Path, head: dict[str, Any], drawn: bool) -> Iterator[JsonSink]:
    """The file under way; it takes its place at the end, and not at all after an error.

    Args:
        path: where it goes.
        head: what comes before the frames.
        drawn: whether each frame's drawing is in ``pictures`` beside it.

    Raises:
        UserError: where it cannot be written.
    """
    # A checkpoint's name may hold what is no UTF-8: JSON has an escape for that.
    options = {"encoding": "utf-8", "errors": "backslashreplace"}
    with replacing(path) as temporary, temporary.open("w", **options) as stream:
        yield JsonSink(stream, head, drawn)
