"""Each metric on hand-made poses."""

import json

import numpy as np
import pytest

from base.frame import FrameId
from base.skeleton import JOINTS, LOWER_BODY, MIRROR, NECK, NUM_JOINTS
from utils.evaluation.metrics import measure
from utils.evaluation.metrics.swaps import swapped
from utils.evaluation.metrics.uncertainty import uncertainty_report
from utils.evaluation.poses import Poses

HAND, ELBOW = JOINTS.index("LeftHand"), JOINTS.index("LeftForeArm")
ACTIONS = ["walking", "Talking", "unheard_of", "Boxing_mixamo_com_x", "walking", "No"]


def pose(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, NUM_JOINTS, 3))


def measured(predicted: np.ndarray, target: np.ndarray, **options):
    """Results of frames that each stand alone, all of one character."""
    count = len(target)
    identities = [FrameId("a", "env_001", 10 * number) for number in range(count)]
    return measure(Poses(predicted, target, ["walking"] * count, identities, **options))


def test_a_perfect_pose_in_the_wrong_place_has_an_absolute_error_only():
    target = pose()
    results = measured(target + np.array([0.0, 0.03, 0.04]), target)
    for part in ("full", "upper", "lower"):
        cell = results[part]["All"]
        assert cell["absolute"] == pytest.approx(50.0)
        assert max(cell[name] for name in ("mpjpe", "pa_mpjpe", "pa_mpjpe_rigid")) < 1e-9
    assert results["bones"]["error"] < 1e-9
    # At 0 mm rounding decides; from 5 mm on, every joint is in its place.
    assert set(list(results["pck"]["curve"].values())[1:]) == {1.0}


def test_pck_counts_joints_at_the_threshold_and_not_the_neck():
    target = np.zeros((1, NUM_JOINTS, 3))
    predicted = target.copy()
    others = [joint for joint in range(NUM_JOINTS) if joint != NECK]
    predicted[0, others[:5], 0] = 0.125
    predicted[0, others[5:8], 1] = 0.2
    found = measured(predicted, target)["pck"]
    curve = found["curve"]
    assert curve["0"] == pytest.approx(7 / 15) and curve["120"] == pytest.approx(7 / 15)
    assert curve["125"] == pytest.approx(12 / 15) and curve["150"] == pytest.approx(12 / 15)
    assert found["100"] == curve["100"] and found["150"] == curve["150"]
    assert found["auc"] == pytest.approx((25 * 7 + 6 * 12) / 15 / 31)


def test_a_bone_too_long_is_an_error_and_a_bias_of_that_bone():
    target = pose()
    along = target[0, HAND] - target[0, ELBOW]
    for bias in (30.0, -30.0):
        predicted = target.copy()
        predicted[0, HAND] += along / np.linalg.norm(along) * bias / 1000
        bones = measured(predicted, target)["bones"]
        own = bones["by_bone"].pop("LeftForeArm-LeftHand")
        assert own == {"error": pytest.approx(30.0), "bias": pytest.approx(bias)}
        assert max(bone["error"] for bone in bones["by_bone"].values()) < 1e-9
        assert bones["error"] == pytest.approx(30 / 14)


def test_exchanged_arms_and_legs_are_told_apart():
    target = pose()
    arms, legs = target.copy(), target.copy()
    arms[:, 2:8] = target[:, [MIRROR[joint] for joint in range(2, 8)]]
    legs[:, list(LOWER_BODY)] = target[:, [MIRROR[joint] for joint in LOWER_BODY]]
    poses = np.concatenate([target, arms, legs, target[:, list(MIRROR)], arms])
    truth = np.repeat(target, 5, 0)
    found = swapped(poses, truth)
    assert found.tolist() == [[False] * 2, [True, False], [False, True], [True] * 2, [True, False]]
    assert measured(poses, truth)["swaps"] == pytest.approx({"arms": 3 / 5, "legs": 2 / 5})


def test_a_tie_is_no_swap():
    target = pose()
    collapsed = (target + target[:, list(MIRROR)]) / 2
    assert not swapped(collapsed, target).any()


def test_the_mean_pose_is_measured_on_the_same_frames():
    target = pose()
    off = target[0].copy()
    off[HAND, 0] += 0.16
    results = measured(target, target, mean_pose=off + 3.0)
    found = [results[part]["All"]["mpjpe_mean_pose"] for part in ("full", "upper", "lower")]
    assert found == pytest.approx([10.0, 20.0, 0.0])


def test_means_by_joint_and_visibility_are_plain_means():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(30, NUM_JOINTS, 3))
    predicted = target + rng.normal(0, 0.05, target.shape)
    visible = rng.random((30, NUM_JOINTS)) < 0.7
    results = measured(predicted, target, visible=visible)
    both = (poses - poses[:, :1] for poses in (predicted, target))
    errors = 1000 * np.linalg.norm(np.subtract(*both), axis=-1)
    for column, joint in enumerate(JOINTS):
        assert results["joints"][joint]["mpjpe"] == pytest.approx(errors[:, column].mean())
        cell = results["visibility"]["hidden"]["by_joint"][joint]
        assert cell["mpjpe"] == pytest.approx(errors[~visible[:, column], column].mean())
    for kind, mask in (("visible", visible), ("hidden", ~visible)):
        cell = results["visibility"][kind]
        assert cell["mpjpe"] == pytest.approx(errors[mask].mean())
        assert cell["joints"] == mask.sum()


def test_nothing_hidden_and_nothing_known_are_told_apart():
    target = pose()
    hidden = measured(target, target, visible=np.ones((1, NUM_JOINTS), bool))["visibility"]
    assert hidden["hidden"]["joints"] == 0 and "mpjpe" not in hidden["hidden"]
    assert measured(target, target)["visibility"] is None


def test_characters_have_intervals_and_what_a_comparison_resamples():
    rng = np.random.default_rng(1)
    target = rng.normal(size=(60, NUM_JOINTS, 3))
    predicted = target + rng.normal(0, 0.05, target.shape)
    identities = [FrameId("abc"[n % 3], "env_001", n) for n in range(60)]
    poses = Poses(predicted, target, [ACTIONS[n % 6] for n in range(60)], identities)
    results = measure(poses)
    json.dumps(results, allow_nan=False)
    low, high = results["full"]["All"]["mpjpe_interval"]
    assert low < results["full"]["All"]["mpjpe"] < high
    for part, column in (("full", 0), ("upper", 1), ("lower", 2)):
        for number, name in enumerate("abc"):
            errors = poses.part_errors["mpjpe"][number::3, column]
            cell = results["characters"][name][part]["All"]
            assert cell == {"mpjpe": pytest.approx(errors.mean()), "frames": 20}
    # Only characters b and c have frames of these.
    assert set(results["characters"]["a"]["full"]) == {"All", "Walking", "Gaming"}


def test_coverage_and_deciles_of_the_uncertainty():
    radii = np.arange(1, 161).reshape(10, 16) / 1000
    errors = np.where(np.arange(160) < 40, 0.5, 1.5).reshape(10, 16) * radii * 1000
    found = uncertainty_report(errors, radii)
    assert found["coverage"] == pytest.approx(0.25)
    first, last = found["deciles"][0], found["deciles"][-1]
    assert first == pytest.approx({"radius": 8.5, "error": 4.25, "coverage": 1.0})
    assert last == pytest.approx({"radius": 152.5, "error": 228.75, "coverage": 0.0})
    assert len(found["deciles"]) == 10 and found["monotonic"]
    assert not uncertainty_report(errors[::-1], radii)["monotonic"]
