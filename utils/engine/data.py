"""Opening the data of a run: in memory where it fits, read by worker processes where not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.loader import BrokenList, FrameLoader
from dataset.memory import InMemory, picture_bytes
from dataset.mocap import Mocap, open_split
from dataset.order import BatchOrder, Division
from utils.config import Config, StageSection
from utils.device import cpu_count

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


def open_training_pictures(
    root: Path, config: Config, stage: StageSection, device: torch.device, division: Division
) -> FrameLoader:
    """Shuffled batches of TrainSet; a broken frame's place is taken by the next one."""
    dataset, workers = open_pictures(root, SetType.TRAIN, config)
    return FrameLoader(
        dataset,
        stage.batch_size,
        workers=workers,
        shuffle=True,
        seed=config.seed,
        drop_last=True,
        pin_memory=device.type == "cuda",
        replace_broken=True,
        division=division,
        epoch_frames=stage.epoch_frames,
    )


def open_validation_pictures(
    root: Path, config: Config, stage: StageSection, device: torch.device, division: Division
) -> FrameLoader:
    """Batches of ValSet in order, as large as the micro-batches of training."""
    dataset, workers = open_pictures(root, SetType.VAL, config)
    return FrameLoader(
        dataset,
        stage.batch_size // division.accumulate,
        workers=workers,
        pin_memory=device.type == "cuda",
        division=division._replace(accumulate=1),
    )


def open_labels(root: Path, set_type: SetType, config: Config) -> Mocap:
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


class LabelBatch(NamedTuple):
    """Labels of B frames, on the device.

    Attributes:
        joints2d: (B, 16, 2) pixels of the network's picture.
        joints3d: (B, 16, 3) metres, camera frame.
        rows: (B,) int64 on the CPU, their numbers in the split.
    """

    joints2d: torch.Tensor
    joints3d: torch.Tensor
    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)


class AnnotationLoader:
    """Batches drawn by index from labels that live on the device: no file, no worker.

    Args:
        labels: the split, without pictures.
        batch_size: frames a batch, over all processes and micro-batches.
        device: where the labels live.
        shuffle: draw a new order each epoch and leave out an incomplete last batch.
        seed: seed of the order.
        division: the part of each batch that is ours.
        epoch_frames: frames of an epoch, see :class:`~dataset.order.BatchOrder`.

    Attributes:
        epoch: set it before each pass over shuffled data.
        start: first step of the next pass, to go on within an epoch.
        workers: reading processes, none.
    """

    workers = 0

    def __init__(
        self,
        labels: Mocap,
        batch_size: int,
        device: torch.device,
        shuffle: bool = False,
        seed: int = 0,
        division: Division | None = None,
        epoch_frames: int | None = None,
    ) -> None:
        annotations = labels.annotations()
        self.dataset = labels
        self.epoch = 0
        self.start = 0
        self._actions = annotations.actions
        self._joints2d = torch.from_numpy(annotations.joints2d).to(device)
        self._joints3d = torch.from_numpy(annotations.joints3d).to(device)
        self._order = BatchOrder(
            len(annotations),
            batch_size,
            shuffle,
            seed,
            drop_last=shuffle,
            division=division,
            epoch_frames=epoch_frames,
        )

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[LabelBatch]:
        self._order.epoch, self._order.start = self.epoch, self.start
        order = self._order.permutation()
        # Moved once an epoch: a copy at each step would make the host wait for the device.
        on_device = order.to(self._joints2d.device)
        for part in self._order.slices():
            if part.start < part.stop:
                rows = on_device[part]
                yield LabelBatch(self._joints2d[rows], self._joints3d[rows], order[part])

    def rows(self, numbers: list[int]) -> LabelBatch:
        """A batch of the frames of those numbers."""
        return LabelBatch(self._joints2d[numbers], self._joints3d[numbers], torch.tensor(numbers))

    def actions(self, batch: LabelBatch) -> list[str]:
        """B clip names."""
        return [self._actions[row] for row in batch.rows.tolist()]

    def frame_ids(self, batch: LabelBatch) -> list[FrameId]:
        """B identities."""
        return [self.dataset.frame_id(row) for row in batch.rows.tolist()]
