"""Each measure of a frame on hand-made poses."""

import numpy as np
import pytest

from base.skeleton import JOINTS, LOWER_BODY, MIRROR, NECK, NUM_JOINTS
from utils.metrics.measures import BONES, PCK_THRESHOLDS, frame_measures, swapped

HAND, ELBOW = JOINTS.index("LeftHand"), JOINTS.index("LeftForeArm")


def pose(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, NUM_JOINTS, 3))


def test_a_perfect_pose_in_the_wrong_place_has_an_absolute_error_only():
    target = pose()
    measures = frame_measures(target + np.array([0.0, 0.03, 0.04]), target)
    assert measures["absolute"] == pytest.approx(np.full((1, 3), 50.0))
    for name in ("mpjpe", "pa_mpjpe", "pa_mpjpe_rigid", "joints", "bone_error"):
        assert measures[name].max() < 1e-9
    # At 0 mm rounding decides; from 5 mm on, every joint is in its place.
    assert (measures["pck"][0, 1:] == 1).all()


def test_pck_counts_joints_at_the_threshold_and_not_the_neck():
    target = np.zeros((1, NUM_JOINTS, 3))
    predicted = target.copy()
    others = [joint for joint in range(NUM_JOINTS) if joint != NECK]
    predicted[0, others[:5], 0] = 0.125
    predicted[0, others[5:8], 1] = 0.2
    shares = dict(zip(PCK_THRESHOLDS, frame_measures(predicted, target)["pck"][0], strict=True))
    assert shares[0] == pytest.approx(7 / 15) and shares[120] == pytest.approx(7 / 15)
    assert shares[125] == pytest.approx(12 / 15) and shares[150] == pytest.approx(12 / 15)


def test_a_bone_too_long_is_an_error_and_a_bias_of_that_bone():
    target = pose()
    predicted = target.copy()
    along = target[0, HAND] - target[0, ELBOW]
    predicted[0, HAND] += along / np.linalg.norm(along) * 0.03
    shorter = target.copy()
    shorter[0, HAND] -= along / np.linalg.norm(along) * 0.03
    bone = list(BONES).index("LeftForeArm-LeftHand")
    for prediction, bias in ((predicted, 30.0), (shorter, -30.0)):
        measures = frame_measures(prediction, target)
        assert measures["bone_error"][0, bone] == pytest.approx(30.0)
        assert measures["bone_bias"][0, bone] == pytest.approx(bias)
        assert np.delete(measures["bone_error"][0], bone).max() < 1e-9


def test_exchanged_arms_and_legs_are_told_apart():
    target = pose()
    arms, legs = target.copy(), target.copy()
    arms[:, 2:8] = target[:, [MIRROR[joint] for joint in range(2, 8)]]
    legs[:, list(LOWER_BODY)] = target[:, [MIRROR[joint] for joint in LOWER_BODY]]
    both = target[:, list(MIRROR)]
    poses = np.concatenate([target, arms, legs, both])
    found = swapped(poses, np.repeat(target, 4, 0))
    assert found.tolist() == [[False, False], [True, False], [False, True], [True, True]]


def test_a_tie_is_no_swap():
    target = pose()
    collapsed = target.copy()
    for joint in range(NUM_JOINTS):
        collapsed[:, joint] = (target[:, joint] + target[:, MIRROR[joint]]) / 2
    assert not swapped(collapsed, target).any()


def test_hidden_joints_add_nothing_to_the_errors_of_visible_ones():
    target = pose()
    predicted = target.copy()
    predicted[0, HAND, 2] += 0.1
    visible = np.ones((1, NUM_JOINTS), bool)
    assert frame_measures(predicted, target, visible)["joints_visible"].sum() == pytest.approx(100)
    visible[0, HAND] = False
    assert frame_measures(predicted, target, visible)["joints_visible"].sum() < 1e-9


def test_the_mean_pose_is_measured_on_the_same_frames():
    target = pose()
    off = target[0].copy()
    off[HAND, 0] += 0.16
    measures = frame_measures(target, target, mean_pose=off + 3.0)
    assert measures["mpjpe_mean_pose"][0] == pytest.approx([10.0, 20.0, 0.0])
