"""Whether the bones of a pose are as long as they should be."""

from typing import Any

import numpy as np

from base.skeleton import JOINTS, LIMBS
from utils.evaluation.distances import MILLIMETRES
from utils.evaluation.poses import Poses


def bone_lengths(poses: np.ndarray) -> np.ndarray:
    """(N, 14) millimetres of (N, 16, 3) poses in metres."""
    parents, children = np.array(LIMBS).T
    poses = np.asarray(poses, np.float64)
    return np.linalg.norm(poses[:, children] - poses[:, parents], axis=-1) * MILLIMETRES


def bone_errors(poses: Poses) -> dict[str, Any]:
    """Absolute ("error") and signed ("bias") difference of lengths, millimetres: the mean over the
    14 limbs, and each."""
    difference = bone_lengths(poses.predicted) - bone_lengths(poses.target)
    errors, biases = np.abs(difference).mean(0), difference.mean(0)
    return {
        "error": float(errors.mean()),
        "by_bone": {
            f"{JOINTS[a]}-{JOINTS[b]}": {"error": float(error), "bias": float(bias)}
            for (a, b), error, bias in zip(LIMBS, errors, biases, strict=True)
        },
    }
