"""All metrics of a run: equal to the official protocol, mergeable, with honest intervals."""

import json
import pickle

import numpy as np
import pytest

from base.frame import FrameId
from base.skeleton import JOINTS, NUM_JOINTS
from utils.metrics import MPJPEByAction, PoseMetrics, joint_errors
from utils.metrics.bootstrap import character_weights, mean_interval

ACTIONS = ["walking", "Talking", "unheard_of", "Boxing_mixamo_com_x", "walking", "No"]
CHARACTERS = ["a", "a", "b", "b", "c", "c"]


def frames(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(count, NUM_JOINTS, 3))
    predicted = target + rng.normal(0, 0.05, target.shape)
    actions = [ACTIONS[i % 6] for i in range(count)]
    ids = [FrameId(CHARACTERS[i % 6], "env_001", i) for i in range(count)]
    visible = rng.random((count, NUM_JOINTS)) < 0.7
    return predicted, target, actions, ids, visible


def fed(rows, data, **options) -> PoseMetrics:
    predicted, target, actions, ids, visible = data
    metric = PoseMetrics(**options)
    for start in range(0, len(rows), 5):
        batch = rows[start : start + 5]
        metric.update(
            predicted[batch],
            target[batch],
            [actions[row] for row in batch],
            [ids[row] for row in batch],
            visible[batch],
        )
    return metric


def flat(value, prefix=""):
    """Every number of nested results, by path."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {prefix: value}
    found = {}
    for key, item in value.items():
        found |= flat(item, f"{prefix}/{key}")
    return found


def test_the_protocols_figures_are_those_of_the_official_metric():
    data = frames(60)
    official = MPJPEByAction()
    official.update(*data[:3])
    results = fed(list(range(60)), data).results()
    for part, groups in official.results().items():
        assert results[part].keys() == groups.keys()
        for group, cell in groups.items():
            assert results[part][group]["mpjpe"] == pytest.approx(cell["mpjpe"], abs=1e-9)
            assert results[part][group]["frames"] == cell["frames"]


def test_several_processes_measure_what_one_does():
    data = frames(120)
    rng = np.random.default_rng(3)
    mean_pose = rng.normal(size=(NUM_JOINTS, 3))
    whole = flat(fed(list(range(120)), data, mean_pose=mean_pose).results())
    for split in ([range(0, 120, 2), range(1, 120, 2)], [range(37), range(37, 120)]):
        parts = [
            pickle.loads(pickle.dumps(fed(list(rows), data, mean_pose=mean_pose))) for rows in split
        ]
        merged = PoseMetrics(mean_pose)
        for part in parts:
            merged.merge(part)
        found = flat(merged.results())
        assert found.keys() == whole.keys()
        for path, value in whole.items():
            assert found[path] == (value if value is None else pytest.approx(value, abs=1e-9)), path


def test_means_by_joint_visibility_pck_and_bones_are_plain_means():
    data = frames(30)
    predicted, target, _, _, visible = data
    results = fed(list(range(30)), data).results()
    errors = joint_errors(predicted, target)
    for column, joint in enumerate(JOINTS):
        assert results["joints"][joint]["mpjpe"] == pytest.approx(errors[:, column].mean())
        cell = results["visibility"]["hidden"]["by_joint"][joint]
        assert cell["mpjpe"] == pytest.approx(errors[~visible[:, column], column].mean())
    seen = results["visibility"]["visible"]
    assert seen["mpjpe"] == pytest.approx(errors[visible].mean())
    assert seen["joints"] == visible.sum()
    within = (np.delete(errors, 0, 1) <= 100).mean()
    assert results["pck"]["100"] == pytest.approx(within)
    curve = [(np.delete(errors, 0, 1) <= t).mean() for t in range(0, 151, 5)]
    assert results["pck"]["auc"] == pytest.approx(np.mean(curve))
    legs = np.linalg.norm(predicted[:, 8] - predicted[:, 9], axis=1)
    true = np.linalg.norm(target[:, 8] - target[:, 9], axis=1)
    bone = results["bones"]["by_bone"]["LeftUpLeg-LeftLeg"]
    assert bone["error"] == pytest.approx(1000 * np.abs(legs - true).mean())
    assert bone["bias"] == pytest.approx(1000 * (legs - true).mean())


def test_a_group_of_one_frame_and_a_set_of_one_character_have_means_without_intervals():
    predicted, target, _, ids, visible = frames(3)
    metric = PoseMetrics()
    metric.update(predicted, target, ["walking", "Patting", "Patting"], [ids[0]] * 3, visible)
    cell = metric.results()["full"]["Walking"]
    assert cell["frames"] == 1 and "mpjpe_interval" not in cell
    assert cell["mpjpe"] == pytest.approx(joint_errors(predicted[:1], target[:1]).mean())
    json.dumps(metric.results(), allow_nan=False)


def test_nothing_seen_or_nothing_hidden_is_said_so():
    predicted, target, actions, ids, _ = frames(6)
    metric = PoseMetrics()
    metric.update(predicted, target, actions, ids, np.ones((6, NUM_JOINTS), bool))
    hidden = metric.results()["visibility"]["hidden"]
    assert hidden["joints"] == 0 and "mpjpe" not in hidden
    without = PoseMetrics()
    without.update(predicted, target, actions)
    assert without.results()["visibility"] is None
    json.dumps(metric.results(), allow_nan=False)


def test_before_the_first_frame_there_is_nothing_to_report():
    with pytest.raises(ValueError, match="no frame"):
        PoseMetrics().results()


def test_mismatched_input_is_refused():
    predicted, target, actions, ids, visible = frames(6)
    with pytest.raises(ValueError, match=r"\(…, 16, 3\)"):
        PoseMetrics().update(predicted[:5], target, actions, ids, visible)
    with pytest.raises(ValueError, match="actions"):
        PoseMetrics().update(predicted, target, actions[:5])


def test_an_interval_covers_the_spread_between_characters_not_between_frames():
    # Two characters of a thousand frames each, 10 and 30 mm: as many resamples hold one of them
    # alone as both, so the interval reaches from one to the other.
    ends = mean_interval(np.array([[10_000.0], [30_000.0]]), np.array([1000.0, 1000.0]))
    assert ends[:, 0] == pytest.approx([10.0, 30.0])
    alike = mean_interval(np.full((8, 1), 20.0), np.full(8, 2.0))
    assert alike[:, 0] == pytest.approx([10.0, 10.0])
    assert mean_interval(np.array([[5.0], [0.0]]), np.array([1.0, 0.0])) is None


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    counts = np.full(25, 4.0)
    held = 0
    for _ in range(100):
        low, high = mean_interval(4 * rng.normal(50, 10, (25, 1)), counts)[:, 0]
        held += low <= 50 <= high
    assert 0.88 <= held / 100 <= 0.98


def test_resamples_draw_as_many_characters_as_there_are():
    assert (character_weights(12).sum(1) == 12).all()
