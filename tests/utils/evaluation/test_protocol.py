"""MPJPE on hand-made poses, by group and part of the body."""

import numpy as np
import pytest

from base.frame import FrameId
from base.skeleton import HEAD, NECK, NUM_JOINTS
from utils.evaluation.distances import joint_errors
from utils.evaluation.metrics import measure
from utils.evaluation.metrics.parts import mpjpe_by_group
from utils.evaluation.poses import Poses


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
    truth = np.stack([pose(seed) for seed in range(4)])
    predicted = truth.copy()
    predicted[0, 8:] += [0.0, 0.0, 0.1]  # the legs of a walking frame, 100 mm
    predicted[1, 2:8] += [0.08, 0.0, 0.0]  # six of eight upper joints of a talking one, 80 mm
    predicted[2, 1] += [0.0, 0.32, 0.0]  # one joint of an unknown clip, 320 mm
    actions = ["walking", "Talking_mixamo_com_x1", "somebody_elses_clip", "walking"]
    poses = Poses(predicted, truth, actions, [FrameId("a", "env_001", n) for n in range(4)])
    assert poses.part_errors["mpjpe"][:, 0] == pytest.approx([50.0, 30.0, 20.0, 0.0])
    results = measure(poses)
    assert list(results["full"]) == ["All", "Talking", "Walking"]
    mpjpe = {
        part: {group: (cell["mpjpe"], cell["frames"]) for group, cell in results[part].items()}
        for part in ("full", "upper", "lower")
    }
    assert mpjpe["full"]["All"] == (pytest.approx(25.0), 4)
    assert mpjpe["full"]["Walking"] == (pytest.approx(25.0), 2)
    assert mpjpe["full"]["Talking"] == (pytest.approx(30.0), 1)
    assert mpjpe["lower"]["Walking"][0] == pytest.approx(50.0)
    assert mpjpe["upper"]["Talking"][0] == pytest.approx(60.0)
    assert mpjpe["upper"]["All"][0] == pytest.approx((0 + 60 + 40 + 0) / 4)
    # What training validates by is the same figure.
    assert mpjpe_by_group(predicted, truth, actions) == {
        group: pytest.approx(value) for group, (value, _) in mpjpe["full"].items()
    }


def test_poses_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"\(…, 16, 3\)"):
        joint_errors(np.zeros((3, 16, 3)), np.zeros((2, 16, 3)))
    with pytest.raises(ValueError, match="2 poses, but 1 actions"):
        Poses(np.zeros((2, 16, 3)), np.zeros((2, 16, 3)), ["walking"], [FrameId("a", "b", 0)] * 2)
    with pytest.raises(ValueError, match="no frame"):
        measure(Poses(np.zeros((0, 16, 3)), np.zeros((0, 16, 3)), [], []))
