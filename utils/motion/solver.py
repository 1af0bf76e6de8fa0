"""Inverse kinematics: from joints to the rotations of a skeleton whose bones do not change."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.motion.rig import BONES, CAMERA_TO_RIG, NUM_RIG_JOINTS, PARENTS, REST, RIG_JOINTS

#: Most by which elbows and knees bend, degrees (Kapandji, "The Physiology of the Joints").
_ELBOW, _KNEE = math.radians(150), math.radians(155)
#: Rounds in which the two bones of a limb are turned in turn, and weight of its end.
_TURNS, _END = 4, 2.0
#: Weights of what else tells the twist of a limb, beside the plane of its bend, whose weight is the
#: sine of that: the least turn of an arm from the T-pose, the foot, and the hips.
_LEAST_TURN, _FOOT, _HIPS = 0.15, 0.3, 0.4
#: Metres, of the shortest bone: one without length has no direction.
_SHORTEST = 2e-3
#: Frames over which a live skeleton's bones are measured.
_MEASURED = 60

_ROW = {name: row for row, name in enumerate(JOINTS)}
_RIG = {name: row for row, name in enumerate(RIG_JOINTS)}
_SIDES = ("Left", "Right")
#: (2, 1) x of each side.
_OUT = np.array([[1.0], [-1.0]])


def _rows(index: dict[str, int], *names: str) -> list[list[int]]:
    return [[index[side + name] for side in _SIDES] for name in names]


_ARM, _FOREARM, _HAND = _rows(_ROW, "Arm", "ForeArm", "Hand")
_UPLEG, _LEG, _ANKLE, _TOES = _rows(_ROW, "UpLeg", "Leg", "Foot", "ToeBase")
_ARMS, _FOREARMS, _HANDS = _rows(_RIG, "Arm", "ForeArm", "Hand")
_UPLEGS, _LEGS, _FEET, _BALLS = _rows(_RIG, "UpLeg", "Leg", "Foot", "ToeBase")


class Motion(NamedTuple):
    """F frames of a skeleton, see :mod:`utils.motion.rig`."""

    offsets: np.ndarray  # (20, 3) metres, of each joint from its parent at rest
    root: np.ndarray  # (F, 3) metres, where the Hips are
    rotations: np.ndarray  # (F, 20, 4) quaternions x y z w, w ≥ 0, relative to the parents

    def frame(self, number: int) -> "Motion":
        """One of its frames."""
        return Motion(self.offsets, self.root[[number]], self.rotations[[number]])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As np.cross, at a fifth of its time for one frame."""
    rolled = a * b[..., (1, 2, 0)] - a[..., (1, 2, 0)] * b
    return rolled[..., (1, 2, 0)]


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(-1, keepdims=True))


def _unit(vectors: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """Of length 1; ``instead`` where they have none."""
    length = _length(vectors)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-12), instead)


def _across(vectors: np.ndarray) -> np.ndarray:
    """Any unit vectors at right angles to unit vectors."""
    least = np.abs(vectors).argmin(-1)
    found = _cross(vectors, np.eye(3)[least])
    return found / _length(found)


def _right_angle(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of vectors at right angles to unit vectors, of length 1."""
    found = vectors - (vectors * axis).sum(-1, keepdims=True) * axis
    return _unit(found, _across(axis))


def _turned(vectors: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Vectors at right angles to ``start``, after its least turn to ``end``."""
    cosine = (start * end).sum(-1, keepdims=True)
    along = (vectors * end).sum(-1, keepdims=True)
    return vectors - along / np.maximum(1 + cosine, 1e-6) * (start + end)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations whose first column is ``first``, and whose second is as near ``second``
    as can be."""
    second = _right_angle(second, first)
    return np.stack([first, second, _cross(first, second)], -1)


_X, _Y, _Z = np.eye(3)
#: Joint, of limbs of both sides → its bone and an axis of it at rest, as :func:`_frame`.
_AT_REST = {
    name: _frame(bone := REST[rows], np.broadcast_to(axis, bone.shape))
    for name, rows, axis in (
        *((name, _RIG[name], _X) for name in ("Spine1", "Neck", "Head")),
        *(("ForeArm", _FOREARMS, _Y), ("Hand", _HANDS, _Y)),
        *(("Leg", _LEGS, _X), ("Foot", _FEET, _X), ("ToeBase", _BALLS, _X)),
    )
}


def _aimed(name: str, bone: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations from rest of the bone to a joint to unit vectors (…, 3), with the axis as
    near as can be."""
    return _frame(bone, axis) @ np.swapaxes(_AT_REST[name], -1, -2)


def _limbs(
    start: np.ndarray, middle: np.ndarray, end: np.ndarray, upper: float, lower: float, most: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors along both bones of limbs, and where these end; the bones have these lengths and
    turn by ``most`` radians at most from one to the next. The sum of squared distances of middle
    and end from where they are asked for is the least, the end's counted twice."""
    middle, end = middle - start, end - start
    first = _unit(middle, REST[_RIG["LeftFoot"]])
    for _ in range(_TURNS):
        second = _unit(end - upper * first, first)
        first = _unit(middle + _END * (end - lower * second), first)
    second = _unit(end - upper * first, first)
    cosine = (first * second).sum(-1, keepdims=True)
    folded = math.cos(most) * first + math.sin(most) * _right_angle(second, first)
    second = np.where(cosine < math.cos(most), folded, second)
    return first, second, start + upper * first + lower * second


def bone_lengths(joints3d: np.ndarray) -> np.ndarray:
    """(F, 20) metres of the bones of F poses (F, 16, 3), of both sides the mean; see
    :func:`median_offsets`."""
    hips, chest = joints3d[:, _UPLEG].mean(1), joints3d[:, _ARM].mean(1)
    places = dict.fromkeys(("Hips", "Spine"), hips) | dict.fromkeys(("Spine1", "Spine2"), chest)
    places |= {name: joints3d[:, row] for name, row in _ROW.items()}
    lengths = np.zeros((len(joints3d), NUM_RIG_JOINTS))
    for name, (parent, _) in BONES.items():
        lengths[:, _RIG[name]] = _length(places[name] - places[parent])[:, 0]
    left, right = ([_RIG[name] for name in BONES if name.startswith(side)] for side in _SIDES)
    lengths[:, left] = lengths[:, right] = (lengths[:, left] + lengths[:, right]) / 2
    return lengths


def median_offsets(lengths: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """(20, 3) metres: where each joint is from its parent at rest, of bones as long as the medians
    of ``lengths`` (F, 20), where joints coincide of some length."""
    return REST * np.maximum(np.median(lengths, axis=0), _SHORTEST)[:, None]


def solve(joints3d: np.ndarray, offsets: np.ndarray, head: np.ndarray | None = None) -> Motion:
    """Rotations of a skeleton whose joints are where those of (F, 16, 3) poses are, as near as
    its bones allow; both in the rig's axes, metres.

    Positions do not tell how a bone is turned about itself. The hips and the chest face as hips and
    shoulders do. Elbow and knee are hinges: the upper arm and the thigh are turned so that the limb
    bends about their own axis, the nearly straight arm by the least turn from the T-pose, the
    nearly straight leg as foot and hips point. The spine and the neck share the turn between their
    ends. ``head`` (F, 3, 3) is the rotation of the head, which the camera is fixed to: by default
    the identity, as poses are in its axes."""
    joints3d = np.asarray(joints3d, np.float64)
    length = dict(zip(RIG_JOINTS, _length(offsets)[:, 0], strict=True))
    turned = np.empty((len(joints3d), NUM_RIG_JOINTS, 3, 3))
    turned[:, _RIG["Head"]] = np.eye(3) if head is None else head

    hips, chest = joints3d[:, _UPLEG].mean(1), joints3d[:, _ARM].mean(1)
    up = _unit(chest - hips, _Y)
    off = (_length(chest - hips) - length["Spine1"]) / 2 * up
    hips, chest = hips + off, chest - off
    hips_x = _unit(joints3d[:, _UPLEG[0]] - joints3d[:, _UPLEG[1]], _X)
    chest_x = _unit(joints3d[:, _ARM[0]] - joints3d[:, _ARM[1]], _X)
    to_neck = _unit(joints3d[:, _ROW["Neck"]] - chest, up)
    to_head = _unit(joints3d[:, _ROW["Head"]] - chest - length["Neck"] * to_neck, to_neck)
    turned[:, _RIG["Hips"]] = _frame(hips_x, up)
    turned[:, _RIG["Spine"]] = _aimed("Spine1", up, hips_x + chest_x)
    turned[:, _RIG["Spine1"]] = trunk = _frame(chest_x, up)
    turned[:, _RIG["Spine2"]] = _aimed("Neck", to_neck, chest_x)
    turned[:, _RIG["Neck"]] = _aimed("Head", to_head, chest_x + turned[:, _RIG["Head"], :, 0])

    # From here on (F, 2, …), left and right.
    hips_x, chest_x = hips_x[:, None], chest_x[:, None]
    start, asked = chest[:, None] + length["LeftArm"] * _OUT * chest_x, joints3d[:, _FOREARM]
    bones = length["LeftForeArm"], length["LeftHand"]
    upper, lower, _ = _limbs(start, asked, joints3d[:, _HAND], *bones, _ELBOW)
    least = _turned(np.broadcast_to(trunk[:, None, :, 1], upper.shape), _OUT * chest_x, upper)
    hinge = _right_angle(_LEAST_TURN * least - _OUT * _cross(upper, lower), upper)
    turned[:, _ARMS] = _aimed("ForeArm", upper, hinge)
    turned[:, _FOREARMS] = turned[:, _HANDS] = _aimed("Hand", lower, hinge)

    start, asked = hips[:, None] + length["LeftUpLeg"] * _OUT * hips_x, joints3d[:, _LEG]
    bones = length["LeftLeg"], length["LeftFoot"]
    thigh, shin, ankle = _limbs(start, asked, joints3d[:, _ANKLE], *bones, _KNEE)
    ahead = _unit(joints3d[:, _TOES] - ankle, _Z)
    # The thigh's own axis is not its bone, which begins ahead of it and closer to the middle.
    axis = -_aimed("Leg", thigh, hips_x)[..., 1]
    hinge = _cross(axis, shin) + _FOOT * _cross(ahead, axis) + _HIPS * hips_x
    turned[:, _UPLEGS] = _aimed("Leg", thigh, hinge)
    turned[:, _LEGS] = _aimed("Foot", shin, hinge)
    turned[:, _FEET] = turned[:, _BALLS] = _aimed("ToeBase", ahead, hinge)

    local = turned.copy()
    local[:, 1:] = np.swapaxes(turned[:, PARENTS[1:]], -1, -2) @ turned[:, 1:]
    quaternions = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat(canonical=True)
    return Motion(offsets, hips, quaternions.reshape(-1, NUM_RIG_JOINTS, 4))


def solve_clip(joints3d: np.ndarray, offsets: np.ndarray | None = None) -> Motion:
    """The motion of a clip of poses (F, 16, 3), metres, axes of a camera that looks straight down;
    each bone has its median length over the clip, or that of given ``offsets`` (20, 3)."""
    joints3d = np.asarray(joints3d, np.float64) @ CAMERA_TO_RIG.T
    if offsets is None:
        offsets = median_offsets(bone_lengths(joints3d))
    return solve(joints3d, offsets)


class LiveSolver:
    """As :func:`solve_clip`, frame by frame: bones are measured over the first frames and then
    stay."""

    def __init__(self, offsets: np.ndarray | None = None) -> None:
        self._offsets, self._lengths = offsets, []

    def __call__(self, joints3d: np.ndarray) -> Motion:
        """The motion of the next frame (1, 16, 3)."""
        if self._offsets is not None:
            return solve_clip(joints3d, self._offsets)
        self._lengths += [*bone_lengths(np.asarray(joints3d, np.float64))]
        offsets = median_offsets(self._lengths)
        if len(self._lengths) == _MEASURED:
            self._offsets = offsets
        return solve_clip(joints3d, offsets)
