"""Distances of joints from their places, and how poses are laid over each other before."""

from collections.abc import Callable

import numpy as np

from base.skeleton import LOWER_BODY, NUM_JOINTS, UPPER_BODY, neck_centred

#: The group that holds every frame, those of unknown clips too.
ALL = "All"

#: Part of the body → the joints it takes the mean over.
BODY_PARTS: dict[str, tuple[int, ...]] = {
    "full": tuple(range(NUM_JOINTS)),
    "upper": UPPER_BODY,
    "lower": LOWER_BODY,
}

MILLIMETRES = 1000.0


def check_poses(predicted: np.ndarray, target: np.ndarray) -> None:
    """Refuse what cannot be compared.

    Raises:
        ValueError: if the two are not of one shape, or not poses.
    """
    if predicted.shape != target.shape or predicted.shape[-2:] != (NUM_JOINTS, 3):
        raise ValueError(
            f"poses of shape {predicted.shape} and {target.shape}: both must be (…, 16, 3)"
        )


def distances(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(…, 16) float64 millimetres between the joints of two poses (…, 16, 3) in metres as they are.

    Raises:
        ValueError: as :func:`check_poses`.
    """
    check_poses(predicted, target)
    difference = np.asarray(predicted, np.float64) - np.asarray(target, np.float64)
    return np.linalg.norm(difference, axis=-1) * MILLIMETRES


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
    both = (neck_centred(np.asarray(poses, np.float64)) for poses in (predicted, target))
    return distances(*both)


def by_part(errors: np.ndarray) -> np.ndarray:
    """(N, 16) → (N, 3): means over the full, upper and lower body."""
    return np.stack([errors[:, list(joints)].mean(1) for joints in BODY_PARTS.values()], 1)


def aligned(predicted: np.ndarray, target: np.ndarray, scale: bool) -> np.ndarray:
    """Predicted poses moved and turned, and scaled if asked, to lie closest to the true ones.

    Closest in the sum of squares over all 16 joints; never mirrored.  Source: Umeyama,
    "Least-squares estimation of transformation parameters between two point patterns", TPAMI 1991.

    Args:
        predicted: (B, 16, 3) metres.
        target: (B, 16, 3) metres.
        scale: True for a similarity (PA-MPJPE), False for a rigid motion.

    Returns:
        (B, 16, 3) float64 metres, in the place of ``target``.

    Raises:
        ValueError: as :func:`check_poses`.
    """
    check_poses(predicted, target)
    source, goal = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    middle = goal.mean(1, keepdims=True)
    source, goal = source - source.mean(1, keepdims=True), goal - middle
    u, singular, vt = np.linalg.svd(goal.transpose(0, 2, 1) @ source)
    # A rotation has determinant 1: where the best fit mirrors, the weakest axis is turned back.
    sign = np.ones_like(singular)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = (u * sign[:, None]) @ vt
    moved = source @ rotation.transpose(0, 2, 1)
    if scale:
        spread = np.maximum((source**2).sum((1, 2)), np.finfo(np.float64).tiny)
        moved = moved * ((singular * sign).sum(1) / spread)[:, None, None]
    return moved + middle


#: Errors reported by part of the body: Neck at the origin (official), after the best similarity and
#: the best rigid motion of the whole pose, and in the camera's frame as they are.
PART_ERRORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mpjpe": joint_errors,
    "pa_mpjpe": lambda predicted, target: distances(aligned(predicted, target, True), target),
    "pa_mpjpe_rigid": lambda predicted, target: distances(
        aligned(predicted, target, False), target
    ),
    "absolute": distances,
}
