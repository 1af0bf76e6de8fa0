"""What is measured on each frame.  A mean over frames of any of these is a figure of merit."""

import numpy as np

from base.skeleton import JOINTS, LIMBS, LOWER_BODY, MIRROR, NECK, NUM_JOINTS, UPPER_BODY
from utils.metrics.errors import (
    BODY_PARTS,
    MILLIMETRES,
    aligned,
    distances,
    joint_errors,
)

#: Errors by part of the body: Neck at the origin (official), after the best similarity and the best
#: rigid motion of the whole pose, and in the camera's frame with nothing laid over anything.
PART_ERRORS: tuple[str, ...] = ("mpjpe", "pa_mpjpe", "pa_mpjpe_rigid", "absolute")

#: Millimetres at which PCK is taken; AUC is its mean over them.  Source: Mehta et al., "Monocular
#: 3D human pose estimation in the wild using improved CNN supervision" (MPI-INF-3DHP), 3DV 2017.
PCK_THRESHOLDS: tuple[int, ...] = tuple(range(0, 151, 5))

#: Pairs of limbs that a network can exchange.
SWAPS: dict[str, tuple[int, ...]] = {
    "arms": tuple(joint for joint in UPPER_BODY if MIRROR[joint] != joint),
    "legs": LOWER_BODY,
}

#: Bones whose ends keep their distance, and their names.
BONES: dict[str, tuple[int, int]] = {f"{JOINTS[a]}-{JOINTS[b]}": (a, b) for a, b in LIMBS}

_MOVING = [joint for joint in range(NUM_JOINTS) if joint != NECK]


def _by_part(errors: np.ndarray) -> np.ndarray:
    """(B, 16) → (B, 3): means over the full, upper and lower body."""
    return np.stack([errors[:, list(joints)].mean(1) for joints in BODY_PARTS.values()], 1)


def bone_lengths(poses: np.ndarray) -> np.ndarray:
    """(B, 14) millimetres of (B, 16, 3) poses in metres."""
    parents, children = np.array(LIMBS).T
    bones = np.asarray(poses, np.float64)[:, children] - np.asarray(poses, np.float64)[:, parents]
    return np.linalg.norm(bones, axis=-1) * MILLIMETRES


def swapped(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(B, 2) bool: whether left and right of the arms, and of the legs, fit better exchanged.

    An equal fit is no swap.
    """
    plain = joint_errors(predicted, target)
    exchanged = joint_errors(np.asarray(predicted)[:, list(MIRROR)], target)
    pairs = [list(joints) for joints in SWAPS.values()]
    return np.stack([exchanged[:, j].mean(1) < plain[:, j].mean(1) for j in pairs], 1)


def frame_measures(
    predicted: np.ndarray,
    target: np.ndarray,
    visible: np.ndarray | None = None,
    mean_pose: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Everything measured on each of B frames.

    Args:
        predicted: (B, 16, 3) metres, camera frame.
        target: (B, 16, 3) metres, camera frame.
        visible: (B, 16) bool, if the labels know.
        mean_pose: (16, 3) metres, any origin: the baseline, if it is to be measured.

    Returns:
        Name → (B, n) float64.  Millimetres for the :data:`PART_ERRORS` and ``mpjpe_mean_pose``
        (full, upper, lower), ``joints`` (16), ``joints_visible`` (16, zero where hidden),
        ``bone_error`` and ``bone_bias`` (14, absolute and signed difference of lengths); shares for
        ``visible`` (16), ``pck`` (31: of the 15 joints other than the Neck, how many are at most
        that far off) and ``swaps`` (2).

    Raises:
        ValueError: if the two are not of one shape, or not poses.
    """
    errors = joint_errors(predicted, target)
    difference = bone_lengths(predicted) - bone_lengths(target)
    thresholds = np.array(PCK_THRESHOLDS, np.float64)
    measures = {
        "mpjpe": _by_part(errors),
        "pa_mpjpe": _by_part(distances(aligned(predicted, target, True), target)),
        "pa_mpjpe_rigid": _by_part(distances(aligned(predicted, target, False), target)),
        "absolute": _by_part(distances(predicted, target)),
        "joints": errors,
        "pck": (errors[:, _MOVING, None] <= thresholds).mean(1),
        "bone_error": np.abs(difference),
        "bone_bias": difference,
        "swaps": swapped(predicted, target).astype(np.float64),
    }
    if visible is not None:
        seen = np.asarray(visible, bool)
        measures["visible"] = seen.astype(np.float64)
        measures["joints_visible"] = np.where(seen, errors, 0.0)
    if mean_pose is not None:
        baseline = np.broadcast_to(mean_pose, target.shape)
        measures["mpjpe_mean_pose"] = _by_part(joint_errors(baseline, target))
    return measures
