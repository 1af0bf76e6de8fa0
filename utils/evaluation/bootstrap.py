"""Intervals for means over frames, by resampling whole characters.

Frames of one character are alike, so frames are not independent draws; characters are.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

RESAMPLES = 2000


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
    return np.nanpercentile(samples, [2.5, 97.5], axis=0)


def figures(
    names: Sequence[str],
    values: np.ndarray,
    characters: np.ndarray,
    weights: np.ndarray | float = 1.0,
) -> dict[str, Any]:
    """Means over the frames by their names, and NAME_interval of each, as in results.json; with
    fewer than two characters no interval, and without any frame no mean.

    ``values`` are (N, n) of N frames, NaN where a frame has none, ``characters`` (N,) numbers of
    theirs, ``weights`` (N, 1).
    """
    known = ~np.isnan(values)
    weights = known * weights
    sums, counts = np.zeros((2, int(characters.max()) + 1, len(names)))
    np.add.at(sums, characters, np.where(known, values, 0.0) * weights)
    np.add.at(counts, characters, weights)
    several = np.count_nonzero(counts, axis=0)
    counts[:, several == 0] = 1  # of which nothing is kept
    means = (sums.sum(0) / counts.sum(0)).tolist()
    ends = interval(resampled_means(sums, counts)).T.tolist() if several.max() > 1 else means
    found = {}
    for name, mean, pair, number in zip(names, means, ends, several, strict=True):
        found |= {name: mean} if number else {}
        found |= {f"{name}_interval": pair} if number > 1 else {}
    return found
