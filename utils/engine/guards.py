"""What stops a run with one clear line, and what is said when it waits."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

import torch
from tqdm import tqdm

from base.errors import UserError
from utils.config import StageSection

#: What allocators say, apart from ``torch.OutOfMemoryError``.
_NO_MEMORY = (
    *("out of memory", "can't allocate memory", "not enough memory", "Insufficient memory"),
    *("Failed to allocate memory", "bad_alloc", "ALLOC_FAILED"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator of any device has given up."""
    # ONNX Runtime and OpenCV have errors of their own.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        not isinstance(error, UserError) and any(text in str(error) for text in _NO_MEMORY)
    )


@contextlib.contextmanager
def out_of_memory_line(advice: str) -> Iterator[None]:
    """Turn a lack of memory into one line.

    Args:
        advice: with what settings, and which of them to lower.

    Raises:
        UserError: instead of the allocator's error.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(f"out of memory {advice}") from None


def memory_advice(
    name: str, settings: StageSection, input_size: int
) -> contextlib.AbstractContextManager[None]:
    """:func:`out_of_memory_line` of a stage of training."""
    accumulate = settings.accumulate
    return out_of_memory_line(
        f"in {name} with batch_size {settings.batch_size}, accumulate {accumulate} and pictures of "
        f"{input_size} pixels: lower --batch_size, or keep it and work in smaller parts with "
        f"--accumulate {2 * accumulate}"
    )


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
