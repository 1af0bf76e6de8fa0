"""From a description of a pose to joints: spine by angles, arms and legs by where they reach.

The weight comes to rest over the feet, and the lowest point on the floor.
"""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.collisions import CollisionVolumes
from dataset.synthetic.body.limbs import SHORTEST_LEG, Bones, Placement, place_arm, place_leg
from dataset.synthetic.body.pose import within_limits
from dataset.synthetic.rotations import SIDES, apply, rotation

#: From the top of a seat to the Hips joint of someone on it, centimetres.
_SEAT_TO_HIPS = 13.0


def _bend(angles: np.ndarray) -> np.ndarray:
    """(N, 3, 3) turns by (N, 3) degrees: forward, to the left, sideways to the right."""
    forward, left, right = angles.T
    return rotation("y", left) @ rotation("x", forward) @ rotation("z", right)


class Poser:
    """Poses one body, many poses at once; keeps its hands out of its ``volumes``."""

    def __init__(self, body: Body):
        self.body, self.bones, self.volumes = body, Bones(body), CollisionVolumes(body)
        # What can touch the floor: a sample of vertices, each moved by two bones.
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
        self._shares = (weights / weights.sum(1, keepdims=True)).ravel()
        self._movers = bones.ravel()
        points = np.repeat(body.vertices[picked].astype(float), 2, axis=0)
        self._points = points - body.heads[self._movers]

    def place(self, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Pose the body with its lowest point on the floor y = 0, facing +z: (N, J, 3) joints,
        centimetres, and (N, J, 3, 3) turns of the bones on top of the T-pose, of the fields of N
        poses (:func:`pose.stack`)."""
        poses = within_limits(poses)
        bones = self.bones
        placed = Placement(bones, poses)
        hips = poses["pelvis"] * bones.leg_length
        hips[:, 1] += bones.ankle + bones.leg_length - bones.step[bones.row["LeftUpLeg"], 1]
        placed.put("Hips", hips, _bend(poses["pelvis_turn"]))
        for name in ("Spine", "Spine1", "Spine2"):
            placed.follow(name, _bend(poses["spine"] / 3))
        for name, share in (("Neck", 0.4), ("Head", 0.6)):
            placed.follow(name, _bend(poses["head"] * share))
        feet = np.stack([_ankle_places(placed, side) for side in (0, 1)], 1)
        _settle(placed, feet)
        for side in (0, 1):
            place_leg(placed, side, feet[:, side])
        for side in (0, 1):  # kept out of both thighs
            place_arm(placed, self.volumes, side)
        placed.joints[..., 1] -= self._lowest(placed.joints, placed.turns)[:, None]
        return placed.joints, placed.turns

    def stand(self, turns: np.ndarray, height: np.ndarray) -> np.ndarray:
        """(N, J, 3) joints of bones turned by (N, J, 3, 3), the Hips at x = z = 0, the lowest point
        ``height`` (N,) above the floor y = 0, centimetres."""
        joints = self.bones.joints(turns)
        joints[..., 1] += (height - self._lowest(joints, turns))[:, None]
        return joints

    def _lowest(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(N,) height of the lowest vertex."""
        matrix = turns[:, self._movers] @ self.body.to_tpose[self._movers]
        moved = np.einsum("njb,jb->nj", matrix[..., 1, :], self._points)
        moved += joints[:, self._movers, 1]
        return (moved * self._shares).reshape(len(joints), -1, 2).sum(-1).min(-1)

    def seat_height(self, seat: np.ndarray) -> np.ndarray:
        """Centimetres from the floor of a seat of (N,) leg lengths, as sat on."""
        bones = self.bones
        thigh = bones.step[bones.row["LeftUpLeg"], 1]
        return bones.leg_length * (seat + 0.1) + bones.ankle - thigh - _SEAT_TO_HIPS


def _ankle_places(placed: Placement, side: int) -> np.ndarray:
    """Where the ankles of one side (0 left, 1 right) go: (N, 3) centimetres.  A pitched foot turns
    about its toes or its heel, which stay in place."""
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


def _settle(placed: Placement, feet: np.ndarray) -> None:
    """Move the joints of poses with trunk and head placed over their feet, whose ankles are
    at ``feet`` (N, 2, 3), and down as far as they have to reach."""
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
