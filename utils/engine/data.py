"""Opening the data of a run: in memory where it fits, read by worker processes where not."""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.set_type import SetType
from dataset.loader import BrokenList, FrameLoader
from dataset.memory import InMemory, picture_bytes
from dataset.mocap import Mocap, open_split
from dataset.order import Division
from dataset.packed import Packed
from utils.config import Config, StageSection
from utils.cores import cpu_count
from utils.engine.row_loader import RowLoader

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


def training_order(config: Config, stage: StageSection, division: Division) -> dict[str, Any]:
    """What any loader of training batches is told of their size and order."""
    return {
        "batch_size": stage.batch_size,
        "shuffle": True,
        "seed": config.seed,
        "division": division,
        "epoch_frames": stage.epoch_frames,
    }


def validation_order(stage: StageSection, division: Division) -> dict[str, Any]:
    """Likewise for ValSet: in order, in batches as large as the micro-batches of training."""
    return {
        "batch_size": stage.batch_size // division.accumulate,
        "division": division._replace(accumulate=1),
    }


def open_training_pictures(
    root: Path, config: Config, stage: StageSection, device: torch.device, division: Division
) -> FrameLoader:
    """Shuffled batches of TrainSet; a broken frame's place is taken by the next one."""
    dataset, workers = open_pictures(root, SetType.TRAIN, config)
    return FrameLoader(
        dataset,
        workers=workers,
        drop_last=True,
        pin_memory=device.type == "cuda",
        replace_broken=True,
        **training_order(config, stage, division),
    )


def open_validation_pictures(
    root: Path, config: Config, stage: StageSection, device: torch.device, division: Division
) -> FrameLoader:
    """Batches of ValSet in order."""
    dataset, workers = open_pictures(root, SetType.VAL, config)
    return FrameLoader(
        dataset,
        workers=workers,
        pin_memory=device.type == "cuda",
        **validation_order(stage, division),
    )


def open_labels(root: Path, set_type: SetType, config: Config) -> Mocap | Packed:
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


class AnnotationLoader(RowLoader):
    """Batches of labels that live on the device.

    Args:
        labels: the split, without pictures.
        device: where the labels live.
        order: batch size and order, see :class:`~utils.engine.row_loader.RowLoader`.
    """

    def __init__(self, labels: Mocap | Packed, device: torch.device, **order: Any) -> None:
        annotations = labels.annotations()
        super().__init__(labels, annotations.actions, device, **order)
        self._joints2d = torch.from_numpy(annotations.joints2d).to(device)
        self._joints3d = torch.from_numpy(annotations.joints3d).to(device)

    def _batch(self, rows: torch.Tensor, placed: torch.Tensor) -> LabelBatch:
        return LabelBatch(self._joints2d[placed], self._joints3d[placed], rows)
