"""Means of what is known, and NumPy's files from outside: no pickles, nothing larger than said."""

import contextlib
import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from base.documents import open_plain
from base.errors import UserError

#: How much smaller than its content an archive of arrays may be.
_MOST_PACKED = 100


def known_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Mean of those values that are not NaN, NaN where there are none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis) / known.sum(axis)


def read_array(path: Path) -> np.ndarray:
    """The array in an ``.npy`` file; UserError for a file that cannot be read or holds none."""
    with _opened(path) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays in an ``.npz`` file, by name; as :func:`read_array`."""
    with _opened(path) as file, zipfile.ZipFile(file) as members:
        size = file.seek(0, 2)
        if sum(info.file_size for info in members.infolist()) > _MOST_PACKED * size:
            raise ValueError("a bomb")
        read, names = partial(np.lib.format.read_array, allow_pickle=False), members.namelist()
        return {name.removesuffix(".npy"): read(io.BytesIO(members.read(name))) for name in names}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, and UserErrors for what is wrong with it, without NumPy's advice on pickles."""
    try:
        with open_plain(path) as file:
            yield file
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or 'damaged'})") from None
    except Exception:  # what NumPy and zipfile raise for damaged bytes shares no base class
        raise UserError(f"{path}: damaged, or no arrays of numbers") from None
