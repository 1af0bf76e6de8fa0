"""A single-frame model's predictions for every frame of a video set, made once and kept."""

from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.camera import FisheyeCamera
from base.errors import UserError
from base.frame import FrameId
from dataset.augment import Augmentation, augment, draw_moves
from dataset.batch import Batch, to_input
from dataset.loader import BrokenList, FrameLoader
from dataset.runs import history_rows, run_lengths
from model.pose_model import PoseModel
from model.rays import CameraRays
from utils.common.device import autocast
from utils.training.data import RowLoader

#: Frames predicted in one go.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class PredictedFrames:
    """N frames of a split in the order of their sequences, each predicted in V views.

    Attributes:
        memory: (V, N, …) each, see :meth:`model.pose_model.PoseModel.memory`.
        joints3d: (V, N, 16, 3) metres, camera frame, true.
        visible: (V, N, 16) bool.
        inside: (V, N, 16) bool, joints inside the picture.
        actions: N clip names.
        frame_ids: N identities.
        broken: frames that could not be read.
    """

    memory: list[torch.Tensor]
    joints3d: torch.Tensor
    visible: torch.Tensor
    inside: torch.Tensor
    actions: list[str]
    frame_ids: list[FrameId]
    broken: BrokenList

    def __len__(self) -> int:
        return len(self.frame_ids)


@dataclass(slots=True)
class HistoryBatch(Batch):
    """B frames with their histories, on the device.

    Attributes:
        history: see :meth:`model.pose_model.PoseModel.memory`.
        inside: (B, 16) bool, joints inside the picture.
    """

    history: tuple[torch.Tensor, ...] = ()
    inside: torch.Tensor | None = None


class HistoryLoader(RowLoader):
    """Batches of frames with their histories; each epoch takes the next view.

    Args:
        frames: the split, on the CPU.
        lags: of the histories.
        device: where the batches go.
        order: batch size and order, see :class:`~utils.training.data.RowLoader`.

    Attributes:
        complete: share of the frames whose whole history is there.
    """

    dataset: PredictedFrames

    def __init__(
        self, frames: PredictedFrames, lags: tuple[int, ...], device: torch.device, **order: Any
    ) -> None:
        super().__init__(frames, torch.device("cpu"), **order)
        self.broken = frames.broken
        self._target = device
        places = [(_video(frame_id), frame_id.number) for frame_id in frames.frame_ids]
        rows, known = history_rows(run_lengths(places), lags)
        self._history, self._known = torch.from_numpy(rows), torch.from_numpy(known)
        self.complete = float(known.all(1).mean())

    def _batch(self, rows: list[int], placed: torch.Tensor) -> HistoryBatch:
        frames, view = self.dataset, self.epoch % len(self.dataset.joints3d)
        history = self._history[placed]

        def put(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            return values[view, at].to(self._target, non_blocking=True)

        memory = [put(values, history) for values in frames.memory]
        return HistoryBatch(
            images=None,
            joints2d=None,
            joints3d=put(frames.joints3d, placed),
            visible=put(frames.visible, placed),
            actions=[frames.actions[row] for row in rows],
            frame_ids=[frames.frame_ids[row] for row in rows],
            history=(*memory, self._known[placed].to(self._target)),
            inside=put(frames.inside, placed),
        )


@torch.inference_mode()
def predict_frames(
    model: PoseModel,
    dataset: BaseDataset,
    workers: int,
    camera: FisheyeCamera,
    rays: CameraRays,
    precision: str,
    augmentation: Augmentation | None = None,
    views: int = 1,
    seed: int = 0,
) -> PredictedFrames:
    """Run the single-frame model over a split.

    Args:
        model: in evaluation mode.
        dataset: the split, with pictures.
        workers: reading processes.
        camera: of its pictures.
        rays: of that camera, on the model's device.
        precision: of the 2D module, see :func:`utils.common.device.autocast`.
        augmentation: of the views, drawn for each view; all frames of a video are turned and
            mirrored alike.  None for plain pictures.
        views: how many there are of each frame.
        seed: of the augmentation.

    Raises:
        UserError: if no picture can be read.
    """
    device = rays.table.device
    loader = FrameLoader(dataset, _BATCH, workers=workers)
    videos = sorted({_video(dataset.frame_id(row)) for row in range(len(dataset))})
    number = {video: row for row, video in enumerate(videos)}
    draws = torch.Generator().manual_seed(seed)
    moves = [
        draw_moves(len(videos), augmentation, draws) if augmentation else None for _ in range(views)
    ]

    def view(batch: Batch, move: tuple[torch.Tensor, torch.Tensor] | None) -> list[torch.Tensor]:
        images = to_input(batch.images, device)
        labels = batch.joints2d, batch.joints3d, batch.visible
        if move is not None:
            rows = [number[_video(frame_id)] for frame_id in batch.frame_ids]
            own = move[0][rows], move[1][rows]
            images, *labels = augment(images, *labels, augmentation, camera, draws, own)
        joints2d, joints3d, visible = labels
        with autocast(device, precision):
            output = model(images=images.contiguous(memory_format=torch.channels_last), rays=rays)
        inside = camera.in_picture(joints2d)
        return [*(part.cpu() for part in model.memory(output)), joints3d, visible & inside, inside]

    tensors, actions, frame_ids = [], [], []
    name = dataset.set_type.folder
    with tqdm(
        total=len(dataset), desc=f"predicting {name}", unit="frame", leave=False, dynamic_ncols=True
    ) as bar:
        for batch in loader:
            views_of_batch = [view(batch, move) for move in moves]
            tensors.append([torch.stack(parts) for parts in zip(*views_of_batch, strict=True)])
            actions += batch.actions
            frame_ids += batch.frame_ids
            bar.update(len(batch))
    if not frame_ids:
        raise UserError(f"{name}: none of its pictures can be read")
    order = sorted(range(len(frame_ids)), key=frame_ids.__getitem__)
    # Made outside of inference mode, so that training may use them.
    with torch.inference_mode(False):
        whole = [torch.cat(parts, 1)[:, order].clone() for parts in zip(*tensors, strict=True)]
    *memory, joints3d, visible, inside = whole
    return PredictedFrames(
        memory,
        joints3d,
        visible,
        inside,
        [actions[row] for row in order],
        [frame_ids[row] for row in order],
        loader.broken,
    )


def _video(frame_id: FrameId) -> tuple[str, str]:
    return frame_id.character, frame_id.environment
