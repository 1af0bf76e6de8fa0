"""Intervals over seeds and characters, and ratios of rows on the same characters."""

import numpy as np
import pytest

from base.errors import UserError
from utils.benchmarking.figures import resampled_mpjpe, uncertainty
from utils.evaluation.bootstrap import character_weights


def result(errors, frames=(10, 30, 20)):
    cells = zip("abc", errors, frames, strict=True)
    return {
        "characters": {
            name: {"full": {"All": {"mpjpe": mpjpe, "frames": count}}}
            for name, mpjpe, count in cells
        }
    }


def test_one_seed_is_the_bootstrap_over_characters():
    errors, frames = np.array([100.0, 50.0, 80.0]), np.array([10, 30, 20])
    weights = character_weights(3)
    expected = (weights * errors * frames).sum(1) / (weights * frames).sum(1)
    assert np.allclose(resampled_mpjpe([result(errors)], 0), expected)


def test_seeds_widen_the_interval():
    alike = resampled_mpjpe([result([100, 100, 100])] * 3, 0)
    assert np.allclose(alike, 100)
    apart = resampled_mpjpe([result([c] * 3) for c in (90, 100, 110)], 0)
    assert set(np.round(apart[:50] * 3)) <= {270, 280, 290, 300, 310, 320, 330}
    assert apart.std() == pytest.approx(10 * np.sqrt(2 / 3) / np.sqrt(3), rel=0.1)


def test_a_ratio_on_the_same_characters_does_not_depend_on_which_are_drawn():
    hard = resampled_mpjpe([result([100, 50, 80])], 0)
    half = resampled_mpjpe([result([50, 25, 40])], 1)
    assert np.allclose(half / hard, 0.5) and hard.std() > 1


def test_seeds_on_different_frames_are_refused():
    with pytest.raises(UserError, match="different frames"):
        resampled_mpjpe([result([1, 2, 3]), result([1, 2, 3], (10, 30, 21))], 0)


def test_uncertainty_is_taken_from_rows_that_state_it_with_every_seed():
    def stated(last):
        deciles = [{"error": error} for error in (*range(10, 19), last)]
        return {"uncertainty": {"coverage": 0.88, "deciles": deciles}}

    assert uncertainty([stated(30), {}]) is None
    found = uncertainty([stated(30), stated(40)])
    assert found["deciles"][-1] == 35 and found["rises"] and found["coverage_90"] == 0.88
    assert not uncertainty([stated(30), stated(12)])["rises"]
