"""Batches drawn by row from frames whose tensors are in memory: no file, no worker."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch

from base.frame import FrameId
from dataset.order import BatchOrder, Division


class Listed(Protocol):
    """What is asked of the frames themselves."""

    def __len__(self) -> int:
        """How many there are."""

    def frame_id(self, index: int) -> FrameId:
        """Identity of one."""


class RowLoader(ABC):
    """Batches of frames whose tensors are in memory; a batch has ``rows``, its frames' numbers.

    Args:
        dataset: the N frames.
        actions: N clip names.
        place: device that the tensors live on.
        batch_size: frames a batch, over all processes and micro-batches.
        shuffle: draw a new order each epoch and leave out an incomplete last batch.
        seed: seed of the order.
        division: the part of each batch that is ours.
        epoch_frames: frames of an epoch, see :class:`~dataset.order.BatchOrder`.

    Attributes:
        dataset: the N frames.
        epoch: set it before each pass over shuffled data.
        start: first step of the next pass, to go on within an epoch.
        workers: reading processes, none.
    """

    workers = 0

    def __init__(
        self,
        dataset: Listed,
        actions: list[str],
        place: torch.device,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        division: Division | None = None,
        epoch_frames: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.epoch = 0
        self.start = 0
        self._actions = actions
        self._place = place
        self._order = BatchOrder(
            len(dataset),
            batch_size,
            shuffle,
            seed,
            drop_last=shuffle,
            division=division,
            epoch_frames=epoch_frames,
        )

    @abstractmethod
    def _batch(self, rows: torch.Tensor, placed: torch.Tensor) -> Any:
        """The frames of (B,) int64 rows, which are given on the CPU and on the tensors' device."""

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[Any]:
        """Batches from step :attr:`start` on."""
        self._order.epoch, self._order.start = self.epoch, self.start
        order = self._order.permutation()
        # Moved once an epoch: a copy at each step would make the host wait for the device.
        placed = order.to(self._place)
        for part in self._order.slices():
            if part.start < part.stop:
                yield self._batch(order[part], placed[part])

    def rows(self, numbers: list[int]) -> Any:
        """A batch of the frames of those numbers."""
        rows = torch.tensor(numbers)
        return self._batch(rows, rows.to(self._place))

    def actions(self, batch: Any) -> list[str]:
        """B clip names."""
        return [self._actions[row] for row in batch.rows.tolist()]

    def frame_ids(self, batch: Any) -> list[FrameId]:
        """B identities."""
        return [self.dataset.frame_id(row) for row in batch.rows.tolist()]
