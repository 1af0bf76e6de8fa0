"""Other laboratories' pickles, read as plain data: whatever else is in them never runs."""

import io
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError

#: Numbers, texts and objects; no records, whose layout a file could lie about.
_DTYPE = re.compile(r"[<>|=]?([biufc][0-9]{1,2}|[SU][0-9]{1,4}|O8?)")


def _bytes(data: Any) -> bytes:
    """Bytes, which Python 2 calls text."""
    if not isinstance(data, str | bytes | bytearray):
        raise UserError("refused: an array of no bytes")
    return data.encode("latin1") if isinstance(data, str) else bytes(data)


class _Type:
    """Stands for NumPy's dtype, whose own reader of a pickled state trusts it."""

    def __init__(self, name: Any, *_: Any) -> None:
        text = name.decode("latin1") if isinstance(name, bytes) else name
        if not (isinstance(text, str) and _DTYPE.fullmatch(text)):
            raise UserError(f"refused: an array of the type {str(text)[:40]!r}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: tuple) -> None:
        """The order of the bytes alone."""
        self.dtype = self.dtype.newbyteorder(_bytes(state[1]).decode())

    def scalar(self, data: Any) -> Any:
        """A number from raw bytes, of no type with objects: those would be addresses."""
        return np.frombuffer(_bytes(data), self.dtype)[0]


class _Array(np.ndarray):
    """An array whose content is of its type."""

    def __setstate__(self, state: tuple) -> None:
        version, shape, kind, fortran, data = state
        if not kind.dtype.hasobject:
            data = _bytes(data)
        elif not isinstance(data, list) or len(data) != math.prod(shape):
            raise UserError("refused: an array whose content is not of its type")
        super().__setstate__((version, shape, kind.dtype, fortran, data))


def _from_buffer(data: Any, kind: _Type, shape: tuple, order: str) -> np.ndarray:
    return np.frombuffer(_bytes(data), kind.dtype).reshape(shape, order=order)


#: What stands for the globals of NumPy's arrays and scalars; lists, dictionaries, texts and numbers
#: need none, Python 3 one for bytes in the form of Python 2.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): lambda text, _: text.encode("latin1"),
}
for _core in ("core", "_core"):
    _ALLOWED |= {
        (f"numpy.{_core}.multiarray", "_reconstruct"): lambda *_: _Array(0, "b"),
        (f"numpy.{_core}.multiarray", "scalar"): lambda kind, data: kind.scalar(data),
        (f"numpy.{_core}.numeric", "_frombuffer"): _from_buffer,
    }


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Refuses everything but arrays, by name."""
        if (module, name) not in _ALLOWED:
            needless = "which no data of numbers needs"
            raise UserError(f"refused: it would call {module}.{name}, {needless}")
        return _ALLOWED[module, name]


def read_pickle(path: Path) -> Any:
    """The content of a pickle: NumPy arrays, lists, dictionaries, texts and numbers, Python 2's
    too; UserError for a file that cannot be read, and, before anything of it runs, for one that
    needs anything else."""
    try:
        data = path.read_bytes()
        try:
            return _PlainUnpickler(io.BytesIO(data)).load()
        except UnicodeDecodeError:  # Python 2's byte strings, which hold the arrays' numbers
            return _PlainUnpickler(io.BytesIO(data), encoding="latin1").load()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception:  # what damaged pickles raise shares no base class
        raise UserError(f"{path}: damaged, or no pickle") from None
