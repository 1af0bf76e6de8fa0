"""Work on several cores; kept apart from devices, which cost seconds to import."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from base.work_parts import is_worker

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds that workers have to end by themselves.
_GRACE = 1.0


def cpu_count() -> int:
    """Cores this process may use: those of the machine, fewer where it was given fewer, or one."""
    if is_worker():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int, ahead: int
) -> Iterator[Result]:
    """Results of ``work`` in the order of the items, at most ``ahead`` of the consumer, computed in
    threads, as ``items`` are iterated in one; what either raises is raised here, in turn."""
    iterator = iter(items)

    def submit_next() -> Future[Result] | None:
        for item in iterator:
            return pool.submit(work, item)
        return None

    # Decoding and resizing release Python's lock, so threads are enough.
    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as source:
        pending = deque(source.submit(submit_next) for _ in range(ahead))
        try:
            while (future := pending.popleft().result()) is not None:
                pending.append(source.submit(submit_next))
                yield future.result()
        finally:
            source.shutdown(cancel_futures=True)
            pool.shutdown(cancel_futures=True)


def for_each(
    items: Iterable[Any], work: Callable[[Any], None], threads: int, stop: threading.Event
) -> None:
    """Work on several items at a time; the first error, or Ctrl-C, sets ``stop`` and is raised,
    without those who wait for a server or a disk even then."""
    errors: list[BaseException] = []
    left = iter(list(items))

    def run() -> None:
        try:
            for item in left:
                if stop.is_set():
                    return
                work(item)
        except BaseException as error:  # others may end with errors of their own, as stop is set
            errors.append(error)
            stop.set()

    workers = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            while worker.is_alive() and not stop.is_set():
                worker.join(0.1)
    except BaseException:
        stop.set()
        raise
    finally:
        end = time.monotonic() + _GRACE
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
    if errors:
        raise errors[0]
