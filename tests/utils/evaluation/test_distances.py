"""Alignment of poses, against SciPy-free independent formulas and hand-made cases."""

import numpy as np
import pytest

from base.camera import euler_sxyz_to_matrix
from base.skeleton import MIRROR, NUM_JOINTS
from utils.evaluation.distances import aligned, distances


def poses(count: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, NUM_JOINTS, 3))


def moved(target: np.ndarray, scale: float) -> np.ndarray:
    turn = euler_sxyz_to_matrix(np.array([20.0, -50.0, 130.0]))
    return scale * target @ turn.T + np.array([1.0, -2.0, 0.5])


def test_a_turned_moved_and_scaled_pose_fits_perfectly():
    target = poses()
    assert distances(aligned(moved(target, 1.7), target, True), target).max() < 1e-9
    assert distances(aligned(moved(target, 1.0), target, False), target).max() < 1e-9


def test_a_rigid_fit_leaves_the_scale_and_a_similarity_does_not():
    target = poses()
    rigid = distances(aligned(moved(target, 1.1), target, False), target)
    centred = target - target.mean(1, keepdims=True)
    assert rigid == pytest.approx(np.linalg.norm(0.1 * centred, axis=-1) * 1000)


def test_a_mirrored_pose_is_not_mirrored_back():
    target = poses(1)
    mirrored = target * [-1.0, 1.0, 1.0]
    result = aligned(mirrored, target, True)
    assert distances(result, target).mean() > 100
    # The handedness of three bones, as a triple product, must have stayed that of the prediction.
    triple = [np.linalg.det(pose[0, 1:4] - pose[0, 0]) for pose in (result, mirrored, target)]
    assert np.sign(triple[0]) == np.sign(triple[1]) == -np.sign(triple[2])


@pytest.mark.parametrize("scale", [True, False])
def test_no_nearby_motion_fits_better(scale):
    target, predicted = poses(3), poses(3, seed=1) + 0.5 * poses(3)
    best = aligned(predicted, target, scale)
    squares = ((best - target) ** 2).sum((1, 2))
    rng = np.random.default_rng(2)
    for _ in range(200):
        turn = euler_sxyz_to_matrix(rng.normal(0, 3, 3))
        middle = best.mean(1, keepdims=True)
        size = rng.normal(1, 0.02) if scale else 1.0
        other = (best - middle) @ turn.T * size + middle + rng.normal(0, 0.02, 3)
        assert (((other - target) ** 2).sum((1, 2)) >= squares - 1e-12).all()


def test_a_pose_shrunk_to_a_point_gives_finite_errors():
    target = poses(1)
    for scale in (True, False):
        result = aligned(np.zeros_like(target), target, scale)
        assert result == pytest.approx(np.broadcast_to(target.mean(1), target[0].shape)[None])


def test_exchanging_left_and_right_is_not_undone_by_alignment():
    target = poses(4)
    assert distances(aligned(target[:, list(MIRROR)], target, True), target).mean(1).min() > 10
