"""MPJPE and PA-MPJPE on hand-made poses, by group and part of the body."""

import numpy as np
import pytest
from sample_poses import evaluated
from scipy.spatial.transform import Rotation

from base.frame import FrameId
from base.skeleton import HEAD, NUM_JOINTS
from utils.evaluation.metrics import measure
from utils.evaluation.mpjpe import distances, mpjpe_by_group
from utils.evaluation.pa_mpjpe import aligned
from utils.evaluation.poses import Poses


def random_poses(count: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, NUM_JOINTS, 3))


def test_the_official_evaluator_moves_the_truth_alone():
    # Placed before the camera, as demo.py has them; the network itself put both Necks 50 mm off.
    target = random_poses(2)
    predicted = target + np.array([1.0, 2.0, 3.0])
    predicted[1, HEAD, 0] += 0.016
    poses = evaluated(predicted, target, raw_neck=np.array([[0.03, 0.0, 0.04]] * 2))
    errors = poses.part_errors
    assert errors["mpjpe"][:, 0] == pytest.approx([0, 1], abs=1e-9)
    further = 1000 * np.hypot(0.046, 0.04)
    assert errors["mpjpe_official"][0] == pytest.approx([50.0] * 3)
    expected = [(15 * 50 + further) / 16, (7 * 50 + further) / 8, 50]
    assert errors["mpjpe_official"][1] == pytest.approx(expected)
    cell = measure(poses)["full"]["All"]
    assert cell["mpjpe_official"] == pytest.approx((50 + expected[0]) / 2)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_alignment_is_scipys_best_rotation_with_the_best_scale(scale, mirror):
    target = random_poses()
    turn = Rotation.from_euler("xyz", [20, -50, 130], degrees=True).as_matrix()
    predicted = (target + 0.3 * random_poses(seed=1)) * [mirror, 1, 1] @ turn * 1.7 + [1, -2, 0.5]
    result = aligned(predicted, target, scale)
    for found, source, goal in zip(result, predicted, target, strict=True):
        middle, source = goal.mean(0), source - source.mean(0)
        best, _ = Rotation.align_vectors(goal - middle, source)
        expected = best.apply(source)
        if scale:
            expected *= (expected * (goal - middle)).sum() / (source**2).sum()
        assert found == pytest.approx(expected + middle, abs=1e-9)
    middle = np.broadcast_to(target.mean(1, keepdims=True), target.shape)
    assert aligned(np.zeros_like(target), target, scale) == pytest.approx(middle)  # of a point


def test_a_frame_s_error_is_over_its_known_joints_and_so_is_its_alignment():
    """Two frames with different joints unknown, a third with all: against each frame alone, cut to
    its joints and aligned by SciPy."""
    target = random_poses(3)
    turn = Rotation.from_euler("xyz", [20, -50, 130], degrees=True).as_matrix()
    predicted = (target + 0.3 * random_poses(3, seed=1)) @ turn * 1.7 + [1, -2, 0.5]
    known = np.ones((3, NUM_JOINTS), bool)
    known[0, [1, 11, 15]], known[1, 4:9] = False, False
    poses = evaluated(predicted, np.where(known[..., None], target, np.nan))
    for row, there in enumerate(known):
        made, true = predicted[row], target[row]
        plain = 1000 * np.linalg.norm(made - made[0] - true + true[0], axis=-1)
        a, b = made[there] - made[there].mean(0), true[there] - true[there].mean(0)
        turned = Rotation.align_vectors(b, a)[0].apply(a)
        scaled = turned * ((turned * b).sum() / (a**2).sum())
        for name, errors in (
            ("mpjpe", plain[there]),
            ("absolute", 1000 * np.linalg.norm(made - true, axis=-1)[there]),
            ("pa_mpjpe", 1000 * np.linalg.norm(scaled - b, axis=-1)),
            ("pa_mpjpe_rigid", 1000 * np.linalg.norm(turned - b, axis=-1)),
        ):
            upper = np.flatnonzero(there) < 8
            expected = [errors.mean(), errors[upper].mean(), errors[~upper].mean()]
            assert poses.part_errors[name][row] == pytest.approx(expected), name
    assert poses.mpjpe == pytest.approx(poses.part_errors["mpjpe"][:, 0])
    groups = mpjpe_by_group(predicted, poses.target, poses.actions)
    assert groups["All"] == pytest.approx(poses.mpjpe.mean())


def test_groups_and_halves_of_the_body():
    truth = random_poses(4)
    predicted = truth.copy()
    predicted[0, 8:] += [0.0, 0.0, 0.1]  # the legs of a walking frame, 100 mm
    predicted[1, 2:8] += [0.08, 0.0, 0.0]  # six of eight upper joints of a talking one, 80 mm
    predicted[2, 1] += [0.0, 0.32, 0.0]  # one joint of an unknown clip, 320 mm
    actions = ["walking", "Talking_mixamo_com_x1", "somebody_elses_clip", "walking"]
    poses = evaluated(predicted, truth, actions=actions)
    expected = {
        "full": {"All": (25.0, 4), "Talking": (30.0, 1), "Walking": (25.0, 2)},
        "upper": {"All": (25.0, 4), "Talking": (60.0, 1), "Walking": (0.0, 2)},
        "lower": {"All": (25.0, 4), "Talking": (0.0, 1), "Walking": (50.0, 2)},
    }
    results = measure(poses)
    for part, groups in expected.items():
        assert list(results[part]) == list(groups)
        for group, (mpjpe, frames) in groups.items():
            cell = results[part][group]
            assert (cell["mpjpe"], cell["frames"]) == (pytest.approx(mpjpe, abs=1e-9), frames)
    # What training validates by is the same figure.
    by_group = mpjpe_by_group(predicted, truth, actions)
    assert by_group == pytest.approx({group: mm for group, (mm, _) in expected["full"].items()})


def test_poses_that_do_not_match_are_refused():
    one, two, ids = np.zeros((1, 16, 3)), np.zeros((2, 16, 3)), [FrameId("a", "b", 0)] * 2
    for predicted, target in ((one, two), (two[:, :15], two[:, :15])):
        with pytest.raises(ValueError, match=r"\(…, 16, 3\)"):
            distances(predicted, target)
    with pytest.raises(ValueError, match="2 poses, but 1 actions and 2 identities"):
        Poses(two, two, ["walking"], ids)
    with pytest.raises(ValueError, match="no frame"):
        measure(Poses(one[:0], one[:0], [], []))
