"""Intervals for means over frames, by resampling whole characters.

Frames of one character are alike, so frames are not independent draws; characters are.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


@lru_cache(maxsize=8)
def character_weights(characters: int) -> np.ndarray:
    """(R, C): how often each character comes up in each resample; the same at every call."""
    shares, rng = np.full(characters, 1 / characters), np.random.default_rng(0)
    return rng.multinomial(characters, shares, size=RESAMPLES).astype(np.float64)


def resampled_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(R, n) means over the frames of each resample of the characters, NaN where it holds none.

    ``sums`` are (C, n), those of each character's frames, ``counts`` (C,) or (C, n) its frames.
    """
    weights = character_weights(len(sums))
    total = weights @ counts.reshape(len(sums), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (weights @ sums) / total, np.nan)


def interval(samples: np.ndarray) -> np.ndarray:
    """(2, n): ends of the central 95 % of (R, n) samples, NaN ones left out (percentile method;
    Efron & Tibshirani, "An introduction to the bootstrap", 1993)."""
    tail = 100 * (1 - LEVEL) / 2
    return np.nanpercentile(samples, [tail, 100 - tail], axis=0)


def figures(
    names: Sequence[str],
    values: np.ndarray,
    characters: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Weighted means over the frames by their names, and NAME_interval of each, as in results.json;
    with fewer than two characters no intervals.

    ``values`` are (N, n) of N frames, ``characters`` (N,) numbers of theirs, ``weights`` (N, 1).
    """
    weights = np.ones((len(values), 1)) if weights is None else weights
    count = int(characters.max()) + 1
    sums, counts = (np.zeros((count, rows.shape[1])) for rows in (values, weights))
    np.add.at(sums, characters, values * weights)
    np.add.at(counts, characters, weights)
    several, ends = np.count_nonzero(counts) > 1, [[]] * len(names)
    if several:
        ends = interval(resampled_means(sums, counts)).T.tolist()
    report: dict[str, Any] = {}
    for name, mean, pair in zip(names, (sums.sum(0) / counts.sum(0)).tolist(), ends, strict=True):
        report |= {name: mean} | ({f"{name}_interval": pair} if several else {})
    return report
