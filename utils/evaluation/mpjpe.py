"""MPJPE: distances of joints in millimetres, Neck at the origin.

True joints that are not labelled are NaN, as are their errors, which no mean counts.
"""

from collections.abc import Sequence

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from base.arrays import known_mean
from base.skeleton import LOWER_BODY, NUM_JOINTS, UPPER_BODY, neck_centred

#: The group that holds every frame, those of unknown clips too.
ALL = "All"
#: Part of the body → the joints that its error is the mean of.
BODY_PARTS = {"full": tuple(range(NUM_JOINTS)), "upper": UPPER_BODY, "lower": LOWER_BODY}
MILLIMETRES = 1000.0


def check_poses(predicted: np.ndarray, target: np.ndarray) -> None:
    """Raise ValueError unless both are (…, 16, 3)."""
    if predicted.shape != target.shape or predicted.shape[-2:] != (NUM_JOINTS, 3):
        raise ValueError(
            f"poses of shape {predicted.shape} and {target.shape}: both must be (…, 16, 3)"
        )


def distances(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(…, 16) float64 millimetres between the joints of poses (…, 16, 3) in metres as they are."""
    check_poses(predicted, target)
    difference = np.asarray(predicted, np.float64) - np.asarray(target, np.float64)
    return np.linalg.norm(difference, axis=-1) * MILLIMETRES


def joint_errors(
    predicted: np.ndarray, target: np.ndarray, raw_neck: np.ndarray | None = None
) -> np.ndarray:
    """(…, 16) float64 millimetres between the joints of poses (…, 16, 3) in metres of any origin,
    each moved to have its Neck at the origin.

    As the release's evaluator and the reference measure them where ``raw_neck`` is given, (…, 3)
    metres: only the truth is moved, the network's own pose has its Neck there, and a Neck beside
    the origin is an error.
    """
    own, true = (neck_centred(np.asarray(p, np.float64)) for p in (predicted, target))
    if raw_neck is not None:
        own += np.asarray(raw_neck, np.float64)[..., None, :]
    return distances(own, true)


def by_part(errors: np.ndarray) -> np.ndarray:
    """(N, 16) → (N, 3): means over the full, upper and lower body, NaN where none is known."""
    return np.stack([known_mean(errors[:, list(joints)], 1) for joints in BODY_PARTS.values()], 1)


def group_rows(actions: Sequence[str]) -> dict[str, np.ndarray]:
    """Action group → (N,) bool, its frames; "All" first, no empty group."""
    groups = np.array([action_group(action) or "" for action in actions])
    rows = {ALL: np.ones(len(groups), bool)} | {name: groups == name for name in ACTION_GROUPS}
    return {name: mask for name, mask in rows.items() if mask.any()}


def mpjpe_by_group(
    predicted: np.ndarray, target: np.ndarray, actions: Sequence[str]
) -> dict[str, float]:
    """Group → MPJPE of the full body, millimetres, of (N, 16, 3) poses in metres, any origin: what
    training validates by."""
    errors = by_part(joint_errors(predicted, target))[:, 0]
    return {group: float(known_mean(errors[rows])) for group, rows in group_rows(actions).items()}
