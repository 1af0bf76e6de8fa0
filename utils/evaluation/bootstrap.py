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
    fewer than two characters no intervals.

    ``values`` are (N, n) of N frames, ``characters`` (N,) numbers of theirs, ``weights`` (N, 1).
    """
    weights = np.broadcast_to(weights, (len(values), 1))
    sums, counts = (
        np.zeros((int(characters.max()) + 1, rows.shape[1])) for rows in (values, weights)
    )
    np.add.at(sums, characters, values * weights)
    np.add.at(counts, characters, weights)
    means = (sums.sum(0) / counts.sum(0)).tolist()
    if np.count_nonzero(counts) < 2:
        return dict(zip(names, means, strict=True))
    ends = interval(resampled_means(sums, counts)).T.tolist()
    cells = zip(names, means, ends, strict=True)
    return {k: v for name, m, pair in cells for k, v in ((name, m), (f"{name}_interval", pair))}
