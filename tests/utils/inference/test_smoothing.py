"""The One-Euro filter: less jitter at rest, little lag in motion, times as they are."""

import numpy as np
import pytest

from utils.inference.smoothing import OneEuroFilter, OneEuroOptions


def run(values, options, times=None):
    times = np.arange(len(values)) / 30 if times is None else times
    smooth = OneEuroFilter(options)
    return np.array([smooth(value, time) for value, time in zip(values, times, strict=True)])


def test_jitter_at_rest_is_taken_away():
    rng = np.random.default_rng(0)
    noisy = rng.normal(0, 0.01, (300, 16, 3))
    smooth = run(noisy, OneEuroOptions())
    assert np.diff(smooth[30:], axis=0).std() < 0.4 * np.diff(noisy, axis=0).std()


def test_fast_motion_lags_less_with_a_higher_rise():
    times = np.arange(90) / 30
    moving = np.stack([2 * times, 0 * times, 0 * times], -1)
    behind = [(moving - run(moving, OneEuroOptions(1.0, beta)))[-1, 0] for beta in (0.0, 6.0)]
    assert behind[0] > 0.2 and behind[1] < 0.03


def test_with_no_rise_it_is_a_first_order_low_pass():
    # A step through 1 / (1 + s τ), τ = 1 / (2π · 1 Hz), in steps of dt: 1 - (1 + dt/τ)^-n.
    step = np.ones((31, 1))
    step[0] = 0
    smooth = run(step, OneEuroOptions(1.0, 0.0))
    expected = 1 - (1 + 2 * np.pi / 30) ** -np.arange(31.0)
    assert np.allclose(smooth[:, 0], expected)


def test_the_result_does_not_depend_on_the_axes():
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.normal(0, 0.02, (60, 4, 3)), 0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    assert np.allclose(run(path @ turn, OneEuroOptions()), run(path, OneEuroOptions()) @ turn)


def test_a_gap_starts_anew_and_a_repeated_time_changes_nothing():
    smooth = OneEuroFilter(OneEuroOptions())
    assert smooth(np.zeros((1, 3)), 0.0).max() == 0
    assert smooth(np.full((1, 3), 9.0), 0.0).max() == 0
    assert 0 < smooth(np.full((1, 3), 1.0), 0.1).max() < 1
    assert smooth(np.full((1, 3), 5.0), 3.0).min() == pytest.approx(5.0)
