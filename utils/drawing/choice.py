"""Which of many frames to draw."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items, first and last among them; all where there are fewer."""
    count = min(count, len(items))
    return [items[row] for row in np.linspace(0, len(items) - 1, count).round().astype(int)]


def evenly_spaced_runs(items: Sequence[Item], count: int, length: int = 20) -> list[Item]:
    """About ``count`` items in runs of ``length`` neighbours, spread evenly; all of few items.

    Neighbours can be played as a sequence, which items picked one by one cannot.
    """
    if count >= len(items):
        return list(items)
    starts = evenly_spaced(range(max(1, len(items) - length + 1)), max(1, count // length))
    rows = sorted({row for start in starts for row in range(start, start + length)})
    return [items[row] for row in rows if row < len(items)]
