"""Errors of poses, by the protocol of the official evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from base.base_eval import BaseEval
from base.skeleton import LOWER_BODY, NECK, NUM_JOINTS, UPPER_BODY

ALL = "All"

#: Part of the body → the joints it takes the mean over.
BODY_PARTS: dict[str, tuple[int, ...]] = {
    "full": tuple(range(NUM_JOINTS)),
    "upper": UPPER_BODY,
    "lower": LOWER_BODY,
}

_MILLIMETRES = 1000.0


def neck_centred(poses: np.ndarray) -> np.ndarray:
    """(…, 16, 3) poses moved so that each has its Neck at the origin, float64."""
    poses = np.asarray(poses, np.float64)
    return poses - poses[..., NECK : NECK + 1, :]


def joint_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Distance of each joint from its place once both poses have their Neck at the origin.

    Args:
        predicted: (…, 16, 3) metres, camera axes, any origin.
        target: (…, 16, 3) metres, camera axes, any origin.

    Returns:
        (…, 16) float64 millimetres; the Neck's is 0.

    Raises:
        ValueError: if the two are not of one shape, or not poses.
    """
    if predicted.shape != target.shape or predicted.shape[-2:] != (NUM_JOINTS, 3):
        raise ValueError(
            f"poses of shape {predicted.shape} and {target.shape}: both must be (…, 16, 3)"
        )
    difference = neck_centred(predicted) - neck_centred(target)
    return np.linalg.norm(difference, axis=-1) * _MILLIMETRES


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
