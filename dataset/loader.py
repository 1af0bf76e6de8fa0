"""Batches of a dataset in a reproducible order, stepping over frames that cannot be read."""

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from base.base_dataset import BaseDataset
from base.errors import BrokenFrameError
from base.frame import Frame, FrameId
from dataset.batch import Batch, collate

BrokenList = list[tuple[FrameId, str]]


class _Readable(Dataset):
    """The same frames, with a broken one handed on as its index and reason."""

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Frame | tuple[int, str]:
        try:
            return self.dataset[index]
        except BrokenFrameError as error:
            return index, str(error)


class _CollateReadable:
    """Batch of the frames that could be read, and what could not."""

    def __call__(
        self, items: list[Frame | tuple[int, str]]
    ) -> tuple[Batch | None, list[tuple[int, str]]]:
        frames = [item for item in items if isinstance(item, Frame)]
        broken = [item for item in items if not isinstance(item, Frame)]
        return (collate(frames) if frames else None), broken


class FrameLoader:
    """Iterable over the batches of one epoch.

    Args:
        dataset: the frames.
        batch_size: frames a batch; a batch that held broken frames is smaller.
        workers: reading processes; 0 reads in this one.
        shuffle: draw a new order each epoch, fixed by ``seed`` and :attr:`epoch`.
        seed: seed of the order.
        drop_last: leave out an incomplete last batch (batch statistics of a few frames are poor).

    Attributes:
        epoch: set it before each pass over shuffled data.
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
    ) -> None:
        self.dataset = dataset
        self.epoch = 0
        self.seed = seed
        self.broken: BrokenList = []
        self._generator = torch.Generator()
        self._loader = DataLoader(
            _Readable(dataset),
            batch_size=batch_size,
            shuffle=shuffle,
            num_workers=workers,
            collate_fn=_CollateReadable(),
            drop_last=drop_last and len(dataset) >= batch_size,
            generator=self._generator,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
        )

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        self._generator.manual_seed(self.seed * 1_000_003 + self.epoch)
        known = {frame_id for frame_id, _ in self.broken}
        for batch, broken in self._loader:
            for index, reason in broken:
                frame_id = self.dataset.frame_id(index)
                if frame_id not in known:
                    known.add(frame_id)
                    self.broken.append((frame_id, reason))
            if batch is not None:
                yield batch


def make_loader(
    dataset: BaseDataset, batch_size: int, workers: int = 0, shuffle: bool = False, seed: int = 0
) -> FrameLoader:
    """Loader for one pass in order (evaluation), or in a shuffled one."""
    return FrameLoader(dataset, batch_size, workers=workers, shuffle=shuffle, seed=seed)
