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
def character_weights(characters: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(R, C): how often each character comes up in each resample; the same at every call."""
    rng = np.random.default_rng(0)
    return rng.multinomial(characters, np.full(characters, 1 / characters), size=resamples)


def resampled_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(R, n) means over the frames of each resample of the characters, NaN where it holds none.

    ``sums`` are (C, n), those of each character's frames, ``counts`` (C,) or (C, n) its frames.
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


def means_by_character(
    values: np.ndarray, characters: np.ndarray, weights: np.ndarray | None = None
) -> list[tuple[float, list[float] | None]]:
    """Weighted means over the frames, each with its interval, None with fewer than two characters.

    ``values`` are (N, n) of N frames, ``characters`` (N,) numbers of theirs, ``weights`` (N, 1).
    """
    weights = np.ones((len(values), 1)) if weights is None else weights
    count = int(characters.max()) + 1
    sums, counts = (np.zeros((count, rows.shape[1])) for rows in (values, weights))
    np.add.at(sums, characters, values * weights)
    np.add.at(counts, characters, weights)
    means = (sums.sum(0) / counts.sum(0)).tolist()
    if np.count_nonzero(counts) < 2:
        return [(mean, None) for mean in means]
    return list(zip(means, interval(resampled_means(sums, counts)).T.tolist(), strict=True))


def named(name: str, mean: float, ends: list[float] | None) -> dict[str, Any]:
    """A figure of results.json, and its interval beside it where there is one."""
    return {name: mean} | ({f"{name}_interval": ends} if ends else {})


def figures(names: Sequence[str], *arguments: np.ndarray) -> dict[str, Any]:
    """A figure per column; arguments as of :func:`means_by_character`."""
    report: dict[str, Any] = {}
    for name, cell in zip(names, means_by_character(*arguments), strict=True):
        report |= named(name, *cell)
    return report
