"""What formats of moving skeletons share."""

from typing import Any

import numpy as np

from base.skeleton import JOINTS
from utils.inference.results import FramePose, PoseFormat
from utils.motion.rig import RIG_JOINTS, forward_kinematics
from utils.motion.solver import Motion

_OURS = [RIG_JOINTS.index(name) for name in JOINTS]


class ClipFormat(PoseFormat):
    """Collects the motion of a sequence."""

    per_sequence = True
    needs_motion = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._motions: list[Motion] = []
        self.seconds: list[float] = []  # when they are

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._motions.append(result.motion)
        self.seconds.append(result.seconds(self.run.fps))

    def motion(self) -> Motion:
        """All of it, with the floor at zero."""
        root = np.concatenate([motion.root for motion in self._motions])
        rotations = np.concatenate([motion.rotations for motion in self._motions])
        whole = Motion(self._motions[-1].offsets, root, rotations)
        if self.run.motion == "camera":
            # The camera moves with the head: the floor is at the median height of the lowest joint.
            places, _ = forward_kinematics(*whole)
            root[:, 1] -= np.median(places[:, _OURS, 1].min(1))
        return whole
