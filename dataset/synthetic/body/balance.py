"""Weight over the feet, and feet on the floor."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.bones import Bones
from dataset.synthetic.body.limbs import SHORTEST_LEG
from dataset.synthetic.rotations import apply


def ankle_places(bones: Bones, poses: dict[str, np.ndarray], side: int) -> np.ndarray:
    """Where the ankles of one side (0 left, 1 right) go: (N, 3) centimetres.

    A heel that is lifted or set down first turns about the toes or the heel, which stay where they
    are.
    """
    sign = (1.0, -1.0)[side]
    hip = bones.step[bones.row[("LeftUpLeg", "RightUpLeg")[side]]]
    place = poses["foot"][:, side] * bones.leg_length * np.array([sign, 1.0, 1.0])
    place += np.array([hip[0], bones.ankle, hip[2]])
    pitch = np.radians(poses["foot_pitch"][:, side])
    # Pivots ahead of and behind the ankle, and how high the ankle is above them.
    toe = bones.step[bones.row["LeftToeBase"]]
    ahead, above = (
        np.where(pitch < 0, toe[2], -0.3 * toe[2]),
        np.where(pitch < 0, -toe[1], bones.ankle),
    )
    c, s = np.cos(pitch), np.sin(pitch)
    lift = above * c - ahead * s - above
    along = ahead - (ahead * c + above * s)
    heading = np.radians(sign * poses["toe_out"][:, side])
    place[:, 0] += along * np.sin(heading)
    place[:, 1] += lift
    place[:, 2] += along * np.cos(heading)
    return place


def settle(
    bones: Bones,
    joints: np.ndarray,
    turns: np.ndarray,
    feet: np.ndarray,
    planted: np.ndarray,
    poses: dict[str, np.ndarray],
) -> None:
    """Move the trunk over the feet that bear it, and down as far as they have to reach.

    Args:
        bones: of the body.
        joints, turns: (N, J, 3) world centimetres and (N, J, 3, 3) on top of the T-pose, of which
            trunk and head are placed; joints are moved.
        feet: (N, 2, 3) where the ankles go, see :func:`ankle_places`.
        planted: (N, 2) how much a foot is on the floor, 0 to 1.
        poses: the fields of N poses, see :func:`pose.stack`.
    """
    row = bones.row
    centre = 0.5 * joints[:, row["Spine1"]] + 0.08 * joints[:, row["Head"]]
    for side, sign in ((0, 1.0), (1, -1.0)):
        target = poses["hand"][:, side] * np.array([sign, 1.0, 1.0]) * sum(bones.arm) / 2
        target = target + np.array([sign * 0.2 * bones.leg_length, 0.0, 0.0])
        reach = apply(turns[:, row["Spine2"]], target)
        centre += 0.05 * (joints[:, row["Neck"]] + reach)
        centre += 0.16 * (joints[:, 0] + feet[:, side]) / 2
    bearing = np.clip(1.0 - poses["foot"][..., 1] / 0.25, 0.0, 1.0)
    weight = bearing * bearing * (3 - 2 * bearing) + 1e-3
    share = (weight / weight.sum(1, keepdims=True))[..., None]
    sole = feet + np.array([0.0, 0.0, 0.1 * bones.leg_length])
    support = (share * sole).sum(1)
    both = np.minimum(weight[:, 0], weight[:, 1])[:, None]
    room = np.abs(feet[:, 0] - feet[:, 1]) / 2 * both + np.array([4.0, 0.0, 8.0])
    off = (centre - support)[:, [0, 2]]
    excess = off - np.clip(off, -room[:, [0, 2]], room[:, [0, 2]])
    limit = 0.3 * bones.leg_length
    move = np.clip(-excess / 0.74, -limit, limit) * poses["balance"][:, None]
    joints[:, :, 0] += move[:, :1]
    joints[:, :, 2] += move[:, 1:]

    # Down to where both feet reach the floor, up to where no leg is bent further than it can.
    drop, rise = np.zeros(len(joints)), np.zeros(len(joints))
    for side, name in enumerate(("LeftUpLeg", "RightUpLeg")):
        hip = joints[:, 0] + apply(turns[:, 0], bones.step[row[name]])
        apart = hip - feet[:, side]
        flat = (apart[:, [0, 2]] ** 2).sum(1)
        highest = np.sqrt(np.maximum((0.995 * bones.leg_length) ** 2 - flat, 0.0))
        lower = np.maximum(apart[:, 1] - highest, 0.0) * planted[:, side]
        drop = np.maximum(drop, np.minimum(lower, 0.4 * bones.leg_length))
        least = np.sqrt(np.maximum((SHORTEST_LEG * bones.leg_length) ** 2 - flat, 0.0))
        rise = np.maximum(rise, np.maximum(least - apart[:, 1], 0.0))
    joints[..., 1] += (rise - drop)[:, None]


class Ground:
    """The parts of one body that can touch the floor."""

    def __init__(self, body: Body):
        rows, self._weights, points = _ground_vertices(body)
        self._rows = rows
        self._to_tpose = body.to_tpose[rows]
        self._local = points - body.heads[rows]

    def lowest(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(N,) height of the lowest vertex of a body with these joints and turned bones."""
        matrix = turns[:, self._rows] @ self._to_tpose
        moved = np.einsum("njb,jb->nj", matrix[..., 1, :], self._local) + joints[:, self._rows, 1]
        return (moved * self._weights).reshape(len(joints), -1, 2).sum(-1).min(-1)


def _ground_vertices(body: Body) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sample of vertices as two (bone, weight, rest position) entries each."""
    rig = body.rig
    soles = []
    for name in ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase"):
        own = np.flatnonzero(rig.main_bone == rig.index(name))
        soles.append(own[np.argsort(body.vertices[own, 1], kind="stable")[: len(own) // 3 : 3]])
    picked = np.unique(np.concatenate([*soles, np.arange(0, len(rig.main_bone), 60)]))
    weights = rig.weights[picked].astype(float)
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :2]
    weights = np.take_along_axis(weights, bones, 1)
    weights /= weights.sum(1, keepdims=True)
    points = np.repeat(body.vertices[picked].astype(float), 2, axis=0)
    return bones.ravel(), weights.ravel(), points
