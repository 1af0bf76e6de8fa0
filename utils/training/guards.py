"""What stops a run with one clear line, and what is said when it waits."""

import contextlib
import re
import sys
import threading
import time
from collections.abc import Iterator

import torch
from tqdm import tqdm

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


class StallWatch(contextlib.AbstractContextManager["StallWatch"]):
    """Says when the loop has waited long for a batch, again and again while it does.

    Args:
        limit: seconds of waiting before each line.
        workers: reading processes, for the advice.
    """

    def __init__(self, limit: float, workers: int) -> None:
        self._limit = limit
        self._workers = workers
        self._since: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "StallWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """While a batch is waited for."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def _watch(self) -> None:
        said = 0.0
        while not self._closed.wait(min(1.0, self._limit / 4)):
            since, now = self._since, time.monotonic()
            if since is not None and now - max(since, said) >= self._limit:
                said = now
                tqdm.write(
                    f"waiting for a batch for {now - since:.0f} s: {self._workers} reading "
                    "processes (--workers); is the disk or the network behind it slow or gone?",
                    file=sys.stderr,
                )
