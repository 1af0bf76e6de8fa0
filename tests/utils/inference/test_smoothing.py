"""What smoothing costs and gives: the table of doc/inference.md, measured here.

Random key poses a second apart, joined smoothly (cubic Hermite, at rest at each), seen at 30 frames
a second, with 15 mm of white noise on every coordinate as a network's predictions have it.
"""

import itertools

import numpy as np
import pytest

from utils.inference.smoothing import OneEuroFilter

FPS, FINE = 30, 10
KEYS = np.random.default_rng(0).uniform(-0.2, 0.2, (40, 16, 3))


def motion(fps):
    """(F, 16, 3) metres."""
    s = (np.arange(fps) / fps)[:, None, None]
    ease = s * s * (3 - 2 * s)
    return np.concatenate([a + ease * (b - a) for a, b in itertools.pairwise(KEYS)])


TRUTH, BETWEEN = motion(FPS), motion(FPS * FINE)
NOISY = TRUTH + np.random.default_rng(1).normal(0, 0.015, TRUTH.shape)


def smoothed(values, *options):
    smooth = OneEuroFilter(*options)
    return np.array([smooth(value, frame / FPS) for frame, value in enumerate(values)])


def jitter(poses):
    """Root mean square of the joints' acceleration, metres a second squared."""
    return np.sqrt(((np.diff(poses, 2, axis=0) * FPS**2) ** 2).sum(-1).mean())


def lag_ms(poses):
    """The delay of the truth, in tenths of a frame, that is nearest to the poses."""
    frames = np.arange(12, len(poses))
    errors = [
        np.mean((BETWEEN[FINE * frames - delay] - poses[frames]) ** 2) for delay in range(120)
    ]
    return np.argmin(errors) / FINE * 1000 / FPS


@pytest.mark.parametrize(
    ("options", "jitter_left", "lag", "error_mm"),
    [
        (None, 100, 0, 23.8),
        ((0.5, 0.0), 4, 260, 67.9),
        ((1.0, 0.0), 9, 147, 40.4),
        ((3.0, 0.0), 26, 53, 18.9),
        ((1.0, 2.0), 22, 57, 19.6),
        ((), 34, 30, 16.3),
        ((1.0, 15.0), 47, 17, 16.6),
    ],
)
def test_jitter_is_taken_away_for_lag(options, jitter_left, lag, error_mm):
    poses = NOISY if options is None else smoothed(NOISY, *options)
    left = (jitter(poses) - jitter(TRUTH)) / (jitter(NOISY) - jitter(TRUTH))
    assert 100 * left == pytest.approx(jitter_left, abs=0.5)
    assert lag_ms(poses) == pytest.approx(lag, abs=0.5)
    assert 1000 * np.linalg.norm(poses - TRUTH, axis=-1).mean() == pytest.approx(error_mm, abs=0.05)


def test_the_result_does_not_depend_on_the_axes():
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    assert np.allclose(smoothed(NOISY[:60] @ turn), smoothed(NOISY[:60]) @ turn)


def test_a_gap_starts_anew_and_a_repeated_time_changes_nothing():
    smooth = OneEuroFilter()
    values = [(0.0, 0.0), (9.0, 0.0), (1.0, 0.1), (1.0, 1.1), (5.0, 2.2), (7.0, 2.1)]
    found = [smooth(np.full((1, 3), value), time).max() for value, time in values]
    assert found[:2] == [0, 0] and 0 < found[2] < found[3] < 1
    # More than a second without a frame, and a time that went back.
    assert found[4:] == [5, 7]
