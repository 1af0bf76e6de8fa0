"""Intervals that come from characters, not from frames."""

import numpy as np
import pytest

from utils.evaluation.bootstrap import character_weights, mean_by_character, mean_interval


def test_an_interval_covers_the_spread_between_characters_not_between_frames():
    # Two characters of a thousand frames each, 10 and 30 mm: as many resamples hold one of them
    # alone as both, so the interval reaches from one to the other.
    ends = mean_interval(np.array([[10_000.0], [30_000.0]]), np.array([1000.0, 1000.0]))
    assert ends[:, 0] == pytest.approx([10.0, 30.0])
    alike = mean_interval(np.full((8, 1), 20.0), np.full(8, 2.0))
    assert alike[:, 0] == pytest.approx([10.0, 10.0])
    assert mean_interval(np.array([[5.0], [0.0]]), np.array([1.0, 0.0])) is None


def test_the_mean_is_weighted_and_its_interval_is_of_the_characters_that_count():
    values, characters = np.array([[10.0], [30.0], [90.0]]), np.array([0, 1, 1])
    mean, ends = mean_by_character(values, np.array([[2.0], [1.0], [0.0]]), characters)
    assert mean[0] == pytest.approx(50 / 3) and ends[0] == pytest.approx([10.0, 30.0])
    mean, ends = mean_by_character(values, np.array([[1.0], [0.0], [0.0]]), characters)
    assert mean[0] == 10.0 and ends is None


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
