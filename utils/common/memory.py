"""A lack of memory, of any device, as one line that says what to lower."""

import contextlib
import re
from collections.abc import Iterator

import torch

from base.errors import UserError

#: What allocators say, apart from those that raise errors of their own.
_NO_MEMORY = re.compile(
    "out of memory|can't allocate memory|(not enough|insufficient) memory|"
    "failed to allocate memory|bad_alloc|alloc_failed",
    re.I,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator has given up; OpenCV and ONNX Runtime have errors of their own."""
    if isinstance(error, UserError):
        return False
    own = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return own or bool(_NO_MEMORY.search(str(error)))


@contextlib.contextmanager
def memory_advice(what: str, remedy: str) -> Iterator[None]:
    """Turn a lack of memory into a UserError: ``out of memory {what}: {remedy}``."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(f"out of memory {what}: {remedy}") from None
