"""Means of what is known, and NumPy's files from outside, without pickles."""

from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError


def known_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Mean of those values that are not NaN, NaN where there are none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis) / known.sum(axis)


def read_arrays(path: Path) -> Any:
    """The array in an ``.npy`` file, or those in an ``.npz`` file by name; UserError for a file
    that cannot be read or holds none."""
    try:
        found = np.load(path)
        if isinstance(found, np.ndarray) == (path.suffix == ".npz"):
            raise ValueError(path)
        return dict(found) if path.suffix == ".npz" else found
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or 'damaged'})") from None
    except Exception:  # what NumPy and zipfile raise for damaged bytes shares no base class
        raise UserError(f"{path}: damaged, or no arrays of numbers") from None
