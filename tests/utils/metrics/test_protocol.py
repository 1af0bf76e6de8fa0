"""MPJPE on hand-made poses, by group and part of the body."""

import numpy as np
import pytest

from base.skeleton import HEAD, NECK, NUM_JOINTS
from utils.metrics import MPJPEByAction, joint_errors


def pose(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(NUM_JOINTS, 3))


def test_moving_the_whole_pose_costs_nothing():
    assert joint_errors(pose() + np.array([1.0, -2.0, 3.0]), pose()).max() < 1e-9


def test_one_joint_off_by_sixteen_millimetres_costs_one_millimetre_on_average():
    moved = pose()
    moved[HEAD] += [0.0, 0.016, 0.0]
    errors = joint_errors(moved, pose())
    assert errors.mean() == pytest.approx(1.0)
    assert errors[HEAD] == pytest.approx(16.0) and np.delete(errors, HEAD).max() < 1e-9


def test_the_neck_is_the_origin_so_its_own_error_falls_on_all_others():
    moved = pose()
    moved[NECK] += [0.03, 0.0, 0.04]
    errors = joint_errors(moved, pose())
    assert errors[NECK] == 0 and np.delete(errors, NECK) == pytest.approx(50.0)


def test_groups_and_halves_of_the_body():
    metric = MPJPEByAction()
    truth = np.stack([pose(seed) for seed in range(4)])
    predicted = truth.copy()
    predicted[0, 8:] += [0.0, 0.0, 0.1]  # the legs of a walking frame, 100 mm
    predicted[1, 2:8] += [0.08, 0.0, 0.0]  # six of eight upper joints of a talking one, 80 mm
    predicted[2, 1] += [0.0, 0.32, 0.0]  # one joint of an unknown clip, 320 mm
    actions = ["walking", "Talking_mixamo_com_x1", "somebody_elses_clip", "walking"]
    errors = np.concatenate(
        [
            metric.update(predicted[:3], truth[:3], actions[:3]),
            metric.update(predicted[3:], truth[3:], actions[3:]),
        ]
    )
    assert errors == pytest.approx([50.0, 30.0, 20.0, 0.0])
    results = metric.results()
    assert list(results["full"]) == ["All", "Talking", "Walking"]
    assert results["full"]["All"] == {"mpjpe": pytest.approx(25.0), "frames": 4}
    assert results["full"]["Walking"] == {"mpjpe": pytest.approx(25.0), "frames": 2}
    assert results["full"]["Talking"] == {"mpjpe": pytest.approx(30.0), "frames": 1}
    assert results["lower"]["Walking"]["mpjpe"] == pytest.approx(50.0)
    assert results["upper"]["Talking"]["mpjpe"] == pytest.approx(60.0)
    assert results["upper"]["All"]["mpjpe"] == pytest.approx((0 + 60 + 40 + 0) / 4)


def test_poses_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"\(…, 16, 3\)"):
        joint_errors(np.zeros((3, 16, 3)), np.zeros((2, 16, 3)))
    with pytest.raises(ValueError, match="actions"):
        MPJPEByAction().update(np.zeros((2, 16, 3)), np.zeros((2, 16, 3)), ["walking"])
