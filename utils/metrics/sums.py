"""Sums of per-frame measures by character and group: all that the means and intervals need."""

from collections.abc import Callable, Sequence

import numpy as np


class SumTable:
    """Sums over frames in float64, one row per (character, group).

    Its size depends on the number of characters and groups, not of frames.  Tables filled apart,
    by other processes, add up to what one would hold: they can be pickled and merged.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], dict[str, np.ndarray]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, keys: Sequence[tuple[str, str]], measures: dict[str, np.ndarray]) -> None:
        """Add B frames: a key (character, group) and a row of each (B, n) measure for each."""
        rows_of: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        for key, rows in rows_of.items():
            self._add(key, len(rows), {name: v[rows].sum(0) for name, v in measures.items()})

    def _add(self, key: tuple[str, str], count: int, sums: dict[str, np.ndarray]) -> None:
        held = self._sums.setdefault(key, {})
        for name, values in sums.items():
            held[name] = held[name] + values if name in held else values
        self._counts[key] = self._counts.get(key, 0) + count

    def merge(self, other: "SumTable") -> None:
        """Add everything another table holds."""
        for key, sums in other._sums.items():
            self._add(key, other._counts[key], sums)

    def has(self, name: str) -> bool:
        """Whether a measure was given for every frame."""
        return bool(self._sums) and all(name in sums for sums in self._sums.values())

    @property
    def characters(self) -> list[str]:
        """Characters seen, sorted."""
        return sorted({character for character, _ in self._counts})

    @property
    def groups(self) -> list[str]:
        """Groups seen, sorted; "" is that of unknown clips."""
        return sorted({group for _, group in self._counts})

    def by_character(
        self, name: str, keep: Callable[[str], bool] = lambda group: True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums (C, n) and frames (C,) of each character over the groups kept."""
        sums, counts = [], []
        for character in self.characters:
            keys = [key for key in self._counts if key[0] == character and keep(key[1])]
            width = next(iter(self._sums.values()))[name].shape
            sums.append(sum((self._sums[key][name] for key in keys), np.zeros(width)))
            counts.append(sum(self._counts[key] for key in keys))
        return np.array(sums), np.array(counts, np.float64)
