"""Work on several cores; kept apart from devices, which cost seconds to import."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def cpu_count() -> int:
    """Cores this process may use: those of the machine, or fewer where it was given fewer."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each(
    items: Iterable[Any], work: Callable[[Any], None], threads: int, stop: threading.Event
) -> None:
    """Work on several items at a time; the first error, or Ctrl-C, sets ``stop`` and is raised."""
    errors: list[BaseException] = []

    def run(item: Any) -> None:
        try:
            if not stop.is_set():
                work(item)
        except (
            BaseException
        ) as error:  # the others may end with errors of their own, as stop is set
            errors.append(error)
            stop.set()

    with ThreadPoolExecutor(threads) as pool:
        try:
            list(pool.map(run, items))
        except BaseException:
            stop.set()
            raise
    if errors:
        raise errors[0]
