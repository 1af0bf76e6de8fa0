"""Work cut into independent parts, made in any order; the one that ends last puts all together."""

import os
import signal
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from base.errors import UserError
from base.files import write_text
from base.lock import locked

Item = TypeVar("Item", bound=Hashable)

#: In an output folder: a folder for each part, locked while it is made; in that what it was made
#: with, once it is complete.
PARTS, _DONE = ".parts", "done"
#: Seconds in which another part has prepared the output folder.
PATIENCE = 120
_is_worker = False


class Part(NamedTuple):
    """The ``number``-th of ``count`` parts, from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def share(self, items: Iterable[Item]) -> list[Item]:
        """Every ``count``-th of the items."""
        return list(items)[self.number - 1 :: self.count]

    def all(self) -> "list[Part]":
        """This one and the others."""
        return [Part(number, self.count) for number in range(1, self.count + 1)]

    def folder(self, root: Path) -> Path:
        """Its own folder in an output folder."""
        return root / PARTS / f"{self.number}-{self.count}"

    def done(self, root: Path) -> str | None:
        """What it was made with; None where it is not complete."""
        path = self.folder(root) / _DONE
        return path.read_text("utf-8") if path.is_file() else None

    @contextmanager
    def held(self, root: Path) -> Iterator[None]:
        """While it is made: it is not complete, and of no other process."""
        with locked(self.folder(root)):
            (self.folder(root) / _DONE).unlink(missing_ok=True)
            yield

    @contextmanager
    def finished(self, root: Path, made_with: str) -> Iterator[bool]:
        """Notes that it is complete; yields whether all are, ``made_with`` the same, of which one
        process at a time is told. Whatever dies, the same part again goes on from here."""
        write_text(self.folder(root) / _DONE, made_with, single_writer=True)
        with locked(root / PARTS, -1):
            found = {part: part.done(root) for part in self.all()}
            others = [part for part, with_ in found.items() if with_ not in (None, made_with)]
            complete = sum(with_ == made_with for with_ in found.values())
            said = f"part {self} is complete, {complete} of {self.count} are"
            if others:
                print(f"{said}; {others[0]} is of other options or inputs: make it again")
            elif not _is_worker:  # else all of them are made by one command
                print(said if complete < self.count else f"all {self.count} parts are complete")
            yield complete == self.count


@contextmanager
def writing(
    root: Path, part: Part | None, prepare: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """While a run, or a part beside others of as many, writes to an output folder; ``prepare`` is
    called when no other process does, prepares it, or puts its parts together."""
    with ExitStack() as held, ExitStack() as first:
        if part:
            first.enter_context(locked(root / PARTS, -1))
        (first if part else held).enter_context(locked(root, PATIENCE if part else 0))
        for folder in (root / PARTS).glob("*-*"):
            if not (part and folder.name.endswith(f"-{part.count}")):
                with locked(folder):
                    pass  # nobody makes it
        prepare()
        if part:
            held.enter_context(part.held(root))
        first.close()
        yield


def is_worker() -> bool:
    """Whether this process is one worker among others."""
    return _is_worker


def be_worker() -> None:
    """From now on it is, on one thread."""
    import cv2
    import torch

    global _is_worker
    _is_worker = True
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _start_worker() -> None:
    """No worker outlives the parent, nor do its locks."""
    from tqdm import tqdm

    be_worker()
    tqdm.set_lock(threading.RLock())  # its own one is for several processes

    def follow_parent() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def in_processes(
    work: Callable[..., Any], items: Iterable[Item], workers: int, *how: Any
) -> Iterator[tuple[Item, Any]]:
    """Each item with what ``work(item, *how)`` returns, as it ends, from worker processes, or from
    this one where it is a worker itself. Ctrl-C ends them."""
    if _is_worker:
        yield from ((item, work(item, *how)) for item in items)
        return
    for name in ("OMP", "OPENBLAS", "MKL"):  # the workers' libraries
        os.environ[f"{name}_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        # The workers inherit that it is this process that Ctrl-C is for.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            running = {pool.submit(work, item, *how): item for item in items}
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for done in as_completed(running):
            yield running.pop(done), done.result()
    except BrokenProcessPool:
        raise UserError(
            "a worker process was ended from outside, most likely for lack of memory: go on "
            "with fewer of them"
        ) from None
    except (KeyboardInterrupt, GeneratorExit):
        for child in active_children():
            child.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
