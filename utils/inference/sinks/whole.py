"""What formats that need all results of a run or of a sequence at once share."""

from typing import Any

import numpy as np

from utils.inference.outputs import FramePose, PoseFormat
from utils.motion.rig import JOINT_ROWS, forward_kinematics
from utils.motion.solver import Motion


class WholeFormat(PoseFormat):
    """Collects results."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.results: list[FramePose] = []

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self.results.append(result)


class ClipFormat(WholeFormat):
    """Those of a sequence, with their motion."""

    per_sequence = True
    needs_motion = True

    def motion(self) -> Motion:
        """All of it, with the floor at zero."""
        motions = [result.motion for result in self.results]
        root = np.concatenate([motion.root for motion in motions])
        rotations = np.concatenate([motion.rotations for motion in motions])
        whole = Motion(motions[-1].offsets, root, rotations)
        if self.run.motion == "camera":
            # The camera moves with the head: the floor is at the median height of the lowest joint.
            places, _ = forward_kinematics(*whole)
            root[:, 1] -= np.median(places[:, JOINT_ROWS, 1].min(1))
        return whole
