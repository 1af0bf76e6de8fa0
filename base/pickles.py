"""Other laboratories' pickles, read as plain data: whatever else is in them never runs."""

import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.lib import format as npy

from base.documents import read_bounded
from base.errors import UserError

_MOST_BYTES = 2 << 30
#: Numbers, texts and objects; no records, whose layout a file could lie about.
_DTYPE = re.compile(r"[<>|=]?([biufc][0-9]{1,2}|[SU][0-9]{1,4}|O8?)")


def _dtype(name: Any, *_: Any) -> np.dtype:
    text = name.decode("latin1") if isinstance(name, bytes) else name
    if not (isinstance(text, str) and _DTYPE.fullmatch(text)):
        raise UserError(f"refused: an array of the type {str(text)[:40]!r}")
    return np.dtype(text)


def _numbers(data: Any, dtype: Any) -> np.ndarray:
    """What is in raw bytes, of no type with objects: those would be addresses."""
    data = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(data, dtype)


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise UserError(f"refused: text in {str(encoding)[:40]!r}")
    return text.encode("latin1")


#: What stands for the globals of NumPy's arrays and scalars; lists, dictionaries, texts and numbers
#: need none, Python 3 one for bytes in the form of Python 2.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encoded,
}
for _core in ("core", "_core"):
    _ALLOWED |= {
        (f"numpy.{_core}.multiarray", "_reconstruct"): lambda *_: np.empty(0, "b"),
        (f"numpy.{_core}.multiarray", "scalar"): lambda dtype, data: _numbers(data, dtype)[0],
        (f"numpy.{_core}.numeric", "_frombuffer"): lambda data, dtype, shape, order: _numbers(
            data, dtype
        ).reshape(shape, order=order),
    }


class _PlainUnpickler(pickle._Unpickler):  # in Python: NumPy's own reader of states trusts them
    dispatch: ClassVar[dict[int, Callable[..., None]]] = {**pickle._Unpickler.dispatch}

    def find_class(self, module: str, name: str) -> Any:
        """Refuses everything but arrays, by name."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UserError(
                f"refused: it would call {module}.{name}, which no data of numbers needs"
            ) from None

    def load_build(self) -> None:
        """The state of an array, or of its type: the order of its bytes alone."""
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, np.dtype):
            _, order, *layout = state[:5]
            order = order.decode() if isinstance(order, bytes) else order
            if any(part is not None for part in layout) or made.newbyteorder(order) != made:
                raise UserError("refused: an array of an unusual type")
        elif type(made) is np.ndarray and isinstance(state[2], np.dtype):
            version, shape, dtype, fortran, data = state
            data = data.encode("latin1") if isinstance(data, str) else data
            if dtype.hasobject != isinstance(data, list):
                raise UserError("refused: an array whose content is not of its type")
            made.__setstate__((version, shape, dtype, fortran, data))
        else:
            raise UserError("refused: it would set the state of an object")

    def load_bytearray8(self) -> None:
        """What is there, whatever length is announced."""
        data = self.read(int.from_bytes(self.read(8), "little"))
        self.append(bytearray(data))

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


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
    first = npy.read_magic(stream)[0] == 1
    header = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
    shape, _, dtype = header(stream)
    if shape or not dtype.hasobject:
        raise UserError("an array of numbers where one object was expected")
    return stream.tell()


def _load(data: bytes, start: int, encoding: str) -> Any:
    stream = io.BytesIO(data)
    stream.seek(start)
    content = _PlainUnpickler(stream, encoding=encoding).load()
    return content.item() if start else content
