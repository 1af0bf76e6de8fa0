"""Intervals for means over frames, by resampling whole characters.

Frames of one character are alike, so frames are not independent draws; characters are.
"""

from functools import lru_cache
from typing import Any

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


def mean_by_character(
    values: np.ndarray, weights: np.ndarray, characters: np.ndarray
) -> tuple[np.ndarray, list[list[float]] | None]:
    """Mean over frames with the interval of the mean.

    Args:
        values: (N, n) of N frames.
        weights: (N, 1) or (N, n), how often each value counts.
        characters: (N,) int, the character of each frame.

    Returns:
        (n,) Σ values × weights / Σ weights, NaN where nothing counts; and its n intervals, None
        with fewer than two characters.
    """
    count = int(characters.max()) + 1
    sums, counts = (np.zeros((count, rows.shape[1])) for rows in (values, weights))
    np.add.at(sums, characters, values * weights)
    np.add.at(counts, characters, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(0) / counts.sum(0)
    ends = mean_interval(sums, counts)
    return mean, None if ends is None else ends.T.tolist()


def figure(name: str, value: float, ends: list[float] | None) -> dict[str, Any]:
    """A figure of results.json: its value, and its interval beside it where there is one."""
    return {name: float(value)} | ({} if ends is None else {f"{name}_interval": ends})


def figures(
    names: list[str],
    values: np.ndarray,
    weights: np.ndarray,
    characters: np.ndarray,
) -> dict[str, Any]:
    """One figure per column of the values; arguments as of :func:`mean_by_character`."""
    means, ends = mean_by_character(values, weights, characters)
    report: dict[str, Any] = {}
    for column, name in enumerate(names):
        report |= figure(name, means[column], ends and ends[column])
    return report
