"""Opening the data of a run: in memory where it fits, read by worker processes where not."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset import open_split
from dataset.batch import Batch
from dataset.loader import BrokenList, FrameLoader
from dataset.memory import InMemory, picture_bytes
from dataset.order import BatchOrder, Division
from dataset.split import Split
from utils.common.config import Config, StageSection
from utils.common.cores import cpu_count

_BROKEN_SHOWN = 5


def open_pictures(root: Path, set_type: SetType, config: Config) -> tuple[BaseDataset, int]:
    """A split with pictures, and the number of worker processes that reading it deserves."""
    source = open_split(root, set_type, config.data.input_size)
    workers = cpu_count() if config.data.workers is None else config.data.workers
    needed = picture_bytes(len(source), config.data.input_size)
    if needed > config.data.memory_gib * 2**30:
        return source, workers
    dataset = InMemory(source, threads=max(1, workers))
    report_broken(dataset.broken, set_type)
    return dataset, 0


def batch_order(
    set_type: SetType, config: Config, stage: StageSection, division: Division
) -> dict[str, Any]:
    """Size and order of the batches: those of TrainSet shuffled, those of ValSet in order and as
    large as the micro-batches of training."""
    if set_type is SetType.TRAIN:
        return {
            "batch_size": stage.batch_size,
            "shuffle": True,
            "seed": config.seed,
            "division": division,
            "epoch_frames": stage.epoch_frames,
        }
    return {
        "batch_size": stage.batch_size // division.accumulate,
        "division": division._replace(accumulate=1),
    }


def picture_loader(
    root: Path, set_type: SetType, config: Config, pin_memory: bool, order: dict[str, Any]
) -> FrameLoader:
    """Batches of a split with pictures; in TrainSet the next frame takes a broken one's place."""
    dataset, workers = open_pictures(root, set_type, config)
    training = set_type is SetType.TRAIN
    return FrameLoader(
        dataset,
        workers=workers,
        drop_last=training,
        pin_memory=pin_memory,
        replace_broken=training,
        **order,
    )


def open_labels(root: Path, set_type: SetType, config: Config) -> Split:
    """A split without its pictures; frames that have none are in it too."""
    return open_split(root, set_type, config.data.input_size, pictures=False)


def refuse_overlap(training: BaseDataset, validation: BaseDataset) -> None:
    """Check that no character is in both sets.

    Raises:
        UserError: naming those that are: their validation would measure memory.
    """
    first, second = (
        {dataset.frame_id(index).character for index in range(len(dataset))}
        for dataset in (training, validation)
    )
    if both := sorted(first & second):
        shown = ", ".join(both[:_BROKEN_SHOWN]) + (", …" if len(both) > _BROKEN_SHOWN else "")
        raise UserError(
            f"{len(both)} characters of {SetType.VAL.folder} are in {SetType.TRAIN.folder} too "
            f"({shown}): validation would overlap training; take them out of one of the two"
        )


def report_broken(broken: BrokenList, set_type: SetType) -> None:
    """Say which frames are stepped over, and how many."""
    if broken:
        shown = "; ".join(reason for _, reason in broken[:_BROKEN_SHOWN])
        more = f"; and {len(broken) - _BROKEN_SHOWN} more" if len(broken) > _BROKEN_SHOWN else ""
        print(f"{set_type.folder}: {len(broken)} frames skipped: {shown}{more}", file=sys.stderr)


class RowLoader(ABC):
    """Batches of frames whose tensors are in memory: no file, no worker.

    Args:
        dataset: the N frames.
        device: that the tensors live on.
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
        broken: frames that could not be read.
    """

    workers = 0

    def __init__(
        self,
        dataset: Any,
        device: torch.device,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        division: Division | None = None,
        epoch_frames: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.epoch = 0
        self.start = 0
        self.broken: BrokenList = []
        self._device = device
        self._order = BatchOrder(
            len(dataset), batch_size, shuffle, seed, shuffle, division, epoch_frames
        )

    @abstractmethod
    def _batch(self, rows: list[int], placed: torch.Tensor) -> Batch:
        """The frames of these rows, which are given on the tensors' device, too."""

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[Batch]:
        """Batches from step :attr:`start` on."""
        self._order.epoch, self._order.start = self.epoch, self.start
        order = self._order.permutation()
        # Moved once an epoch: a copy at each step would make the host wait for the device.
        placed = order.to(self._device)
        for part in self._order.slices():
            if part.start < part.stop:
                yield self._batch(order[part].tolist(), placed[part])

    def rows(self, numbers: Sequence[int]) -> Batch:
        """A batch of the frames of those numbers."""
        return self._batch(list(numbers), torch.tensor(numbers, device=self._device))


class LabelLoader(RowLoader):
    """Batches of labels that live on the device.

    Args:
        labels: the split, without pictures.
        device: where the labels live.
        order: batch size and order, see :class:`RowLoader`.
    """

    def __init__(self, labels: Split, device: torch.device, **order: Any) -> None:
        super().__init__(labels, device, **order)
        found = labels.annotations()
        self._actions = found.actions
        self._labels = [
            torch.from_numpy(values).to(device)
            for values in (found.joints2d, found.joints3d, found.visible)
        ]

    def _batch(self, rows: list[int], placed: torch.Tensor) -> Batch:
        actions: list[str] = [self._actions[row] for row in rows]
        frame_ids: list[FrameId] = [self.dataset.frame_id(row) for row in rows]
        return Batch(None, *(values[placed] for values in self._labels), actions, frame_ids)
