"""``poses.bvh``: motion for animation tools, a skeleton with Mixamo's names, turned at joints."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.files import replacing
from base.skeleton import JOINTS
from utils.inference.results import FrameResult, Sink, Summary

_CENTIMETRES = 100.0
#: Length of a bone that ends without a joint of ours, centimetres: for the eye only.
_TIP_CM = 8.0

#: x to the wearer's left, y forward, z down → x to the left, y up, z forward, as Mixamo has it.
CAMERA_TO_BVH = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@dataclass(frozen=True, slots=True)
class _Bone:
    """A joint of the file.

    Attributes:
        parent: name of its parent.
        rest: direction from the parent in the rest pose, a T-pose that looks along +z; zero for a
            joint that sits on its parent and only turns what hangs on it.
    """

    parent: str
    rest: tuple[float, float, float]


_UP, _DOWN, _LEFT, _RIGHT, _AHEAD, _HERE = (
    (0.0, 1.0, 0.0),
    (0.0, -1.0, 0.0),
    (1.0, 0.0, 0.0),
    (-1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0),
    (0.0, 0.0, 0.0),
)

ROOT = "Hips"
#: Joints in the order of the file, each after its parent.  One rotation aims one bone exactly, so
#: the spine starts on the Hips, and the neck on the Spine1, with joints of their own.
BONES: dict[str, _Bone] = {
    "Spine": _Bone(ROOT, _HERE),
    "Spine1": _Bone("Spine", _UP),
    "Spine2": _Bone("Spine1", _HERE),
    "Neck": _Bone("Spine2", _UP),
    "Head": _Bone("Neck", _UP),
    **{
        f"{side}{name}": _Bone(parent if parent in (ROOT, "Spine1") else side + parent, rest)
        for side, out in (("Left", _LEFT), ("Right", _RIGHT))
        for name, parent, rest in (
            ("Arm", "Spine1", out),
            ("ForeArm", "Arm", out),
            ("Hand", "ForeArm", out),
            ("UpLeg", ROOT, out),
            ("Leg", "UpLeg", _DOWN),
            ("Foot", "Leg", _DOWN),
            ("ToeBase", "Foot", _AHEAD),
        )
    },
}
_CHILDREN = {
    name: [child for child, bone in BONES.items() if bone.parent == name] for name in (ROOT, *BONES)
}


def _places(joints3d: np.ndarray) -> dict[str, np.ndarray]:
    """Where the file's joints are: name → (F, 3); those between ours lie half-way."""
    places = {name: joints3d[:, row] for row, name in enumerate(JOINTS)}
    places[ROOT] = (places["LeftUpLeg"] + places["RightUpLeg"]) / 2
    chest = (places["LeftArm"] + places["RightArm"]) / 2
    return places | {"Spine": places[ROOT], "Spine1": chest, "Spine2": chest}


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _facing(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) whose x axis is ``left`` and whose y axis is as near ``up`` as can be."""
    x = _unit(left)
    z = np.cross(x, up)
    # Where the two are parallel, any facing is as good as another.
    flat = np.linalg.norm(z, axis=-1) < 1e-6
    z[flat] = np.cross(x[flat], _unit(x[flat][:, [1, 2, 0]] + [0.1, 0.2, 0.3]))
    z = _unit(z)
    return np.stack([x, np.cross(z, x), z], -1)


def _swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotations (F, 3, 3) that turn unit vectors ``start`` (F, 3) to ``end`` (F, 3).

    Rodrigues' formula; for opposite vectors a half turn about any axis across them.
    """
    axis, cosine = np.cross(start, end), (start * end).sum(-1)
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    rotation = np.eye(3) + cross + cross @ cross / np.maximum(1 + cosine, 1e-9)[:, None, None]
    for row in np.flatnonzero(cosine < -1 + 1e-9):
        across = _unit(np.cross(start[row], np.eye(3)[np.argmin(np.abs(start[row]))]))
        rotation[row] = 2 * np.outer(across, across) - np.eye(3)
    return rotation


@dataclass(frozen=True)
class Motion:
    """A clip as the file holds it.

    Attributes:
        offsets: joint → (3,) centimetres from its parent in the rest pose.
        root: (F, 3) centimetres, where the Hips are.
        rotations: joint that has children → (F, 3, 3), relative to its parent.
    """

    offsets: dict[str, np.ndarray]
    root: np.ndarray
    rotations: dict[str, np.ndarray]


def solve_motion(joints3d: np.ndarray) -> Motion:
    """Inverse kinematics: constant bones, turned to where the joints are.

    A bone is as long as its median over the clip.  The Hips and the chest face as the hips and
    shoulders do; every other bone takes the smallest turn from its parent's, so that limbs do not
    twist about themselves more than they must (positions do not tell how much they really do).

    Args:
        joints3d: (F, 16, 3) metres, camera frame.
    """
    places = _places(np.asarray(joints3d, np.float64) @ CAMERA_TO_BVH.T * _CENTIMETRES)
    offsets = {}
    for name, bone in BONES.items():
        length = np.median(np.linalg.norm(places[name] - places[bone.parent], axis=-1))
        offsets[name] = np.array(bone.rest) * length
    across = places["LeftUpLeg"] - places["RightUpLeg"]
    turned = {ROOT: _facing(across, places["Spine1"] - places[ROOT])}
    for name, bone in BONES.items():
        children = _CHILDREN[name]
        if not children:
            continue
        parent = turned[bone.parent]
        if name == "Spine1":
            across = places["LeftArm"] - places["RightArm"]
            turned[name] = _facing(across, places["Neck"] - places["Spine1"])
            continue
        (child,) = children
        aim = _unit(places[child] - places[name])
        start = parent @ np.array(BONES[child].rest)
        lost = np.linalg.norm(aim, axis=-1) < 0.5
        aim[lost] = start[lost]
        turned[name] = _swing(start, aim) @ parent
    rotations = {
        name: rotation if name == ROOT else turned[BONES[name].parent].transpose(0, 2, 1) @ rotation
        for name, rotation in turned.items()
    }
    root = places[ROOT].copy()
    # The floor at zero: the camera, which is the origin, moves with the head.
    root[:, 1] -= np.median(np.min([places[name][:, 1] for name in JOINTS], axis=0))
    return Motion(offsets, root, rotations)


def euler_zxy(rotations: np.ndarray) -> np.ndarray:
    """Angles (F, 3), degrees, about z, x, y with R = Rz · Rx · Ry, without jumps in time."""
    r = rotations
    x = np.arcsin(np.clip(r[:, 2, 1], -1, 1))
    z = np.arctan2(-r[:, 0, 1], r[:, 1, 1])
    y = np.arctan2(-r[:, 2, 0], r[:, 2, 2])
    # Looking straight up or down, only z ± y is determined.
    locked = np.abs(r[:, 2, 1]) > 1 - 1e-9
    y[locked] = 0.0
    z[locked] = np.arctan2(r[locked, 1, 0], r[locked, 0, 0])
    return np.degrees(np.unwrap(np.stack([z, x, y], -1), axis=0))


def bvh_text(motion: Motion, fps: float) -> str:
    """The file's content: hierarchy, then one line a frame."""
    columns: list[np.ndarray] = []
    lines = ["HIERARCHY"]

    def write(name: str, depth: int) -> None:
        pad = "\t" * depth
        offset = np.zeros(3) if name == ROOT else motion.offsets[name]
        lines.append(f"{pad}{'ROOT' if name == ROOT else 'JOINT'} mixamorig:{name}")
        lines.append(f"{pad}{{")
        lines.append(f"{pad}\tOFFSET {' '.join(f'{v:.6f}' for v in offset)}")
        turns = "Zrotation Xrotation Yrotation"
        if name == ROOT:
            lines.append(f"{pad}\tCHANNELS 6 Xposition Yposition Zposition {turns}")
            columns.append(motion.root)
        else:
            lines.append(f"{pad}\tCHANNELS 3 {turns}")
        still = np.broadcast_to(np.eye(3), (len(motion.root), 3, 3))
        columns.append(euler_zxy(motion.rotations.get(name, still)))
        for child in _CHILDREN[name]:
            write(child, depth + 1)
        if not _CHILDREN[name]:
            tip = np.array(BONES[name].rest) * _TIP_CM
            lines.append(f"{pad}\tEnd Site")
            lines.append(f"{pad}\t{{")
            lines.append(f"{pad}\t\tOFFSET {' '.join(f'{v:.6f}' for v in tip)}")
            lines.append(f"{pad}\t}}")
        lines.append(f"{pad}}}")

    write(ROOT, 0)
    table = np.concatenate(columns, 1)
    lines += ["MOTION", f"Frames: {len(table)}", f"Frame Time: {1 / fps:.8f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in table]
    return "\n".join(lines) + "\n"


def without_gaps(joints3d: np.ndarray, indices: Sequence[int]) -> np.ndarray:
    """A pose for every index from 0 to the last, so that each frame is at its time.

    A file of motion has no gaps: they are filled in straight lines, the first one with the first
    pose.

    Args:
        joints3d: (F, 16, 3) metres.
        indices: F places in time, rising.

    Returns:
        (last index + 1, 16, 3).
    """
    every = np.arange(indices[-1] + 1)
    columns = joints3d.reshape(len(joints3d), -1).T
    filled = np.stack([np.interp(every, indices, column) for column in columns], -1)
    return filled.reshape(len(every), *joints3d.shape[1:])


class BvhSink(Sink):
    """Collects a clip; bones are measured over all of it."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._joints3d: list[np.ndarray] = []
        self._times: list[float | None] = []
        self._indices: list[int] = []

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        self._joints3d.append(result.pose.joints3d + result.pose.neck)
        self._times.append(result.time)
        self._indices.append(result.index)

    def finish(self, summary: Summary) -> None:
        """Write the clip; its frame rate is that of the timestamps where there are any."""
        fps = self._fps
        if len(self._times) > 1 and None not in self._times:
            fps = 1 / max(float(np.median(np.diff(self._times))), 1e-3)
        joints3d = without_gaps(np.stack(self._joints3d), self._indices)
        text = bvh_text(solve_motion(joints3d), fps)
        self._path.write_text(text, encoding="ascii")


@contextmanager
def writing_bvh(path: Path, fps: float) -> Iterator[BvhSink]:
    """The clip under way; the file takes its place at the end, and not at all after an error.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary:
        yield BvhSink(temporary, fps)
