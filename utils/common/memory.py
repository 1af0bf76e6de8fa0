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
    """Whether an allocator of any device has given up; OpenCV and ONNX Runtime have errors of their
    own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        not isinstance(error, UserError) and bool(_NO_MEMORY.search(str(error)))
    )


@contextlib.contextmanager
def memory_advice(what: str, remedy: str) -> Iterator[None]:
    """Turn a lack of memory into one line: ``out of memory {what}: {remedy}``.

    Raises:
        UserError: instead of the allocator's error.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(f"out of memory {what}: {remedy}") from None
