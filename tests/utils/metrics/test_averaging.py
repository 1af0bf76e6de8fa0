"""What averaging over past frames would leave: all that lasts, and nothing that alternates."""

import numpy as np
import pytest

from base.frame import FrameId
from utils.metrics.averaging import averaged, averaging_report
from utils.metrics.motion import CUT

LASTING, ALTERNATING = 0.03, 0.05


def frames(count: int, character: str = "a", first: int = 0) -> list[FrameId]:
    return [FrameId(character, "env_001", first + number) for number in range(count)]


def poses(count: int) -> tuple[np.ndarray, np.ndarray]:
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
    predicted, target = poses(64)
    predicted[:, 1], target[:, 1] = 0, 0
    found = averaging_report(predicted, target, frames(64), ["walking"] * 64)
    joints = 14 / 16 * 1000
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


@pytest.mark.parametrize("broken", ["gap", "character", "clip", "cut"])
def test_it_does_not_reach_over(broken):
    predicted, target = poses(40)
    identities, clips = frames(40), ["walking"] * 40
    if broken == "gap":
        identities[20:] = frames(20, first=30)
    if broken == "character":
        identities[20:] = frames(20, "b", 20)
    if broken == "clip":
        clips[20:] = ["boxing"] * 20
    if broken == "cut":
        predicted[20:, 5], target[20:, 5] = predicted[20:, 5] + 2 * CUT, target[20:, 5] + 2 * CUT
    halves = [
        averaging_report(predicted[half], target[half], frames(20), ["walking"] * 20)["4"]
        for half in (slice(20), slice(20, 40))
    ]
    found = averaging_report(predicted, target, identities, clips)
    assert found["4"] == pytest.approx(np.mean(halves))
    unbroken = averaging_report(*poses(40), frames(40), ["walking"] * 40)
    assert found["4"] != pytest.approx(unbroken["4"], rel=1e-6)


def test_the_order_of_the_frames_does_not_matter():
    predicted, target = poses(30)
    rows = np.random.default_rng(2).permutation(30)
    ids = frames(30)
    clips = ["walking"] * 30
    assert averaging_report(
        predicted[rows], target[rows], [ids[row] for row in rows], clips
    ) == averaging_report(predicted, target, ids, clips)


def test_pictures_that_stand_alone_have_no_such_figure():
    predicted, target = poses(10)
    apart = [FrameId("a", "env_001", 2 * number) for number in range(10)]
    assert averaging_report(predicted, target, apart, ["walking"] * 10) is None
