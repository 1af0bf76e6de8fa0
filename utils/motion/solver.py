"""Inverse kinematics: from joints to the rotations of a skeleton whose bones do not change."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.motion.rig import BONES, CAMERA_TO_RIG, NUM_RIG_JOINTS, PARENTS, REST, RIG_JOINTS

#: Most by which elbows and knees bend, degrees (Kapandji, "The Physiology of the Joints").
_ELBOW, _KNEE = 150.0, 155.0
#: Weights of what else tells the twist of a limb, beside the plane of its bend, whose weight is the
#: sine of that: the least turn of an arm from the T-pose, the foot, and the hips.
_LEAST_TURN, _FOOT, _HIPS = 0.3, 0.3, 0.15
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


class Motion(NamedTuple):
    """F frames of a skeleton, see :mod:`utils.motion.rig`."""

    offsets: np.ndarray  # (20, 3) metres, of each joint from its parent at rest
    root: np.ndarray  # (F, 3) metres, where the Hips are
    rotations: np.ndarray  # (F, 20, 4) quaternions x y z w, w ≥ 0, relative to the parents


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


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations whose x and y axes these are."""
    return np.stack([x, y, _cross(x, y)], -1)


def _bend(
    start: np.ndarray,
    middle: np.ndarray,
    end: np.ndarray,
    upper: float,
    lower: float,
    most: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Where the middle and the end of limbs of two bones of these lengths are: the end where it is
    asked for if it is in reach, at most ``most`` degrees bent, the middle nearest to where it is
    asked for."""
    folded = math.sqrt(upper**2 + lower**2 + 2 * upper * lower * math.cos(math.radians(most)))
    away = end - start
    along = _unit(away, _unit(middle - start, REST[_RIG["Spine1"]]))
    reach = np.clip(_length(away), max(folded, 1e-6), max(upper + lower, 1e-6))
    foot = (upper**2 - lower**2 + reach**2) / (2 * reach)
    height = np.sqrt(np.maximum(upper**2 - foot**2, 0))
    pole = _right_angle(middle - start, along)
    return start + foot * along + height * pole, start + reach * along


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
    of ``lengths`` (F, 20)."""
    return REST * np.median(lengths, axis=0)[:, None]


def solve(joints3d: np.ndarray, offsets: np.ndarray, head: np.ndarray | None = None) -> Motion:
    """Rotations of a skeleton whose joints are where those of (F, 16, 3) poses are, as far as its
    bones allow; both in the rig's axes, metres. Wrists and ankles are kept where they are in reach,
    and elbows and knees are as near as can be; a trunk that is too long or short is met half-way.

    Positions do not tell how a bone is turned about itself. The hips and the chest face as hips and
    shoulders do. Elbow and knee are hinges: the upper arm and the thigh are turned so that the limb
    bends about their own axis, the nearly straight arm by the least turn from the T-pose, the
    nearly straight leg as foot and hips point. The spine and the neck share the turn between their
    ends. ``head`` (F, 3, 3) is the rotation of the head, which the camera is fixed to: by default
    the identity, as poses are in its axes."""
    joints3d = np.asarray(joints3d, np.float64)
    length = _length(offsets)[:, 0]
    size = {name: length[_RIG["Left" + name]] for name in ("Arm", "ForeArm", "Hand", "UpLeg")}
    size |= {name: length[_RIG["Left" + name]] for name in ("Leg", "Foot", "ToeBase")}
    x, y, z = np.eye(3)
    frames = len(joints3d)

    hips, chest = joints3d[:, _UPLEG].mean(1), joints3d[:, _ARM].mean(1)
    up = _unit(chest - hips, y)
    off = (_length(chest - hips) - length[_RIG["Spine1"]]) / 2 * up
    hips, chest = hips + off, chest - off
    hips_x = _unit(joints3d[:, _UPLEG[0]] - joints3d[:, _UPLEG[1]], x)
    chest_x = _unit(joints3d[:, _ARM[0]] - joints3d[:, _ARM[1]], x)
    to_neck = _unit(joints3d[:, _ROW["Neck"]] - chest, up)
    neck = chest + length[_RIG["Neck"]] * to_neck
    to_head = _unit(joints3d[:, _ROW["Head"]] - neck, to_neck)
    turned = np.empty((frames, NUM_RIG_JOINTS, 3, 3))
    head = np.broadcast_to(np.eye(3) if head is None else head, (frames, 3, 3))
    chest_y = _right_angle(to_neck, chest_x)
    for name, across, upward in (
        ("Spine", hips_x + chest_x, up),
        ("Spine2", chest_x, to_neck),
        ("Neck", chest_x + head[:, :, 0], to_head),
    ):
        turned[:, _RIG[name]] = _frame(_right_angle(across, upward), upward)
    turned[:, _RIG["Hips"]] = _frame(hips_x, _right_angle(up, hips_x))
    turned[:, _RIG["Spine1"]] = _frame(chest_x, chest_y)
    turned[:, _RIG["Head"]] = head

    # From here on (F, 2, …), left and right.
    shoulder = chest[:, None] + size["Arm"] * _OUT * chest_x[:, None]
    asked = joints3d[:, _FOREARM], joints3d[:, _HAND]
    elbow, hand = _bend(shoulder, *asked, size["ForeArm"], size["Hand"], _ELBOW)
    rest = _OUT * chest_x[:, None]
    upper = _unit(elbow - shoulder, rest)
    lower = _unit(hand - elbow, upper)
    least = _turned(np.broadcast_to(chest_y[:, None], upper.shape), rest, upper)
    hinge = _right_angle(_LEAST_TURN * least - _OUT * _cross(upper, lower), upper)
    (arm, forearm, end), (upleg, leg, foot, toes) = (
        _rows(_RIG, "Arm", "ForeArm", "Hand"),
        _rows(_RIG, "UpLeg", "Leg", "Foot", "ToeBase"),
    )
    turned[:, arm] = _frame(_OUT * upper, hinge)
    turned[:, forearm] = _frame(_OUT * lower, _right_angle(hinge, lower))
    turned[:, end] = turned[:, forearm]

    hip = hips[:, None] + size["UpLeg"] * _OUT * hips_x[:, None]
    knee, ankle = _bend(hip, joints3d[:, _LEG], joints3d[:, _ANKLE], size["Leg"], size["Foot"], _KNEE)
    thigh = _unit(knee - hip, -y)
    shin = _unit(ankle - knee, thigh)
    ahead = _unit(joints3d[:, _TOES] - ankle, z)
    hinge = _cross(thigh, shin) + _FOOT * _cross(ahead, thigh) + _HIPS * hips_x[:, None]
    hinge = _right_angle(hinge, thigh)
    turned[:, upleg] = _frame(hinge, -thigh)
    turned[:, leg] = _frame(_right_angle(hinge, shin), -shin)
    hinge = _right_angle(hinge, ahead)
    # At rest the foot slopes, so its bone is none of its axes.
    slope = REST[_RIG["LeftToeBase"]]
    at_rest = _frame(slope, x)
    turned[:, foot] = _frame(ahead, hinge) @ at_rest.T
    turned[:, toes] = turned[:, foot]

    local = turned.copy()
    local[:, 1:] = np.swapaxes(turned[:, PARENTS[1:]], -1, -2) @ turned[:, 1:]
    quaternions = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat(canonical=True)
    return Motion(offsets, hips, quaternions.reshape(frames, NUM_RIG_JOINTS, 4))


def solve_clip(joints3d: np.ndarray) -> Motion:
    """The motion of a clip of poses (F, 16, 3), metres, axes of a camera that looks straight down;
    each bone has its median length over the clip."""
    joints3d = np.asarray(joints3d, np.float64) @ CAMERA_TO_RIG.T
    return solve(joints3d, median_offsets(bone_lengths(joints3d)))


class LiveSolver:
    """As :func:`solve_clip`, frame by frame: bones are measured over the first frames and then
    stay, or are the given ``offsets`` (20, 3), metres."""

    def __init__(self, offsets: np.ndarray | None = None) -> None:
        self._offsets, self._lengths = offsets, []

    def __call__(self, joints3d: np.ndarray) -> Motion:
        """The motion of one frame (16, 3), metres, camera's axes."""
        joints3d = (np.asarray(joints3d, np.float64) @ CAMERA_TO_RIG.T)[None]
        offsets = self._offsets
        if offsets is None:
            self._lengths.append(bone_lengths(joints3d)[0])
            offsets = median_offsets(self._lengths)
            if len(self._lengths) == _MEASURED:
                self._offsets = offsets
        return solve(joints3d, offsets)
