"""Batches of a dataset in a reproducible order, stepping over frames that cannot be read.

Reading processes hand batches over in shared memory where there is room for them, and otherwise
through a pipe, which costs a few copies and needs no /dev/shm.
"""

import functools
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId
from dataset.batch import Batch, collate
from dataset.in_memory import free_shared_memory, picture_bytes
from dataset.order import BatchOrder, Division, epoch_of

BrokenList = list[tuple[FrameId, str]]

#: Batches that each reading process prepares in advance.
_PREFETCH = 2
#: Bytes, below the 32 MiB up to which glibc adapts.
_KEPT = 31 * 2**20
_MORE_SHARED_MEMORY = (
    "give the container more (docker run --shm-size=2g), or lower --workers or --batch_size"
)
#: The locks of reading processes are in it as well.
_MIB = _LEAST_SHARED_MEMORY = 2**20

#: A frame that takes a broken one's place is looked for this far; beyond, the set is unusable.
_MOST_REPLACEMENTS = 1000

#: A frame, or a batch, with the index and the reason of each broken frame met on the way to it.
_Item = tuple[Frame | None, list[tuple[int, str]]]
_Read = tuple[Batch | None, list[tuple[int, str]]]


class _Readable(Dataset):
    """The same frames; with ``replace`` the next readable one takes the place of a broken one, and
    without, None does."""

    def __init__(self, dataset: BaseDataset, replace: bool) -> None:
        self.dataset, self.replace = dataset, replace

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> _Item:
        broken: list[tuple[int, str]] = []
        tries = min(len(self.dataset), _MOST_REPLACEMENTS) if self.replace else 1
        for offset in range(tries):
            number = (index + offset) % len(self.dataset)
            try:
                return self.dataset[number], broken
            except BrokenFrameError as error:
                broken.append((number, str(error)))
        return None, broken


def _collate_readable(share: bool, items: list[_Item]) -> _Read | bytes:
    """Batch of the frames that could be read; pickled where the main process is another one and
    shared memory has no room."""
    frames = [frame for frame, _ in items if frame is not None]
    broken = [fault for _, faults in items for fault in faults]
    batch = collate(frames) if frames else None
    if batch is None or get_worker_info() is None:
        return batch, broken
    # Left to the loader, tensors are moved to shared memory in a thread that loses the batch where
    # that fails, and the main process waits for it for ever.
    try:
        if share:
            batch.share_memory()
            return batch, broken
    except RuntimeError:  # others have filled it meanwhile, or too many files are open
        pass
    return pickle.dumps((batch, broken))


def _prepare_worker(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; only the main one is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Once a block has been freed, glibc's malloc keeps up to twice its size for the next ones.
    # Otherwise it returns the memory of each batch to the system, and takes it back page by page.
    np.empty(_KEPT, np.uint8)


def bytes_in_flight(batch_size: int, size: int, workers: int, division: Division) -> int:
    """Shared memory that pictures take at most, in this process and in those that read for it."""
    frames = -(-batch_size // (division.world * division.accumulate))
    # A step holds its micro-batches until it ends.
    batches = _PREFETCH * workers + division.accumulate
    return picture_bytes(batches * frames, size)


class FrameLoader:
    """Iterable over the batches of one epoch.

    ``order`` is as of :class:`~dataset.order.BatchOrder`; 0 ``workers`` read in this process;
    ``pin_memory`` lets copies to a CUDA device overlap with work on it; ``replace_broken`` lets the
    next readable frame take a broken one's place, which otherwise makes its batch smaller.

    Attributes:
        epoch: set it before each pass over shuffled data.
        start: first step of the next pass, to go on within an epoch.
        frames: of an epoch.
        workers: reading processes; none where shared memory has no room for their locks.
        broken: frames stepped over so far, each once, with the reason.
    """

    def __init__(
        self,
        dataset: BaseDataset,
        batch_size: int,
        workers: int = 0,
        pin_memory: bool = False,
        replace_broken: bool = False,
        **order: Any,
    ) -> None:
        self.dataset = dataset
        self.epoch = self.start = 0
        self.broken: BrokenList = []
        self._order = BatchOrder(len(dataset), batch_size, **epoch_of(dataset, order))
        self.frames = self._order.length
        self._pin_memory, self._replace = pin_memory, replace_broken
        self._warned = False
        size, free = dataset.camera.width, free_shared_memory()
        self._bytes = bytes_in_flight(batch_size, size, workers, self._order.division)
        if workers and free < _LEAST_SHARED_MEMORY:
            self._warn("from the main process alone")
            workers = 0
        self.workers = workers
        self._loader = DataLoader(
            _Readable(dataset, replace_broken),
            batch_sampler=self._order,
            num_workers=workers,
            # The threads by which remote shards are fetched do not live on in a fork.
            multiprocessing_context="spawn" if workers and self._order.shards is not None else None,
            prefetch_factor=_PREFETCH if workers else None,
            collate_fn=functools.partial(_collate_readable, self._bytes <= free),
            # Workers draw nothing; a generator of its own keeps PyTorch's global one untouched.
            generator=torch.Generator().manual_seed(self._order.seed),
            worker_init_fn=_prepare_worker,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
        )

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[Batch]:
        """Batches from step :attr:`start` on; UserError when a reading process dies, or all that
        could replace a frame is broken."""
        self._order.epoch, self._order.start = self.epoch, self.start
        known = {frame_id for frame_id, _ in self.broken}
        try:
            for read in self._start():
                batch, broken = self._unpickled(read) if isinstance(read, bytes) else read
                for index, reason in broken:
                    frame_id = self.dataset.frame_id(index)
                    if frame_id not in known:
                        known.add(frame_id)
                        self.broken.append((frame_id, reason))
                if batch is not None:
                    yield batch
                elif self._replace:
                    raise UserError(
                        f"{self.dataset.set_type.folder}: of {len(broken)} frames in a row none "
                        f"can be read, as if the set had gone; the last: {broken[-1][1]}"
                    )
        except UserError as error:
            # From another process it comes with the traceback there, its own line last.
            line = str(error.args[0]).rstrip().rpartition("\n")[2]
            raise UserError(line.removeprefix("base.errors.UserError: ")) from None
        except (RuntimeError, EOFError, ConnectionError) as error:
            # The last two where it died while it handed a batch over.
            if isinstance(error, RuntimeError) and "DataLoader worker (" not in str(error):
                raise
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(
                f"a process that reads pictures died ({first}): if memory ran out, use fewer "
                f"(--workers, data.workers); if /dev/shm did, {_MORE_SHARED_MEMORY}"
            ) from None

    def _start(self) -> Iterator[_Read | bytes]:
        """The loader's batches; a death of its processes is met where one is waited for. Its own
        handler of their signal raises in the middle of whatever is done with a batch."""
        in_main = threading.current_thread() is threading.main_thread()
        if sys.platform == "win32" or not in_main:
            return iter(self._loader)
        before = signal.getsignal(signal.SIGCHLD)
        try:
            return iter(self._loader)
        finally:
            signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)

    def _unpickled(self, read: bytes) -> _Read:
        """What came through a pipe."""
        self._warn("through pipes")
        batch, broken = pickle.loads(read)
        if self._pin_memory and batch is not None:
            batch.pin_memory()
        return batch, broken

    def _warn(self, how: str) -> None:
        """Say once that pictures take a slower way, and why."""
        if not self._warned and self._order.division.rank == 0:
            tqdm.write(  # above a bar that is drawn
                f"{self.dataset.set_type.folder}: pictures come {how}, which is slower: "
                f"{self._bytes / _MIB:.0f} MiB of shared memory may be needed, /dev/shm has "
                f"{free_shared_memory() / _MIB:.0f} MiB free; {_MORE_SHARED_MEMORY}",
                file=sys.stderr,
            )
        self._warned = True
