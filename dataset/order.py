"""Which frames make each batch: fixed by seed and epoch, so that any place can be returned to.

A global batch is what one step of the optimiser sees.  It is divided evenly among the processes
of a run, and each share again into micro-batches where gradients are accumulated.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Sampler

#: Shards whose frames are mixed where shards are fetched as they are needed.
MIXED = 16


class Division(NamedTuple):
    """Ours is part ``rank`` of ``world`` processes, in ``accumulate`` micro-batches each."""

    rank: int = 0
    world: int = 1
    accumulate: int = 1


def epoch_of(dataset: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Arguments of :class:`BatchOrder`, with the frames of an epoch where they do not state them
    and the data set does (:class:`dataset.mixed.Mixed`), and the shards of a remote one."""
    return order | {
        "epoch_frames": order.get("epoch_frames") or getattr(dataset, "epoch_frames", None),
        "shards": getattr(dataset, "shards", None),
    }


class BatchOrder(Sampler[list[int]]):
    """Frame numbers, of ``count``, of the micro-batches of one epoch from step ``start`` on, one
    list each, ``accumulate`` a step: of our part, ``division``, of each global batch.

    ``shuffle`` draws a new order each epoch, fixed by ``seed`` and the attribute ``epoch``;
    ``drop_last`` leaves out an incomplete last batch (batch statistics of a few frames are poor)
    unless it is the only one.  Where ``epoch_frames`` are not once through all, shuffled epochs
    follow each other through one order after another: each frame comes up as often as any.

    With ``shards``, (count,) the shard of each frame, shuffling spreads those of a shard over the
    length of ``MIXED`` shards only, so that few need to be at hand at a time.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        division: Division | None = None,
        epoch_frames: int | None = None,
        shards: np.ndarray | None = None,
    ) -> None:
        self.count = count
        self.length = count if epoch_frames is None else epoch_frames
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.division = division or Division()
        self.shards = None if shards is None else torch.from_numpy(shards).long()
        self.epoch = self.start = 0
        whole = self.length // batch_size
        self.steps = whole if drop_last and whole else -(-self.length // batch_size)

    def __len__(self) -> int:
        return self.steps * self.division.accumulate

    def permutation(self) -> torch.Tensor:
        """(length,) int64 frame numbers in this epoch's order."""
        begin = self.epoch * self.length if self.shuffle else 0
        first, last = begin // self.count, (begin + self.length - 1) // self.count
        rounds = torch.cat([self._round(number) for number in range(first, last + 1)])
        return rounds[begin - first * self.count :][: self.length]

    def _round(self, number: int) -> torch.Tensor:
        """(count,) int64, every frame once."""
        if not self.shuffle:
            return torch.arange(self.count)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        if self.shards is None:
            return torch.randperm(self.count, generator=generator)
        sizes = torch.bincount(self.shards)
        order = torch.randperm(len(sizes), generator=generator)
        first = torch.empty_like(sizes)
        first[order] = sizes[order].cumsum(0) - sizes[order]
        span = min(MIXED * int(sizes.max()), self.count)
        # In a circle: as many shards are mixed at both ends of a round as within it.
        place = span * torch.rand(self.count, generator=generator, dtype=torch.float64)
        return torch.argsort((first[self.shards] + place) % self.count, stable=True)

    def slices(self) -> Iterator[slice]:
        """Our parts of the batches, as ranges of :meth:`permutation`; some may be empty."""
        rank, world, accumulate = self.division
        parts = world * accumulate
        for step in range(self.start, self.steps):
            first = step * self.batch_size
            size = min(self.batch_size, self.length - first)
            for micro in range(accumulate):
                part = micro * world + rank
                yield slice(first + size * part // parts, first + size * (part + 1) // parts)

    def __iter__(self) -> Iterator[list[int]]:
        order = self.permutation()
        for part in self.slices():
            if part.start < part.stop:
                yield order[part].tolist()
