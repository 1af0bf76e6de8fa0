"""Acceleration, jitter and averaging over runs of consecutive frames."""

import numpy as np
import pytest

from base.frame import FrameId
from utils.evaluation.metrics.motion import CUT, averaged, averaging, motion
from utils.evaluation.poses import Poses


def ids(numbers, character="a", environment="env_001"):
    return [FrameId(character, environment, int(number)) for number in numbers]


def poses(predicted, target, frame_ids, actions=None) -> Poses:
    return Poses(predicted, target, actions or ["walking"] * len(target), frame_ids)


def walk(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true poses (count, 16, 3) that move a few centimetres a frame."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(1, 16, 3)) + rng.normal(0, 0.02, (count, 16, 3)).cumsum(0)
    return target + rng.normal(0, 0.01, target.shape), target


def plain(predicted: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Acceleration error and jitter of one unbroken run, by the formulas themselves."""
    p, t = (1000 * (x - x[:, :1]) for x in (predicted, target))
    errors, jerks = [], []
    for n in range(1, len(p) - 1):
        ours = p[n + 1] - 2 * p[n] + p[n - 1]
        true = t[n + 1] - 2 * t[n] + t[n - 1]
        errors.append(np.sqrt(((ours - true) ** 2).sum(-1)).mean())
    for n in range(1, len(p) - 2):
        jerk = p[n + 2] - 3 * p[n + 1] + 3 * p[n] - p[n - 1]
        jerks.append(np.sqrt((jerk**2).sum(-1)).mean())
    return float(np.mean(errors)), float(np.mean(jerks))


def test_uniform_motion_has_no_acceleration_and_a_trembling_prediction_has():
    steps = np.arange(10)[:, None, None] * np.linspace(0, 0.01, 16)[None, :, None]
    target = np.zeros((10, 16, 3)) + steps
    smooth = motion(poses(target + 0.3, target, ids(range(10))))
    assert smooth["acceleration_error"] < 1e-9 and smooth["windows"] == 8
    trembling = target.copy()
    trembling[::2, 1:, 0] += 0.001
    rough = motion(poses(trembling, target, ids(range(10))))
    assert rough["acceleration_error"] == pytest.approx(2.0 * 15 / 16)
    assert rough["jitter"] == pytest.approx(4.0 * 15 / 16) and rough["jitter_true"] < 1e-9


def test_the_order_of_the_frames_changes_nothing():
    predicted, target = walk(30)
    rows = np.random.default_rng(2).permutation(30)
    shuffled = poses(predicted[rows], target[rows], ids(rows))
    found = motion(shuffled)
    error, jitter = plain(predicted, target)
    assert found["acceleration_error"] == pytest.approx(error, rel=1e-12)
    assert found["jitter"] == pytest.approx(jitter, rel=1e-12)
    assert found["windows"] == 28
    assert averaging(shuffled) == averaging(poses(predicted, target, ids(range(30))))


def test_gaps_other_places_other_clips_and_cuts_end_a_run():
    predicted, target = walk(9)
    same = ["walking"] * 9

    def windows(frame_ids, actions, truth=target):
        return motion(poses(predicted, truth, frame_ids, actions))["windows"]

    assert windows(ids([0, 1, 2, 4, 5, 6, 7, 8, 9]), same) == 1 + 4
    assert windows(ids(range(4)) + ids(range(4, 9), environment="env_002"), same) == 2 + 3
    assert windows(ids(range(3)) + ids(range(3, 9), character="b"), same) == 1 + 4
    assert windows(ids(range(9)), ["Patting"] * 4 + ["walking"] * 5) == 2 + 3
    jumped = target.copy()
    jumped[5:, 3] += CUT + 0.2
    assert windows(ids(range(9)), same, jumped) == 3 + 2


def test_frames_that_stand_alone_give_no_motion():
    alone = poses(*walk(4), ids([0, 10, 11, 20]))
    assert motion(alone) is None and averaging(alone) is None
    three = motion(poses(*walk(3), ids(range(3))))
    assert three["windows"] == 1 and three["jitter"] is None


# ---------------------------------------------------------------- averaging

LASTING, ALTERNATING = 0.03, 0.05


def off(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true (count, 16, 3): off by a lasting 3 cm in x, and by ± 5 cm in y."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(1, 16, 3)) + rng.normal(0, 0.01, (count, 16, 3)).cumsum(0)
    predicted = target.copy()
    predicted[:, 1:, 0] += LASTING
    predicted[:, 1:, 1] += ALTERNATING * np.where(np.arange(count) % 2, -1, 1)[:, None]
    # The Neck is where the poses are laid over each other.
    predicted[:, 0], target[:, 0] = 0, 0
    return predicted, target


def test_what_lasts_stays_and_what_alternates_goes():
    found = averaging(poses(*off(64), ids(range(64))))
    joints = 15 / 16 * 1000
    alone, lasting = np.hypot(LASTING, ALTERNATING) * joints, LASTING * joints
    assert found["2"] == pytest.approx((alone + 63 * lasting) / 64)
    assert lasting < found["32"] < lasting + 1
    assert list(found) == ["2", "4", "8", "16", "32"]


def test_it_is_the_plain_mean_over_the_frames_of_the_run_that_there_are():
    vectors = np.random.default_rng(1).normal(size=(9, 2, 3))
    lengths = np.array([0, 1, 2, 3, 0, 1, 2, 3, 4])
    found = averaged(vectors, lengths, 3)
    for row, start in enumerate([0, 0, 0, 1, 4, 4, 4, 5, 6]):
        assert np.allclose(found[row], vectors[start : row + 1].mean(0))
