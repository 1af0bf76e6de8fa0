"""All metrics of a run over labelled frames, streaming."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.actions import action_group
from base.base_eval import BaseEval
from base.frame import FrameId
from utils.metrics.measures import frame_measures
from utils.metrics.motion import MotionMetrics
from utils.metrics.summary import summarise
from utils.metrics.sums import SumTable


class PoseMetrics(BaseEval):
    """The official protocol and everything beyond it, in memory that does not grow with frames.

    Objects fed by several processes, each with some of the frames, can be pickled and merged into
    what one would have measured on all of them.

    Args:
        mean_pose: (16, 3) metres, any origin: measured as a baseline on the same frames.
    """

    def __init__(self, mean_pose: np.ndarray | None = None) -> None:
        self.mean_pose = mean_pose
        self.sums = SumTable()
        self.motion = MotionMetrics()

    def update(
        self,
        predicted: np.ndarray,
        target: np.ndarray,
        actions: Sequence[str],
        frame_ids: Sequence[FrameId] | None = None,
        visible: np.ndarray | None = None,
    ) -> np.ndarray:
        """Add a batch: (B,) MPJPE in millimetres; arguments as in :meth:`add`."""
        return self.add(predicted, target, actions, frame_ids, visible)["mpjpe"][:, 0]

    def add(
        self,
        predicted: np.ndarray,
        target: np.ndarray,
        actions: Sequence[str],
        frame_ids: Sequence[FrameId] | None = None,
        visible: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Add a batch.

        Args:
            predicted: (B, 16, 3) metres, camera frame.
            target: (B, 16, 3) metres, camera frame.
            actions: B clip names.
            frame_ids: B identities; without them nothing is known of characters and motion.
            visible: (B, 16) bool, given for all batches or for none.

        Returns:
            What was measured on each frame, see :func:`frame_measures`.

        Raises:
            ValueError: for poses, actions and identities that do not match.
        """
        measures = frame_measures(predicted, target, visible, self.mean_pose)
        if len(actions) != len(predicted):
            raise ValueError(f"{len(predicted)} poses, but {len(actions)} actions")
        if frame_ids is None:
            characters = [""] * len(actions)
        else:
            self.motion.update(predicted, target, frame_ids, actions)
            characters = [frame_id.character for frame_id in frame_ids]
        groups = [action_group(action) or "" for action in actions]
        self.sums.add(list(zip(characters, groups, strict=True)), measures)
        return measures

    def merge(self, other: "PoseMetrics") -> None:
        """Add what another process measured on other frames."""
        self.sums.merge(other.sums)
        self.motion.merge(other.motion)

    def results(self) -> dict[str, Any]:
        """Everything measured; the schema is in doc/evaluation.md.

        Raises:
            ValueError: before the first frame.
        """
        return summarise(self.sums) | {"motion": self.motion.results()}
