"""``poses.json``: written frame by frame, so that a folder of millions needs no memory."""

import json
from typing import Any

import numpy as np

from base.files import sha256
from base.skeleton import JOINTS, LIMBS
from utils.common.pretrained import model_name
from utils.inference.outputs import FramePose, PoseFormat, RunInfo, Summary
from utils.inference.square_predictor import WITHIN

#: Version of the layout; raised when a key changes its meaning.
SCHEMA = 1
#: Decimals that are kept: 10 micrometres, a hundredth of a pixel, a ten-thousandth, 0.001 degrees.
_METRES, _PIXELS, _SHARE, _TURNS = 5, 2, 4, 5

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
_WITH_MOTION = {
    "rotations": "quaternions x y z w of the joints of its skeleton relative to their parents, the "
    "identity in a T-pose that faces +z, y up, x to the wearer's left",
    "root": "metres, place of the Hips in these axes",
    "offsets": "metres, of each joint from its parent in the T-pose",
}
_WITH_UNCERTAINTY = {
    "confidence": f"probability that the joint is within {1000 * WITHIN:g} mm of its true place in "
    "the camera's frame, by the model's own account",
    "uncertainty": "metres, radius of the ball around joints3d + neck that holds the joint in 90 % "
    "of the cases",
}
#: What ``root`` is relative to.
_ORIGINS = {"camera": "the camera is at 0, 0, 0", "room": "the floor is at y = 0"}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(content: dict[str, Any]) -> str:
    return ",\n".join(f" {_json(key)}: {_json(value)}" for key, value in content.items())


def _rounded(values: np.ndarray, decimals: int) -> list:
    return (np.round(values.astype(np.float64), decimals) + 0.0).tolist()  # never -0.0


def frame_entry(result: FramePose) -> dict[str, Any]:
    pose, entry = result.pose, {"file": result.file}
    if result.frame is not None:
        entry |= {"frame": result.frame, "time": round(result.time, 6)}
    if pose.uncertainty is not None:
        entry["uncertainty"] = _rounded(pose.uncertainty, _METRES)
    if result.motion is not None:
        entry["root"] = _rounded(result.motion.root[0], _METRES)
        entry["rotations"] = _rounded(result.motion.rotations[0], _TURNS)
        if result.captured is not None:  # live bones are still being measured
            entry["offsets"] = _rounded(result.motion.offsets, _METRES)
    return entry | {
        "size": list(result.size),
        "joints3d": _rounded(pose.joints3d, _METRES),
        "joints2d": _rounded(pose.joints2d, _PIXELS),
        "confidence": _rounded(pose.confidence, _SHARE),
        "neck": _rounded(pose.neck, _METRES),
        "residual": round(pose.residual, _PIXELS),
        "disagrees": pose.disagrees,
        "out_of_range": pose.out_of_range,
    }


def metadata(run: RunInfo) -> dict[str, Any]:
    """What a reader must know about every frame."""
    predictor, units = run.predictor, dict(UNITS)
    network = predictor.network
    if run.motion:
        units |= _WITH_MOTION
        units["root"] += f", {_ORIGINS[run.motion]}"
    checksum = sha256(predictor.checkpoint)
    if network.has_uncertainty:
        units |= _WITH_UNCERTAINTY
    if predictor.confidence is not None:
        units["confidence"] = predictor.confidence.describe()
    return {
        "schema": SCHEMA,
        "joint_names": list(JOINTS),
        "limbs": [list(limb) for limb in LIMBS],
        "units": units,
        "model": model_name(predictor.checkpoint, checksum),
        "model_sha256": checksum,
        "input_size": network.input_size,
        "precision": network.precision,
        "views": len(network.moves),
        "height": predictor.height,
    }


class JsonFormat(PoseFormat):
    """The keys are described in doc/inference.md."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._comma = ""
        self.stream.write("{\n" + _lines(metadata(self.run)) + ',\n "frames": [')

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        entry = frame_entry(result)
        if self.run.drawn:
            entry["picture"] = f"pictures/{result.name}.jpg"
        self.stream.write(f"{self._comma}\n  {_json(entry)}")
        self._comma = ","

    def finish(self, summary: Summary) -> None:
        keys = ("skeletons",) * bool(summary.skeletons) + ("lenses", "unreadable", "left_out")
        keys += ("live",) * bool(summary.live)
        tail = {key: getattr(summary, key) for key in keys}
        self.stream.write("\n ],\n" + _lines(tail) + "\n}\n")
