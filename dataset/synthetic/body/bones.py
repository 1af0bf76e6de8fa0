"""The bones of one body: how long they are, and how each hangs on the one before it."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.rotations import apply


class Bones:
    """Lengths and joints of one body in the T-pose, centimetres.

    Attributes:
        row: row of each joint by its name.
        step: (J, 3) each joint from its parent.
        arm, leg: lengths of upper arm and forearm, of thigh and shank.
        leg_length: of both together.
        hip: half the distance between the hips.
        ankle: height of the ankle above the sole.
    """

    def __init__(self, body: Body):
        rig = body.rig
        self._parents = rig.parents
        self.row = {name: row for row, name in enumerate(rig.names)}
        heads = body.heads
        self.step = np.zeros_like(heads)
        for row, parent in enumerate(rig.parents):
            if parent >= 0:
                self.step[row] = body.to_tpose[parent] @ (heads[row] - heads[parent])
        self.arm = body.length("LeftArm", "LeftForeArm"), body.length("LeftForeArm", "LeftHand")
        self.leg = body.length("LeftUpLeg", "LeftLeg"), body.length("LeftLeg", "LeftFoot")
        self.leg_length = sum(self.leg)
        hips = self.step[[self.row["LeftUpLeg"], self.row["RightUpLeg"]], 0]
        self.hip = float(hips[0] - hips[1]) / 2
        feet = np.isin(rig.main_bone, [self.row["LeftFoot"], self.row["LeftToeBase"]])
        sole = body.vertices[feet, 1].min()
        self.ankle = float(heads[self.row["LeftFoot"], 1] - sole)

    def joints(self, turns: np.ndarray) -> np.ndarray:
        """(N, J, 3) centimetres: where bones turned by (N, J, 3, 3) end, the Hips at the origin."""
        joints = np.zeros(turns.shape[:-1])
        for row, parent in enumerate(self._parents):
            if parent >= 0:
                step = apply(turns[:, parent], self.step[row])
                joints[:, row] = joints[:, parent] + step
        return joints

    def follow(
        self, joints: np.ndarray, turns: np.ndarray, name: str, turn: np.ndarray | None = None
    ) -> None:
        """Hang a bone on its parent, turned by ``turn`` in the parent's frame."""
        row = self.row[name]
        parent = self._parents[row]
        joints[:, row] = joints[:, parent] + apply(turns[:, parent], self.step[row])
        turns[:, row] = turns[:, parent] if turn is None else turns[:, parent] @ turn
