"""Which of many frames to draw."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items, first and last among them; all where there are fewer."""
    if count >= len(items):
        return list(items)
    rows = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[row] for row in rows]


def evenly_spaced_runs(items: Sequence[Item], count: int, length: int = 20) -> list[Item]:
    """About ``count`` items in runs of ``length`` neighbours, spread evenly; all of few items.

    Neighbours can be played as a sequence, which items picked one by one cannot.
    """
    if count >= len(items):
        return list(items)
    runs = max(1, count // length)
    starts = np.linspace(0, len(items) - length, runs).round().astype(int)
    rows = sorted({row for start in starts for row in range(start, start + length)})
    return [items[row] for row in rows if row < len(items)]


def every(items: Sequence[Item], step: int) -> list[Item]:
    """The first of the items and each ``step``-th after it."""
    return list(items[::step])


def worst(items: Sequence[Item], count: int, error: Callable[[Item], float]) -> list[Item]:
    """The ``count`` items of the largest error, largest first; of equal ones the earlier."""
    return sorted(items, key=lambda item: -error(item))[:count]


def best(items: Sequence[Item], count: int, error: Callable[[Item], float]) -> list[Item]:
    """The ``count`` items of the smallest error, smallest first; of equal ones the earlier."""
    return sorted(items, key=error)[:count]
