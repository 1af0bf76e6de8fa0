"""Errors joint by joint, and of the joints that are visible or hidden."""

from typing import Any

import numpy as np

from base.skeleton import JOINTS
from utils.evaluation.bootstrap import figures, mean_by_character
from utils.evaluation.poses import Poses


def errors_by_joint(poses: Poses) -> dict[str, Any]:
    """Joint → MPJPE, millimetres."""
    every = np.ones((len(poses.actions), 1))
    means, ends = mean_by_character(poses.joint_errors, every, poses.characters[1])
    return {
        joint: {"mpjpe": float(means[row])} | ({"mpjpe_interval": ends[row]} if ends else {})
        for row, joint in enumerate(JOINTS)
    }


def errors_by_visibility(poses: Poses) -> dict[str, Any] | None:
    """Errors of visible and of hidden joints, all together and each; None where it is unknown."""
    if poses.visible is None:
        return None
    report: dict[str, Any] = {}
    for kind, mask in (("visible", poses.visible), ("hidden", ~poses.visible)):
        cell: dict[str, Any] = {"joints": int(mask.sum())}
        if cell["joints"]:
            # The mean over joints, not over frames: a frame counts as often as it has such joints.
            counts = mask.sum(1, keepdims=True)
            mean = (poses.joint_errors * mask).sum(1, keepdims=True) / np.maximum(counts, 1)
            cell |= figures(["mpjpe"], mean, counts, poses.characters[1])
        cell["by_joint"] = {
            joint: {
                "mpjpe": float(errors[rows].mean()) if rows.any() else None,
                "frames": int(rows.sum()),
            }
            for joint, errors, rows in zip(JOINTS, poses.joint_errors.T, mask.T, strict=True)
        }
        report[kind] = cell
    return report
