"""What is printed when training waits for a batch."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from tqdm import tqdm


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
