"""Acceleration and jitter over runs of consecutive frames, whatever order they come in."""

import numpy as np
import pytest

from base.frame import FrameId
from utils.metrics.motion import CUT, MotionMetrics


def ids(numbers, character="a", environment="env_001"):
    return [FrameId(character, environment, int(number)) for number in numbers]


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
    smooth = MotionMetrics()
    smooth.update(target + 0.3, target, ids(range(10)), ["walking"] * 10)
    assert smooth.results()["acceleration_error"] < 1e-9 and smooth.results()["windows"] == 8

    trembling = target.copy()
    trembling[::2, 1:, 0] += 0.001
    rough = MotionMetrics()
    rough.update(trembling, target, ids(range(10)), ["walking"] * 10)
    assert rough.results()["acceleration_error"] == pytest.approx(2.0 * 15 / 16)
    assert rough.results()["jitter"] == pytest.approx(4.0 * 15 / 16)
    assert rough.results()["jitter_true"] < 1e-9


@pytest.mark.parametrize("order", ["whole", "single", "batches", "backwards", "interleaved"])
def test_the_order_in_which_frames_arrive_changes_nothing(order):
    predicted, target = walk(30)
    rows = list(range(30))
    batches = {
        "whole": [rows],
        "single": [[row] for row in rows],
        "batches": [rows[i : i + 7] for i in range(0, 30, 7)],
        "backwards": [[row] for row in reversed(rows)],
        "interleaved": [rows[0::3], rows[1::3], rows[2::3]],
    }[order]
    metric = MotionMetrics()
    for batch in batches:
        metric.update(predicted[batch], target[batch], ids(batch), ["walking"] * len(batch))
    error, jitter = plain(predicted, target)
    results = metric.results()
    assert results["acceleration_error"] == pytest.approx(error, rel=1e-12)
    assert results["jitter"] == pytest.approx(jitter, rel=1e-12)
    assert results["windows"] == 28


def test_parts_measured_apart_merge_across_their_boundary():
    predicted, target = walk(20)
    for cuts in ([9], [1, 2, 19], [10, 11, 13]):
        parts = []
        for start, stop in zip([0, *cuts], [*cuts, 20], strict=True):
            part = MotionMetrics()
            part.update(
                predicted[start:stop],
                target[start:stop],
                ids(range(start, stop)),
                ["walking"] * (stop - start),
            )
            parts.append(part)
        merged = MotionMetrics()
        for part in reversed(parts):
            merged.merge(part)
        error, jitter = plain(predicted, target)
        assert merged.results()["acceleration_error"] == pytest.approx(error, rel=1e-12)
        assert merged.results()["jitter"] == pytest.approx(jitter, rel=1e-12)


def test_gaps_other_places_other_clips_and_cuts_end_a_run():
    predicted, target = walk(9)
    numbers = [0, 1, 2, 4, 5, 6, 7, 8, 9]

    def windows(frame_ids, actions, truth=target):
        metric = MotionMetrics()
        metric.update(predicted, truth, frame_ids, actions)
        return metric.results()["windows"]

    same = ["walking"] * 9
    assert windows(ids(numbers), same) == 1 + 4
    assert windows(ids(range(4)) + ids(range(4, 9), environment="env_002"), same) == 2 + 3
    assert windows(ids(range(3)) + ids(range(3, 9), character="b"), same) == 1 + 4
    assert windows(ids(range(9)), ["Patting"] * 4 + ["walking"] * 5) == 2 + 3
    jumped = target.copy()
    jumped[5:, 3] += CUT + 0.2
    assert windows(ids(range(9)), same, jumped) == 3 + 2


def test_frames_that_stand_alone_give_no_motion():
    metric = MotionMetrics()
    predicted, target = walk(4)
    metric.update(predicted, target, ids([0, 10, 11, 20]), ["walking"] * 4)
    assert metric.results() is None
