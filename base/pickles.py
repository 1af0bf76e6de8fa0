"""Other laboratories' pickles, read as plain data: whatever else is in them never runs."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from base.documents import read_bounded
from base.errors import UserError

_MOST_BYTES = 2 << 30
#: The globals of NumPy's arrays and scalars; lists, dictionaries, texts and numbers need none.
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
} | {
    (f"numpy.{core}.{module}", name): getattr(getattr(np._core, module), name)
    for core in ("core", "_core")
    for module, name in (
        ("multiarray", "_reconstruct"),
        ("multiarray", "scalar"),
        ("numeric", "_frombuffer"),
    )
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Refuses everything but arrays, by name."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UserError(
                f"refused: it would call {module}.{name}, which no data of numbers needs"
            ) from None


def read_pickle(path: Path) -> Any:
    """The content of a pickle, or of an ``.npy`` file that holds one object: NumPy arrays, lists,
    dictionaries, texts and numbers, Python 2's too; UserError for a file that cannot be read, and,
    before anything of it runs, for one that needs anything else."""
    try:
        data = read_bounded(path, _MOST_BYTES)
        start = _start(data)
        try:
            return _load(data, start, "ASCII")
        except UnicodeDecodeError:  # Python 2's byte strings, which hold the arrays' numbers
            return _load(data, start, "latin1")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception:  # what damaged pickles raise shares no base class
        raise UserError(f"{path}: damaged, or no pickle") from None


def _start(data: bytes) -> int:
    """Where the pickle begins: behind the header of an ``.npy`` file of one object."""
    if not data.startswith(npy.MAGIC_PREFIX):
        return 0
    stream = io.BytesIO(data)
    header = (
        npy.read_array_header_1_0 if npy.read_magic(stream)[0] == 1 else npy.read_array_header_2_0
    )
    shape, _, dtype = header(stream)
    if shape or not dtype.hasobject:
        raise UserError("an array of numbers where one object was expected")
    return stream.tell()


def _load(data: bytes, start: int, encoding: str) -> Any:
    stream = io.BytesIO(data)
    stream.seek(start)
    content = _PlainUnpickler(stream, encoding=encoding).load()
    return content.item() if start else content
