"""The protocol of the official evaluation, and nothing beyond it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from base.base_eval import BaseEval
from utils.metrics.errors import ALL, BODY_PARTS, joint_errors


class MPJPEByAction(BaseEval):
    """Mean per-joint position error by action group and part of the body.

    The official protocol: a frame's error is the mean over the joints, Neck included, a group's
    the mean over its frames, All the mean over all frames, those of unknown clips too.
    """

    def __init__(self) -> None:
        self._sum: dict[str, dict[str, float]] = {part: {} for part in BODY_PARTS}
        self._count: dict[str, int] = {}

    def update(
        self, predicted: np.ndarray, target: np.ndarray, actions: Sequence[str]
    ) -> np.ndarray:
        """Add a batch; see :meth:`BaseEval.update`."""
        errors = joint_errors(predicted, target)
        if len(errors) != len(actions):
            raise ValueError(f"{len(errors)} poses, but {len(actions)} actions")
        parts = {part: errors[:, list(joints)].mean(1) for part, joints in BODY_PARTS.items()}
        for row, action in enumerate(actions):
            group = action_group(action)
            for key in (ALL,) if group is None else (ALL, group):
                self._count[key] = self._count.get(key, 0) + 1
                for part, values in parts.items():
                    total = self._sum[part]
                    total[key] = total.get(key, 0.0) + float(values[row])
        return parts["full"]

    def results(self) -> dict[str, Any]:
        """Part → group → {"mpjpe": millimetres, "frames": count}; All first, no empty group."""
        keys = [key for key in (ALL, *ACTION_GROUPS) if key in self._count]
        return {
            part: {
                key: {"mpjpe": total[key] / self._count[key], "frames": self._count[key]}
                for key in keys
            }
            for part, total in self._sum.items()
        }
