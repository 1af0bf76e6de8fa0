"""The data of a run: pictures, labels alone, or a single-frame model's predictions for videos."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.cameras.camera import Camera
from base.errors import UserError
from base.frame import FrameId
from base.remote import url_of
from base.set_type import SetType
from dataset.augment import Augmentation, augment, draw_moves
from dataset.batch import Batch, to_input
from dataset.consecutive_frames import history_rows, run_lengths
from dataset.in_memory import InMemory, picture_bytes
from dataset.loader import BrokenList, FrameLoader
from dataset.mixed import Mixed, Roots
from dataset.order import MIXED, BatchOrder, epoch_of
from dataset.split import Split
from model.pose_model import PoseModel
from model.rays import CameraRays
from utils.common.config import Config
from utils.common.cores import cpu_count
from utils.common.device import autocast

_LISTED = 5
_BATCH = 32  # frames of a video set predicted in one go


def open_pictures(
    data: Roots, set_type: SetType, config: Config, view: Camera
) -> tuple[BaseDataset, int]:
    """A split with pictures, in memory where it fits, and the number of processes to read it."""
    source = data.open(set_type, view=view)
    sets = source.sets if isinstance(source, Mixed) else [source]
    for split in sets:
        split.cache_gb = config.data.cache_gb
    workers = cpu_count() if config.data.workers is None else config.data.workers
    if picture_bytes(sum(map(len, sets)), config.data.input_size) > config.data.memory_gib * 2**30:
        for split in sets:
            _tell_small_cache(split)
        return source, workers

    def in_memory(split: Split) -> InMemory:
        dataset = InMemory(split, threads=max(1, workers))
        report_broken(dataset.broken, set_type)
        return dataset

    return source.changed(in_memory) if isinstance(source, Mixed) else in_memory(source), 0


def _tell_small_cache(split: Split) -> None:
    """Print where the cache of a remote set holds fewer shards than are read at a time."""
    sizes = getattr(split, "shard_gb", None)
    if sizes is None:
        return
    need = min(sizes.sum(), (MIXED + 1) * sizes.max())  # those mixed, and the next one
    if need > split.cache_gb:
        print(
            f"{url_of(split.folder)}: data.cache_gb is {split.cache_gb:g}, but shards of "
            f"{need:.2g} GB are read at a time: each will be fetched several times an epoch",
            file=sys.stderr,
        )


def refuse_overlap(training: BaseDataset, validation: BaseDataset) -> None:
    """Raise UserError, naming them, where characters are in both sets."""
    first, second = (
        {dataset.frame_id(index).character for index in range(len(dataset))}
        for dataset in (training, validation)
    )
    if both := sorted(first & second):
        names = ", ".join(both[:_LISTED] + ["…"] * (len(both) > _LISTED))
        raise UserError(
            f"{len(both)} characters of {SetType.VAL.folder} are in {SetType.TRAIN.folder} too "
            f"({names}): validation would overlap training; take them out of one of the two"
        )


def report_broken(broken: BrokenList, set_type: SetType) -> None:
    """Print which frames were skipped, and how many."""
    if broken:
        reasons = "; ".join(reason for _, reason in broken[:_LISTED])
        more = f"; and {len(broken) - _LISTED} more" if len(broken) > _LISTED else ""
        print(f"{set_type.folder}: {len(broken)} frames skipped: {reasons}{more}", file=sys.stderr)


class TensorLoader:
    """Batches of frames whose tensors are in memory, on ``device``, with the attributes of
    :class:`~dataset.loader.FrameLoader`; ``order`` as in :class:`~dataset.order.BatchOrder`."""

    workers = 0

    def __init__(self, dataset: Any, device: torch.device, **order: Any) -> None:
        self.dataset = dataset
        self.epoch = self.start = 0
        self.broken: BrokenList = []
        self._device = device
        self._order = BatchOrder(len(dataset), **epoch_of(dataset, order))
        self.frames = self._order.length

    def _batch(self, rows: list[int], indices: torch.Tensor) -> Batch:
        """The frames of these rows; ``indices`` are the same numbers on the tensors' device."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Batches of an epoch, all micro-batches of a step counted as one."""
        return self._order.steps

    def __iter__(self) -> Iterator[Batch]:
        """Batches from step :attr:`start` on."""
        self._order.epoch, self._order.start = self.epoch, self.start
        order = self._order.permutation()
        # Moved once an epoch: a copy at each step would make the host wait for the device.
        indices = order.to(self._device)
        for part in self._order.slices():
            if part.start < part.stop:
                yield self._batch(order[part].tolist(), indices[part])

    def rows(self, numbers: Sequence[int]) -> Batch:
        """A batch of the frames of those numbers."""
        return self._batch(list(numbers), torch.tensor(numbers, device=self._device))


class LabelLoader(TensorLoader):
    """Batches of the labels of a split, which stay on the device."""

    def __init__(self, labels: Split | Mixed, device: torch.device, **order: Any) -> None:
        super().__init__(labels, device, **order)
        found = labels.annotations()
        self._actions = found.actions
        arrays = found.joints2d, found.joints3d, found.visible
        self._labels = [torch.from_numpy(values).to(device) for values in arrays]

    def _batch(self, rows: list[int], indices: torch.Tensor) -> Batch:
        actions = [self._actions[row] for row in rows]
        frame_ids = [self.dataset.frame_id(row) for row in rows]
        return Batch(None, *(values[indices] for values in self._labels), actions, frame_ids)


@dataclass(slots=True)
class HistoryBatch(Batch):
    """B frames with their histories (:meth:`model.pose_model.PoseModel.memory`), and (B, 16) bool,
    joints inside the picture; or all N frames of a split in V views, each tensor (V, N, …)."""

    history: tuple[torch.Tensor, ...] = ()
    inside: torch.Tensor | None = None


class HistoryLoader(TensorLoader):
    """Batches of frames with their histories, moved to ``device``; each epoch is of the next view.

    ``complete`` is the share of the frames whose whole history, at those ``lags``, is there.
    """

    def __init__(
        self, frames: HistoryBatch, lags: tuple[int, ...], device: torch.device, **order: Any
    ) -> None:
        super().__init__(frames, torch.device("cpu"), **order)
        self._target = device
        places = [(_video(frame_id), frame_id.number) for frame_id in frames.frame_ids]
        rows, known = history_rows(run_lengths(places), lags)
        self._history, self._known = torch.from_numpy(rows), torch.from_numpy(known)
        self.complete = float(known.all(1).mean())

    def _batch(self, rows: list[int], indices: torch.Tensor) -> HistoryBatch:
        frames, rows_back = self.dataset, self._history[indices]
        view = self.epoch % len(frames.joints3d)

        def put(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            return values[view, at].to(self._target, non_blocking=True)

        memory = [put(values, rows_back) for values in frames.history]
        labels = put(frames.joints3d, indices), put(frames.visible, indices)
        names = ([values[row] for row in rows] for values in (frames.actions, frames.frame_ids))
        history = (*memory, self._known[indices].to(self._target))
        return HistoryBatch(None, None, *labels, *names, history, put(frames.inside, indices))


@torch.inference_mode()
def predict_frames(
    model: PoseModel,
    dataset: BaseDataset,
    workers: int,
    config: Config,
    augmentation: Augmentation,
    views: int,
    device: torch.device,
) -> tuple[HistoryBatch, BrokenList]:
    """Run the single-frame model, in evaluation mode on the device, over a split with pictures:
    its frames in the order of their sequences, and those that cannot be read; UserError where none
    can.  The augmentation is drawn for each of the views, alike for all frames of a video."""
    camera = dataset.camera
    rays = CameraRays(camera).to(device)
    loader = FrameLoader(dataset, _BATCH, workers=workers)
    videos = sorted({_video(dataset.frame_id(row)) for row in range(len(dataset))})
    number = {video: row for row, video in enumerate(videos)}
    draws = torch.Generator().manual_seed(config.seed)
    moves = [draw_moves(len(videos), augmentation, draws) for _ in range(views)]

    def view(batch: Batch, matrices: torch.Tensor, mirrored: torch.Tensor) -> list[torch.Tensor]:
        rows = [number[_video(frame_id)] for frame_id in batch.frame_ids]
        labels = (part.to(device) for part in (batch.joints2d, batch.joints3d, batch.visible))
        move = matrices[rows], mirrored[rows]
        images, joints2d, joints3d, visible = augment(
            to_input(batch.images, device), *labels, augmentation, camera, draws, move
        )
        with autocast(device, config.precision):
            output = model(images=images.contiguous(memory_format=torch.channels_last), rays=rays)
        inside = camera.in_picture(joints2d)
        kept = (*model.memory(output), joints3d, visible & inside, inside)
        return [part.cpu() for part in kept]

    tensors, actions, frame_ids = [], [], []
    name = dataset.set_type.folder
    position = {"total": len(dataset), "desc": f"predicting {name}", "unit": "frame"}
    with tqdm(**position, leave=False, dynamic_ncols=True) as bar:
        for batch in loader:
            views_of_batch = [view(batch, *move) for move in moves]
            tensors.append([torch.stack(parts) for parts in zip(*views_of_batch, strict=True)])
            actions += batch.actions
            frame_ids += batch.frame_ids
            bar.update(len(batch))
    if not frame_ids:
        raise UserError(f"{name}: none of its pictures can be read")
    order = sorted(range(len(frame_ids)), key=frame_ids.__getitem__)
    # Made outside of inference mode, so that training may use them.
    with torch.inference_mode(False):
        *memory, joints3d, visible, inside = (
            torch.cat(parts, 1)[:, order].clone() for parts in zip(*tensors, strict=True)
        )
    names = ([values[row] for row in order] for values in (actions, frame_ids))
    return HistoryBatch(None, None, joints3d, visible, *names, memory, inside), loader.broken


def _video(frame_id: FrameId) -> tuple[str, str]:
    return frame_id.character, frame_id.environment
