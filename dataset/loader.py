"""Batches of a dataset in a reproducible order, stepping over frames that cannot be read."""

import signal
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from base.base_dataset import BaseDataset
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId
from dataset.batch import Batch, collate
from dataset.order import BatchOrder, Division

BrokenList = list[tuple[FrameId, str]]

#: A frame that takes a broken one's place is looked for this far; beyond, the set is unusable.
_MOST_REPLACEMENTS = 1000

_Item = tuple[Frame | None, list[tuple[int, str]]]


class _Readable(Dataset):
    """The same frames, each with the broken ones met on the way to it, as (index, reason).

    With ``replace`` the next readable frame takes the place of a broken one; without, None does.
    """

    def __init__(self, dataset: BaseDataset, replace: bool) -> None:
        self.dataset = dataset
        self.replace = replace

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


def _collate_readable(items: list[_Item]) -> tuple[Batch | None, list[tuple[int, str]]]:
    """Batch of the frames that could be read, and what could not."""
    frames = [frame for frame, _ in items if frame is not None]
    broken = [fault for _, faults in items for fault in faults]
    return (collate(frames) if frames else None), broken


def _leave_interrupts_to_the_main_process(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; only the main one is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class FrameLoader:
    """Iterable over the batches of one epoch.

    Args:
        dataset: the frames.
        batch_size: frames a batch, over all processes and micro-batches.
        workers: reading processes; 0 reads in this one.
        shuffle: draw a new order each epoch, fixed by ``seed`` and :attr:`epoch`.
        seed: seed of the order.
        drop_last: leave out an incomplete last batch (batch statistics of a few frames are poor).
        pin_memory: put pictures where copies to a CUDA device overlap with work on it.
        replace_broken: let the next readable frame take a broken one's place, so that batches
            stay full; without, a batch that held broken frames is smaller.
        division: the part of each batch that is ours.
        epoch_frames: frames of an epoch, see :class:`~dataset.order.BatchOrder`.

    Attributes:
        epoch: set it before each pass over shuffled data.
        start: first step of the next pass, to go on within an epoch.
        workers: reading processes.
        broken: frames stepped over so far, each once, with the reason.
    """

    def __init__(
        self,
        dataset: BaseDataset,
        batch_size: int,
        workers: int = 0,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        pin_memory: bool = False,
        replace_broken: bool = False,
        division: Division | None = None,
        epoch_frames: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.epoch = 0
        self.start = 0
        self.workers = workers
        self.broken: BrokenList = []
        self._order = BatchOrder(
            len(dataset), batch_size, shuffle, seed, drop_last, division, epoch_frames
        )
        self._loader = DataLoader(
            _Readable(dataset, replace_broken),
            batch_sampler=self._order,
            num_workers=workers,
            collate_fn=_collate_readable,
            # Workers draw nothing; a generator of its own keeps PyTorch's global one untouched.
            generator=torch.Generator().manual_seed(seed),
            worker_init_fn=_leave_interrupts_to_the_main_process,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
        )

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[Batch]:
        """Batches from step :attr:`start` on.

        Raises:
            UserError: when a reading process dies.
        """
        self._order.epoch, self._order.start = self.epoch, self.start
        known = {frame_id for frame_id, _ in self.broken}
        try:
            for batch, broken in self._loader:
                for index, reason in broken:
                    frame_id = self.dataset.frame_id(index)
                    if frame_id not in known:
                        known.add(frame_id)
                        self.broken.append((frame_id, reason))
                if batch is not None:
                    yield batch
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            first = str(error).splitlines()[0]
            raise UserError(
                f"a process that reads pictures died ({first}): if memory ran out, use fewer "
                "(--workers, data.workers)"
            ) from None


def make_loader(
    dataset: BaseDataset, batch_size: int, workers: int = 0, shuffle: bool = False, seed: int = 0
) -> FrameLoader:
    """Loader for one pass in order (evaluation), or in a shuffled one."""
    return FrameLoader(dataset, batch_size, workers=workers, shuffle=shuffle, seed=seed)
