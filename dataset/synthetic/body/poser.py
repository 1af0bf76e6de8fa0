"""From a description of a pose to joints: spine by angles, arms and legs by where they reach."""

import numpy as np

from dataset.synthetic.body.balance import Ground, ankle_places, settle
from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.bones import Bones, Placement
from dataset.synthetic.body.collisions import CollisionVolumes
from dataset.synthetic.body.limbs import place_arm, place_leg
from dataset.synthetic.body.pose import within_limits
from dataset.synthetic.rotations import rotation

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
        self._ground = Ground(body)

    def place(self, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Pose the body with its lowest point on the floor y = 0, facing +z.

        Of the fields of N poses, see :func:`pose.stack`, come (N, J, 3) joints, centimetres, and
        (N, J, 3, 3) turns of the bones on top of the T-pose.
        """
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
        feet = np.stack([ankle_places(placed, side) for side in (0, 1)], 1)
        settle(placed, feet)
        for side in (0, 1):
            place_leg(placed, side, feet[:, side])
        for side in (0, 1):
            place_arm(placed, self.volumes, side)
        placed.joints[..., 1] -= self._ground.lowest(placed.joints, placed.turns)[:, None]
        return placed.joints, placed.turns

    def stand(self, turns: np.ndarray, height: np.ndarray) -> np.ndarray:
        """(N, J, 3) joints of bones turned by (N, J, 3, 3), the Hips at x = z = 0, centimetres.

        The lowest point is ``height`` (N,) centimetres above the floor y = 0.
        """
        joints = self.bones.joints(turns)
        joints[..., 1] += (height - self._ground.lowest(joints, turns))[:, None]
        return joints

    def seat_height(self, seat: np.ndarray) -> np.ndarray:
        """Centimetres from the floor of a seat of (N,) leg lengths, as sat on."""
        bones = self.bones
        thigh = bones.step[bones.row["LeftUpLeg"], 1]
        return bones.leg_length * (seat + 0.1) + bones.ankle - thigh - _SEAT_TO_HIPS
