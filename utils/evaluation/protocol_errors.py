"""Errors as the protocols of other laboratories' sets have them (:mod:`dataset.protocol`)."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from base.arrays import known_mean
from base.skeleton import JOINTS
from dataset.protocol import Protocol
from dataset.scene_ego import MPI_15
from utils.evaluation.bootstrap import figures
from utils.evaluation.mpjpe import MILLIMETRES, distances
from utils.evaluation.pa_mpjpe import aligned
from utils.evaluation.poses import Poses

_HIPS = [JOINTS.index("LeftUpLeg"), JOINTS.index("RightUpLeg")]
#: MPI's 15 joints: their places among ours, the parent of each, and the length of the bone to it,
#: millimetres: ``mean3D`` of Mo2Cap2's evaluation.
_OURS = [MPI_15.index(place) for place in range(15)]
_PARENTS = (0, 0, 1, 2, 0, 4, 5, 1, 7, 8, 9, 4, 11, 12, 13)
_ARMS = (146.8, 220.0, 144.5, 147.7, 224.7, 147.1)
_BONES = (0.0, *_ARMS, 455.0, 362.1, 316.1, 157.2, 458.4, 366.2, 317.8, 152.8)


def pelvis_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 16) millimetres, both poses (N, 16, 3) with the midpoint of their hips at the origin: our
    skeleton has no pelvis."""
    both = (np.asarray(poses, np.float64) for poses in (predicted, target))
    return distances(*(poses - poses[:, _HIPS].mean(1, keepdims=True) for poses in both))


def with_mean_bones(poses: np.ndarray) -> np.ndarray:
    """(N, 16, 3) metres → (N, 15, 3), MPI's joints: bones keep their directions and get the lengths
    of ``mean3D``, from the Neck on."""
    own = np.asarray(poses, np.float64)[:, _OURS]
    placed = own.copy()
    for joint in range(1, len(_OURS)):
        bone = own[:, joint] - own[:, _PARENTS[joint]]
        norm = np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), np.finfo(float).tiny)
        length = _BONES[joint] / MILLIMETRES
        placed[:, joint] = placed[:, _PARENTS[joint]] + length * (bone / norm)
    return placed


def bone_aligned_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 15) millimetres after both poses got the same bones, then similarity alignment."""
    own, true = with_mean_bones(predicted), with_mean_bones(target)
    return np.linalg.norm(aligned(own, true) - true, axis=-1) * MILLIMETRES


#: Name → (N,) millimetres of poses, NaN for frames where it cannot be had.
MEASURES: dict[str, Callable[[Poses], np.ndarray]] = {
    "absolute": lambda poses: poses.part_errors["absolute"][:, 0],
    "neck": lambda poses: poses.part_errors["mpjpe"][:, 0],
    "pelvis": lambda poses: known_mean(pelvis_errors(poses.predicted, poses.target), 1),
    "pa_mpjpe": lambda poses: poses.part_errors["pa_mpjpe"][:, 0],
    "pa_mpjpe_rigid": lambda poses: poses.part_errors["pa_mpjpe_rigid"][:, 0],
    "ba_pa_mpjpe": lambda poses: known_mean(bone_aligned_errors(poses.predicted, poses.target), 1),
}


def protocol_errors(poses: Poses, protocol: Protocol) -> dict[str, Any]:
    """The key "protocol" of results.json: "mm" has the errors by the set's own names."""
    metrics = {k: v for k, v in protocol.metrics.items() if "pa_" in v or not poses.aligned_only}
    values = [MEASURES[measure](poses) for measure in metrics.values()]
    mm = figures([*metrics], np.stack(values, 1), poses.characters[1]) if values else {}
    return asdict(protocol) | {"metrics": metrics, "mm": mm}
