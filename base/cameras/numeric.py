"""Functions of NumPy arrays and torch tensors alike, and their inverses."""

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)

#: Under a radius that is divided by; on the axis the numerator vanishes too.
AXIS = 1e-12
TABLE_SIZE = 4096
#: Of Newton's method, which squares the last step, a share of a cell, with the next.
_MOST_STEPS, _LAST_STEP = 10, 1e-4


def namespace(array: Array) -> ModuleType:
    """The module of an array's functions: NumPy or torch."""
    return torch if isinstance(array, torch.Tensor) else np


def polynomial(terms: Sequence[float], x: Array) -> tuple[Array, Array]:
    """terms[0] + terms[1] x + terms[2] x² + … and its derivative, by Horner's scheme."""
    value = slope = 0.0 * x
    for term in reversed(terms):
        slope = slope * x + value
        value = value * x + term
    return value, slope


class Rising:
    """A function as far as it rises, and its inverse there: the cell of a table that holds the
    solution, refined by Newton's method, which may not leave it for another branch.

    The function counts as falling from the first argument of the rising ``grid`` on where its
    ``slope`` is not above zero, or its value above ``highest``; ``grid`` and ``values`` are of the
    part before.
    """

    def __init__(
        self,
        function: Callable[[Array], Array],
        slope: Callable[[Array], Array],
        grid: np.ndarray,
        highest: float = math.inf,
    ) -> None:
        self._function, self._slope = function, slope
        values = function(grid)
        # A pole between two arguments changes the value's sign and not the slope's.
        rises = (slope(grid) > 0) & (np.diff(values, prepend=-1.0) > 0) & (values <= highest)
        # Never empty: a lens that falls at once has a range of one cell.
        end = len(grid) if rises.all() else max(int(np.argmin(rises)), 2)
        self.grid, self.values = grid[:end], values[:end]

    def inverse(self, values: Array) -> Array:
        """Arguments of values, those outside the range of the rising part clipped to it."""
        xp, grid, table = namespace(values), self.grid, self.values
        if xp is torch:
            grid, table = (torch.as_tensor(part).to(values) for part in (grid, table))
        values = xp.clip(values, table[0], table[-1])
        right = xp.clip(xp.searchsorted(table, values), 1, len(table) - 1)
        low, high = grid[right - 1], grid[right]
        found = low
        for _ in range(_MOST_STEPS):
            step = (self._function(found) - values) / xp.clip(self._slope(found), AXIS, None)
            found = xp.clip(found - step, low, high)
            if not (abs(step) > _LAST_STEP * (high - low)).any():
                break
        return found
