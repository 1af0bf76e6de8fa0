"""Opening the data of a run: in memory where it fits, read by worker processes where not."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from base.base_dataset import BaseDataset
from base.set_type import SetType
from dataset.annotations import Annotations
from dataset.loader import BrokenList, FrameLoader
from dataset.memory import InMemory, picture_bytes
from dataset.mocap import open_split
from utils.config import Config, StageSection

_BROKEN_SHOWN = 5


def cpu_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    root: Path, config: Config, stage: StageSection, device: torch.device
) -> FrameLoader:
    """Shuffled batches of TrainSet."""
    dataset, workers = open_pictures(root, SetType.TRAIN, config)
    return FrameLoader(
        dataset,
        stage.batch_size,
        workers=workers,
        shuffle=True,
        seed=config.seed,
        drop_last=True,
        pin_memory=device.type == "cuda",
    )


def open_validation_pictures(root: Path, config: Config, stage: StageSection) -> FrameLoader:
    """Batches of ValSet in order."""
    dataset, workers = open_pictures(root, SetType.VAL, config)
    return FrameLoader(dataset, stage.batch_size, workers=workers)


def open_annotations(root: Path, set_type: SetType, config: Config) -> Annotations:
    """Labels of a split, those without pictures too."""
    return open_split(root, set_type, config.data.input_size, pictures=False).annotations()


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
        actions: B clip names.
    """

    joints2d: torch.Tensor
    joints3d: torch.Tensor
    actions: list[str]

    def __len__(self) -> int:
        return len(self.actions)


class AnnotationLoader:
    """Batches drawn by index from labels that live on the device: no file, no worker.

    Attributes:
        epoch: set it before each pass over shuffled data.
    """

    def __init__(
        self,
        annotations: Annotations,
        batch_size: int,
        device: torch.device,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        self.annotations = annotations
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self._joints2d = torch.from_numpy(annotations.joints2d).to(device)
        self._joints3d = torch.from_numpy(annotations.joints3d).to(device)
        self._generator = torch.Generator()

    def __len__(self) -> int:
        count = len(self.annotations)
        if self.shuffle and count >= self.batch_size:
            return count // self.batch_size
        return -(-count // self.batch_size)

    def __iter__(self) -> Iterator[LabelBatch]:
        count = len(self.annotations)
        order = torch.arange(count)
        if self.shuffle:
            self._generator.manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(count, generator=self._generator)
        actions = self.annotations.actions
        for step in range(len(self)):
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            on_device = rows.to(self._joints2d.device)
            yield LabelBatch(
                self._joints2d[on_device],
                self._joints3d[on_device],
                [actions[row] for row in rows.tolist()],
            )
