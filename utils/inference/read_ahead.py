"""Work on a sequence in threads, some items ahead of the one who asks, in order."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL_S = 0.1


def read_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int, ahead: int
) -> Iterator[Result]:
    """Results of ``work`` in the order of the items.

    Decoding and resizing release Python's lock, so threads are enough.

    Args:
        items: what to work on; iterated in a thread of its own, for a video is decoded there.
        work: called in a pool of threads; what it or ``items`` raises is raised here, in turn.
        threads: size of the pool.
        ahead: results kept ready at most, which bounds the memory.
    """
    ready: queue.Queue[Future[Result] | None] = queue.Queue(ahead)
    stop = threading.Event()

    def hand_on(future: Future[Result] | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(future, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False

    def produce(pool: ThreadPoolExecutor) -> None:
        try:
            for item in items:
                if stop.is_set() or not hand_on(pool.submit(work, item)):
                    return
        except BaseException as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            hand_on(failed)
            return
        hand_on(None)

    with ThreadPoolExecutor(threads, thread_name_prefix="read") as pool:
        producer = threading.Thread(target=produce, args=(pool,), name="source", daemon=True)
        producer.start()
        try:
            while (future := ready.get()) is not None:
                yield future.result()
        finally:
            stop.set()
            while producer.is_alive():
                producer.join(_POLL_S)
                while not ready.empty():
                    if (left := ready.get_nowait()) is not None:
                        left.cancel()
