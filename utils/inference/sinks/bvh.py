"""``poses.bvh``: motion for animation tools, a skeleton with Mixamo's names, turned at joints."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.inference.results import FramePose, PoseFormat, Summary

_CENTIMETRES = 100.0
#: Length of a bone that ends without a joint of ours, centimetres: for the eye only.
_TIP_CM = 8.0
#: Share of a frame by which timestamps of a constant rate may be off: milliseconds at 100 a second.
_ROUNDED = 0.06

#: x to the wearer's left, y forward, z down → x to the left, y up, z forward, as Mixamo has it.
CAMERA_TO_BVH = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])

ROOT = "Hips"
_UP, _DOWN, _AHEAD, _HERE = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)
#: Joint → parent, and direction from it in the rest pose, a T-pose that looks along +z; each after
#: its parent.  One rotation aims one bone exactly, so the spine starts on the Hips, and the neck on
#: the Spine1, with joints of their own that only turn what hangs on them.
BONES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Spine": (ROOT, _HERE),
    "Spine1": ("Spine", _UP),
    "Spine2": ("Spine1", _HERE),
    "Neck": ("Spine2", _UP),
    "Head": ("Neck", _UP),
}
for _side, _out in (("Left", (1.0, 0.0, 0.0)), ("Right", (-1.0, 0.0, 0.0))):
    BONES |= {
        f"{_side}Arm": ("Spine1", _out),
        f"{_side}ForeArm": (f"{_side}Arm", _out),
        f"{_side}Hand": (f"{_side}ForeArm", _out),
        f"{_side}UpLeg": (ROOT, _out),
        f"{_side}Leg": (f"{_side}UpLeg", _DOWN),
        f"{_side}Foot": (f"{_side}Leg", _DOWN),
        f"{_side}ToeBase": (f"{_side}Foot", _AHEAD),
    }
_CHILDREN = {
    name: [child for child, (parent, _) in BONES.items() if parent == name]
    for name in (ROOT, *BONES)
}


def _places(joints3d: np.ndarray) -> dict[str, np.ndarray]:
    """Where the file's joints are: name → (F, 3); those between ours lie half-way."""
    places = {name: joints3d[:, row] for row, name in enumerate(JOINTS)}
    places[ROOT] = (places["LeftUpLeg"] + places["RightUpLeg"]) / 2
    chest = (places["LeftArm"] + places["RightArm"]) / 2
    return places | {"Spine": places[ROOT], "Spine1": chest, "Spine2": chest}


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _across(vectors: np.ndarray) -> np.ndarray:
    """Any vectors at right angles to (N, 3) vectors."""
    return np.cross(vectors, vectors[:, [1, 2, 0]] + [0.1, 0.2, 0.3])


def _facing(left: np.ndarray, up: np.ndarray) -> Rotation:
    """F rotations whose x axis is ``left`` and whose y axis is as near ``up`` as can be."""
    x = _unit(left)
    x[~x.any(1)] = 1.0, 0.0, 0.0  # both hips, or shoulders, in one place
    z = np.cross(x, up)
    parallel = np.linalg.norm(z, axis=-1) < 1e-6
    z[parallel] = _across(x[parallel])
    z = _unit(z)
    return Rotation.from_matrix(np.stack([x, np.cross(z, x), z], -1))


def _swing(start: np.ndarray, end: np.ndarray) -> Rotation:
    """The F smallest rotations that turn unit vectors ``start`` (F, 3) to ``end`` (F, 3)."""
    axis, cosine = np.cross(start, end), (start * end).sum(-1)
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), cosine)
    opposite = cosine < -1 + 1e-9
    axis[opposite] = _across(start[opposite])
    return Rotation.from_rotvec(_unit(axis) * angle[:, None])


class Motion(NamedTuple):
    """A clip of F frames: joint → (3,) centimetres from its parent in the rest pose; (F, 3), where
    the Hips are; and joint that has children → F rotations relative to its parent."""

    offsets: dict[str, np.ndarray]
    root: np.ndarray
    rotations: dict[str, Rotation]


def solve_motion(joints3d: np.ndarray) -> Motion:
    """Inverse kinematics: constant bones, turned to where the joints (F, 16, 3) are, metres, camera
    frame. A bone is as long as its median over the clip. The Hips and the chest face as the hips
    and shoulders do; every other bone makes the smallest turn from its parent's, so that limbs do
    not twist about themselves more than they must (positions do not tell how much they really
    do)."""
    places = _places(np.asarray(joints3d, np.float64) @ CAMERA_TO_BVH.T * _CENTIMETRES)
    offsets = {}
    for name, (parent, rest) in BONES.items():
        length = np.median(np.linalg.norm(places[name] - places[parent], axis=-1))
        offsets[name] = np.array(rest) * length
    across = places["LeftUpLeg"] - places["RightUpLeg"]
    turned = {ROOT: _facing(across, places["Spine1"] - places[ROOT])}
    for name, (parent, _) in BONES.items():
        if name == "Spine1":
            across = places["LeftArm"] - places["RightArm"]
            turned[name] = _facing(across, places["Neck"] - places["Spine1"])
        elif _CHILDREN[name]:
            (child,) = _CHILDREN[name]
            aim = _unit(places[child] - places[name])
            start = turned[parent].apply(BONES[child][1])
            lost = np.linalg.norm(aim, axis=-1) < 0.5
            aim[lost] = start[lost]
            turned[name] = _swing(start, aim) * turned[parent]
    rotations = {
        name: rotation if name == ROOT else turned[BONES[name][0]].inv() * rotation
        for name, rotation in turned.items()
    }
    root = places[ROOT].copy()
    # The floor at zero: the camera, which is the origin, moves with the head.
    root[:, 1] -= np.median(np.min([places[name][:, 1] for name in JOINTS], axis=0))
    return Motion(offsets, root, rotations)


def euler_zxy(rotations: Rotation) -> np.ndarray:
    """Angles (F, 3), degrees, with R = Rz · Rx · Ry, without jumps in time."""
    with warnings.catch_warnings():
        # Straight up or down only z ± y is determined; SciPy then makes y zero.
        warnings.simplefilter("ignore", UserWarning)
        angles = rotations.as_euler("ZXY", degrees=True)
    return np.unwrap(angles, period=360, axis=0)


def _row(values: Sequence[float]) -> str:
    return " ".join(f"{value:.6f}" for value in np.round(values, 6) + 0.0)  # never -0.0


def bvh_text(motion: Motion, fps: float) -> str:
    """The file's content: hierarchy, then one line for each frame."""
    columns = [motion.root]
    lines = ["HIERARCHY"]

    def write(name: str, pad: str) -> None:
        kind, offset, channels = "JOINT", motion.offsets.get(name, np.zeros(3)), "CHANNELS 3"
        if name == ROOT:
            kind, channels = "ROOT", "CHANNELS 6 Xposition Yposition Zposition"
        lines.extend([f"{pad}{kind} mixamorig:{name}", f"{pad}{{"])
        lines.append(f"{pad}\tOFFSET {_row(offset)}")
        lines.append(f"{pad}\t{channels} Zrotation Xrotation Yrotation")
        if _CHILDREN[name]:
            columns.append(euler_zxy(motion.rotations[name]))
            for child in _CHILDREN[name]:
                write(child, pad + "\t")
        else:
            columns.append(np.zeros((len(motion.root), 3)))
            tip = _row(np.array(BONES[name][1]) * _TIP_CM)
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {tip}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    write(ROOT, "")
    table = np.concatenate(columns, 1)
    timing = f"Frames: {len(table)}", f"Frame Time: {1 / fps:.10f}"
    lines += ["MOTION", *timing, *map(_row, table)]
    return "\n".join(lines) + "\n"


def at_constant_rate(joints3d: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """Poses (F, 16, 3) at rising ``steps`` as a pose at every whole step from 0 to the last: a file
    of motion has neither gaps nor a variable frame rate. Between poses lie straight lines; before
    the first one it stands still. Steps that are whole but for rounded timestamps change nothing.
    """
    whole = np.round(steps)
    steps = whole if np.abs(whole - steps).max() < _ROUNDED else np.asarray(steps)
    every = np.arange(int(whole[-1]) + 1)
    columns = joints3d.reshape(len(joints3d), -1).T
    filled = np.stack([np.interp(every, steps, column) for column in columns], -1)
    return filled.reshape(len(every), *joints3d.shape[1:])


class BvhFormat(PoseFormat):
    """Collects a clip, for bones are measured over all of it."""

    per_sequence = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._joints3d: list[np.ndarray] = []
        self._steps: list[float] = []

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._joints3d.append(result.pose.joints3d + result.pose.neck)
        self._steps.append(result.step(self.run.fps, self._steps[-1] if self._steps else 0))

    def finish(self, summary: Summary) -> None:
        joints3d = at_constant_rate(np.stack(self._joints3d), self._steps)
        self.stream.write(bvh_text(solve_motion(joints3d), self.run.fps))
