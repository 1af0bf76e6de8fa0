"""PA-MPJPE: distances of joints in millimetres after Procrustes alignment of each pose.

Source of the alignment: Umeyama, "Least-squares estimation of transformation parameters between two
point patterns", TPAMI 1991.
"""

import numpy as np

from base.skeleton import labelled
from utils.evaluation.mpjpe import distances


def pa_joint_errors(predicted: np.ndarray, target: np.ndarray, scale: bool = True) -> np.ndarray:
    """(B, 16) float64 millimetres between the joints of (B, 16, 3) poses in metres, the predicted
    ones aligned to the true ones: PA-MPJPE is their mean."""
    return distances(aligned(predicted, target, scale), target)


def best_turn(source: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, 3, 3) rotations that bring centred points (B, J, 3) nearest to others in the sum of
    squares, never mirrored, and (B,) sums of the products of both after that."""
    u, singular, vt = np.linalg.svd(goal.transpose(0, 2, 1) @ source)
    # A rotation has determinant 1: where the best fit mirrors, the weakest axis is turned back.
    sign = np.ones_like(singular)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    return (u * sign[:, None]) @ vt, (singular * sign).sum(1)


def aligned(predicted: np.ndarray, target: np.ndarray, scale: bool = True) -> np.ndarray:
    """Predicted poses (B, J, 3), moved, turned and (``scale``) scaled to fit the true ones best in
    the sum of squares over all joints; never mirrored.  float64 metres in the place of ``target``;
    joints that are NaN in either are left out, and NaN."""
    source, goal = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    known = labelled(source) & labelled(goal)
    if not known.all():
        result = np.full_like(goal, np.nan)
        # Of two joints any pose is aligned perfectly.
        for pattern in np.unique(known[known.sum(1) > 2], axis=0):
            own = np.ix_((known == pattern).all(1), pattern)
            result[own] = aligned(source[own], goal[own], scale)
        return result
    middle = goal.mean(1, keepdims=True)
    source, goal = source - source.mean(1, keepdims=True), goal - middle
    turn, product = best_turn(source, goal)
    moved = source @ turn.transpose(0, 2, 1)
    if scale:
        spread = np.maximum((source**2).sum((1, 2)), np.finfo(np.float64).tiny)
        moved = moved * (product / spread)[:, None, None]
    return moved + middle
