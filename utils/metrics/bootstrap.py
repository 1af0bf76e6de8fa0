"""Intervals for means over frames, by resampling whole characters.

Frames of one character are alike, so frames are not independent draws; characters are.
"""

from functools import lru_cache

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 0


@lru_cache(maxsize=8)
def character_weights(characters: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(R, C): how often each character comes up in each resample; the same at every call."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(characters, np.full(characters, 1 / characters), size=resamples)


def resampled_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over the frames of each resample of the characters.

    Args:
        sums: (C, n) of each character's frames.
        counts: (C,) frames of each character, or (C, n).

    Returns:
        (R, n); NaN where a resample holds no frame.
    """
    weights = character_weights(len(sums)).astype(np.float64)
    total = weights @ counts.reshape(len(sums), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (weights @ sums) / total, np.nan)


def interval(samples: np.ndarray) -> np.ndarray:
    """(2, n): ends of the central 95 % of (R, n) samples, NaN ones left out (percentile method;
    Efron & Tibshirani, "An introduction to the bootstrap", 1993)."""
    tail = 100 * (1 - LEVEL) / 2
    return np.nanpercentile(samples, [tail, 100 - tail], axis=0)


def mean_interval(sums: np.ndarray, counts: np.ndarray) -> np.ndarray | None:
    """(2, n) interval of the mean over frames, or None with fewer than two characters.

    Arguments as in :func:`resampled_means`.
    """
    frames = counts.reshape(len(counts), -1)
    if (frames > 0).any(1).sum() < 2:
        return None
    return interval(resampled_means(sums, counts))
