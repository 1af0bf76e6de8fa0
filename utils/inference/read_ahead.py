"""Work on a sequence in threads, some items ahead of the one who asks, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int, ahead: int
) -> Iterator[Result]:
    """Results of ``work`` in the order of the items.

    Decoding and resizing release Python's lock, so threads are enough.

    Args:
        items: what to work on; taken one by one, never more than ``ahead`` before their time.
        work: called in a thread; what it raises is raised here.
        threads: how many at once.
        ahead: results kept ready at most, which bounds the memory.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read") as pool:
        source = iter(items)
        pending = deque(pool.submit(work, item) for item in islice(source, ahead))
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(work, item) for item in islice(source, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()
