"""Intervals that come from characters, not from frames."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from utils.evaluation.bootstrap import character_weights, figures, interval, resampled_means


def test_intervals_are_those_of_scipys_percentile_bootstrap_over_characters():
    values = np.random.default_rng(0).normal(50, 10, (40, 1))
    found = interval(resampled_means(values, np.ones(40)))[:, 0]
    other = bootstrap((values[:, 0],), np.mean, method="percentile", random_state=0)
    assert found == pytest.approx(list(other.confidence_interval), abs=0.2)
    weights = character_weights(12)
    assert weights.shape == (2000, 12) and (weights.sum(1) == 12).all()


def test_means_are_weighted_and_only_characters_that_count_make_an_interval():
    values = np.array([[10.0, 1.0], [30.0, 2.0], [90.0, 3.0]])
    found = figures(["a", "b"], values, np.array([0, 1, 1]), np.array([[2.0], [1.0], [0.0]]))
    assert found["a"] == pytest.approx(50 / 3) and found["b"] == pytest.approx(4 / 3)
    assert found["a_interval"] == pytest.approx([10.0, 30.0])
    alone = figures(["a", "b"], values, np.array([0, 1, 1]), np.array([[1.0], [0.0], [0.0]]))
    assert alone == {"a": 10.0, "b": 1.0}


def test_a_resample_without_any_frame_is_left_out():
    means = resampled_means(np.array([[12.0], [0.0]]), np.array([3.0, 0.0]))
    assert np.isnan(means).any() and interval(means)[:, 0] == pytest.approx([4.0, 4.0])
