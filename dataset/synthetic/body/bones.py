"""The bones of one body, and poses of it while they are placed."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.rotations import apply


class Bones:
    """Lengths and joints of one body in the T-pose, centimetres."""

    def __init__(self, body: Body):
        rig, heads = body.rig, body.heads
        self.parents = rig.parents
        self.row = {name: row for row, name in enumerate(rig.names)}
        self.step = np.zeros_like(heads)  # of each joint from its parent
        for row, parent in enumerate(rig.parents[1:], start=1):
            self.step[row] = body.to_tpose[parent] @ (heads[row] - heads[parent])
        self.arm = body.length("LeftArm", "LeftForeArm"), body.length("LeftForeArm", "LeftHand")
        self.leg = body.length("LeftUpLeg", "LeftLeg"), body.length("LeftLeg", "LeftFoot")
        self.arm_length, self.leg_length = sum(self.arm), sum(self.leg)
        hips = self.step[[self.row["LeftUpLeg"], self.row["RightUpLeg"]], 0]
        self.hip = float(hips[0] - hips[1]) / 2  # half the distance between the hips
        feet = np.isin(rig.main_bone, [self.row["LeftFoot"], self.row["LeftToeBase"]])
        # Height of the ankle above the sole.
        self.ankle = float(heads[self.row["LeftFoot"], 1] - body.vertices[feet, 1].min())

    def joints(self, turns: np.ndarray) -> np.ndarray:
        """(N, J, 3) centimetres: where bones turned by (N, J, 3, 3) end, the Hips at the origin."""
        joints = np.zeros(turns.shape[:-1])
        for row, parent in enumerate(self.parents[1:], start=1):
            joints[:, row] = joints[:, parent] + apply(turns[:, parent], self.step[row])
        return joints


class Placement:
    """N poses of one body while they are placed, from the Hips outwards.

    ``joints`` (N, J, 3) are centimetres, ``turns`` (N, J, 3, 3) those of the bones on top of the
    T-pose, ``poses`` the fields of the poses, see :func:`pose.stack`.
    """

    def __init__(self, bones: Bones, poses: dict[str, np.ndarray]):
        self.bones, self.poses = bones, poses
        self.joints = np.zeros((len(poses["pelvis"]), len(bones.row), 3))
        self.turns = np.tile(np.eye(3), (*self.joints.shape[:2], 1, 1))

    def joint(self, name: str) -> np.ndarray:
        """(N, 3) where a joint is."""
        return self.joints[:, self.bones.row[name]]

    def turn(self, name: str) -> np.ndarray:
        """(N, 3, 3) how a bone is turned."""
        return self.turns[:, self.bones.row[name]]

    def put(self, name: str, joint: np.ndarray, turn: np.ndarray) -> None:
        """Place a bone."""
        row = self.bones.row[name]
        self.joints[:, row], self.turns[:, row] = joint, turn

    def follow(self, name: str, turn: np.ndarray | None = None) -> None:
        """Hang a bone on its parent, turned by ``turn`` (N, 3, 3) in the parent's frame."""
        row = self.bones.row[name]
        parent = self.bones.parents[row]
        turned = self.turns[:, parent]
        joint = self.joints[:, parent] + apply(turned, self.bones.step[row])
        self.put(name, joint, turned if turn is None else turned @ turn)
