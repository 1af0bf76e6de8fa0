"""Weight over the feet, and feet on the floor."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.bones import Placement
from dataset.synthetic.body.limbs import SHORTEST_LEG
from dataset.synthetic.body.tpose import SIDES
from dataset.synthetic.rotations import apply


def ankle_places(placed: Placement, side: int) -> np.ndarray:
    """Where the ankles of one side (0 left, 1 right) go: (N, 3) centimetres.

    A heel that is lifted or set down first turns about the toes or the heel, which stay in place.
    """
    bones, poses = placed.bones, placed.poses
    name, sign = SIDES[side]
    hip = bones.step[bones.row[f"{name}UpLeg"]]
    place = poses["foot"][:, side] * bones.leg_length * np.array([sign, 1.0, 1.0])
    place += np.array([hip[0], bones.ankle, hip[2]])
    pitch = np.radians(poses["foot_pitch"][:, side])
    # Pivots ahead of and behind the ankle, and how high the ankle is above them.
    _, toe_up, toe_ahead = bones.step[bones.row["LeftToeBase"]]
    ahead = np.where(pitch < 0, toe_ahead, -0.3 * toe_ahead)
    above = np.where(pitch < 0, -toe_up, bones.ankle)
    c, s = np.cos(pitch), np.sin(pitch)
    along = ahead - (ahead * c + above * s)
    heading = np.radians(sign * poses["toe_out"][:, side])
    place[:, 0] += along * np.sin(heading)
    place[:, 1] += above * c - ahead * s - above
    place[:, 2] += along * np.cos(heading)
    return place


def settle(placed: Placement, feet: np.ndarray) -> None:
    """Move the trunk over the feet that bear it, and down as far as they have to reach.

    Moves the joints of poses with trunk and head placed; ``feet`` (N, 2, 3) are the ankles' places.
    """
    bones, poses, joints = placed.bones, placed.poses, placed.joints
    leg = bones.leg_length
    centre = 0.5 * placed.joint("Spine1") + 0.08 * placed.joint("Head")
    for side, (_, sign) in enumerate(SIDES):
        target = poses["hand"][:, side] * np.array([sign, 1.0, 1.0]) * bones.arm_length / 2
        target = target + np.array([sign * 0.2 * leg, 0.0, 0.0])
        centre += 0.05 * (placed.joint("Neck") + apply(placed.turn("Spine2"), target))
        centre += 0.16 * (joints[:, 0] + feet[:, side]) / 2
    bearing = np.clip(1.0 - poses["foot"][..., 1] / 0.25, 0.0, 1.0)
    weight = bearing * bearing * (3 - 2 * bearing) + 1e-3
    share = (weight / weight.sum(1, keepdims=True))[..., None]
    support = (share * (feet + np.array([0.0, 0.0, 0.1 * leg]))).sum(1)
    both = np.minimum(weight[:, 0], weight[:, 1])[:, None]
    room = np.abs(feet[:, 0] - feet[:, 1]) / 2 * both + np.array([4.0, 0.0, 8.0])
    off = (centre - support)[:, [0, 2]]
    excess = off - np.clip(off, -room[:, [0, 2]], room[:, [0, 2]])
    move = np.clip(-excess / 0.74, -0.3 * leg, 0.3 * leg) * poses["balance"][:, None]
    joints[:, :, [0, 2]] += move[:, None]

    # Down to where both feet reach the floor, up to where no leg is bent further than it can.
    planted = np.clip(1.0 - poses["foot"][..., 1] / 0.06, 0.0, 1.0)
    steps = bones.step[[bones.row["LeftUpLeg"], bones.row["RightUpLeg"]]]
    hips = joints[:, :1] + apply(placed.turns[:, :1], steps)
    apart = hips - feet
    flat = (apart[..., [0, 2]] ** 2).sum(-1)
    highest = np.sqrt(np.maximum((0.995 * leg) ** 2 - flat, 0.0))
    least = np.sqrt(np.maximum((SHORTEST_LEG * leg) ** 2 - flat, 0.0))
    lower = np.maximum(apart[..., 1] - highest, 0.0) * planted
    drop = np.minimum(lower, 0.4 * leg).max(1)
    rise = np.maximum(least - apart[..., 1], 0.0).max(1)
    joints[..., 1] += (rise - drop)[:, None]


class Ground:
    """The parts of one body that can touch the floor: a sample of vertices, two bones each."""

    def __init__(self, body: Body):
        rig = body.rig
        picked = [np.arange(0, len(rig.main_bone), 60)]
        for name in ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase"):
            own = np.flatnonzero(rig.main_bone == rig.index(name))
            soles = own[np.argsort(body.vertices[own, 1], kind="stable")]
            picked.append(soles[: len(own) // 3 : 3])
        picked = np.unique(np.concatenate(picked))
        weights = rig.weights[picked].astype(float)
        bones = np.argsort(-weights, axis=1, kind="stable")[:, :2]
        weights = np.take_along_axis(weights, bones, 1)
        self._weights = (weights / weights.sum(1, keepdims=True)).ravel()
        self._bones = bones.ravel()
        self._to_tpose = body.to_tpose[self._bones]
        points = np.repeat(body.vertices[picked].astype(float), 2, axis=0)
        self._local = points - body.heads[self._bones]

    def lowest(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(N,) height of the lowest vertex of a body with these joints and turned bones."""
        matrix = turns[:, self._bones] @ self._to_tpose
        moved = np.einsum("njb,jb->nj", matrix[..., 1, :], self._local) + joints[:, self._bones, 1]
        return (moved * self._weights).reshape(len(joints), -1, 2).sum(-1).min(-1)
