"""The stage that trains the temporal form of the project's own model, on videos."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.augment import (
    change_appearance,
    draw_moves,
    move_images,
    move_joints2d,
    move_joints3d,
    move_visible,
)
from dataset.batch import Batch, collate, to_input
from dataset.loader import FrameLoader
from model.ego_transformer import EgoTransformer
from model.joint_transformer import JointEstimate
from model.temporal import TemporalTransformer
from utils.config import Config
from utils.engine.data import (
    open_pictures,
    refuse_overlap,
    report_broken,
    training_order,
    validation_order,
)
from utils.engine.histories import HistoryBatch, HistoryLoader, SeenFrames, progress
from utils.engine.paper_stages import Poses
from utils.engine.pictures import Shown, placed_in_picture, readable, spread
from utils.engine.stage import Stage, Validation
from utils.engine.transformer_stages import calibrate, error_ratios, shared_losses, tells_hidden

#: Frames looked at in one go.
_LOOK = 32


class TransformerTemporal(Stage):
    """Histories of single-frame poses → poses; the single-frame model stays as it is.

    Every frame is looked at once, before the first step: TrainSet ``views`` times, each with its
    own augmentation, in which all frames of a video are turned and mirrored alike.  What was said
    of them is kept in memory, 16 D half-precision numbers a frame and look, and the epochs take the
    looks in turn.  Each process looks at all frames.
    """

    metric, unit = "mpjpe_mm", "mm"
    model: TemporalTransformer

    def __init__(self, name: str, model: EgoTransformer, config: Config, *args: Any) -> None:
        super().__init__(name, model.temporal, config, *args)
        self.base = model.to(self.device, memory_format=torch.channels_last).eval()
        self.base.requires_grad_(False)
        self.model.requires_grad_(True)
        self.occlusion_known = tells_hidden(self.labels, self.camera)
        training, self._pictures = (
            open_pictures(self.root, set_type, config)[0]
            for set_type in (SetType.TRAIN, SetType.VAL)
        )
        refuse_overlap(training, self._pictures)
        self._broken: list[tuple[SetType, list]] = []
        lags = self.model.lags
        self.loader = HistoryLoader(
            # Without augmentation all looks would be the same.
            self._look(training, self.settings.views if self.augmentation.changes else 1),
            lags,
            self.device,
            **training_order(config, self.settings, self.division),
        )
        if not self.loader.complete:
            raise UserError(
                f"{self.root}: no {max(lags) + 1} frames of its {SetType.TRAIN.folder} follow each "
                "other, so there is no history to learn from: give a set of videos "
                "(utils/make_synthetic.py --video)"
            )
        self.validation = HistoryLoader(
            self._look(self._pictures, 0),
            lags,
            self.device,
            **validation_order(self.settings, self.division),
        )

    # ---------------------------------------------------------------- looking at every frame

    @torch.inference_mode()
    def _look(self, dataset: Any, views: int) -> SeenFrames:
        """What the single-frame model says of a split: ``views`` augmented looks, or a plain one
        for 0."""
        workers = 0 if self.config.data.workers is None else self.config.data.workers
        loader = FrameLoader(dataset, _LOOK, workers=workers)
        videos = sorted({_video(dataset.frame_id(row)) for row in range(len(dataset))})
        number = {video: row for row, video in enumerate(videos)}
        draws = torch.Generator().manual_seed(self.config.seed)
        moves = [draw_moves(len(videos), self.augmentation, draws) for _ in range(views)]
        tensors, actions, frame_ids = [], [], []
        with progress(len(dataset), f"looking at {dataset.set_type.folder}") as bar:
            for batch in loader:
                rows = [number[_video(frame_id)] for frame_id in batch.frame_ids]
                looks = [
                    self._said(batch, (matrix[rows], mirrored[rows]), draws)
                    for matrix, mirrored in moves
                ] or [self._said(batch)]
                tensors.append([torch.stack(parts) for parts in zip(*looks, strict=True)])
                actions += batch.actions
                frame_ids += batch.frame_ids
                bar.update(len(batch))
        self._broken.append((dataset.set_type, loader.broken))
        if not frame_ids:
            raise UserError(f"{dataset.set_type.folder}: none of its pictures can be read")
        # Made outside of inference mode, so that training may use them.
        with torch.inference_mode(False):
            return SeenFrames.joined(
                [[part.clone() for part in parts] for parts in tensors], actions, frame_ids
            )

    def _said(
        self,
        batch: Batch,
        moves: tuple[torch.Tensor, torch.Tensor] | None = None,
        draws: torch.Generator | None = None,
    ) -> list[torch.Tensor]:
        """The tensors of :class:`SeenFrames` for a batch, on the CPU."""
        images = to_input(batch.images, self.device)
        joints2d, joints3d, visible = batch.joints2d, batch.joints3d, batch.visible
        if moves is not None:
            matrix, mirrored = moves
            images = move_images(images, matrix.to(self.device), self.camera)
            joints2d = move_joints2d(joints2d, matrix, mirrored, self.camera)
            joints3d = move_joints3d(joints3d, matrix, mirrored)
            visible = move_visible(visible, mirrored)
            images = change_appearance(images, self.augmentation, draws)
        inside = self.camera.in_picture(joints2d)
        with self._autocast():
            output = self.base(images.contiguous(memory_format=torch.channels_last))
        said = output.tokens.half(), output.camera3d.float(), output.log_scale.float()
        known = ~inside | self.occlusion_known
        return [*(part.cpu() for part in said), joints3d, visible & inside, known]

    # ---------------------------------------------------------------- what a stage is

    def all_used(self, config: Config) -> bool:
        return True

    def frames_of(self, batch: HistoryBatch) -> Callable[[], list[FrameId]]:
        return lambda: self.loader.frame_ids(batch)

    def report_broken(self) -> None:
        for set_type, broken in self._broken:
            report_broken(broken, set_type)

    def losses(self, batch: HistoryBatch) -> dict[str, torch.Tensor]:
        estimate = self.network(batch.history)
        return shared_losses(self, [estimate], batch.joints3d, batch.visible, batch.known)

    def validate(self, batches: Iterable[HistoryBatch]) -> Validation:
        poses, single, ratios = Poses(self.processes), Poses(self.processes), []
        for batch in batches:
            estimate = self._predict(batch)
            actions = self.validation.actions(batch)
            poses.add(estimate.camera3d, batch.joints3d, actions)
            single.add(batch.history.camera3d[:, 0], batch.joints3d, actions)
            ratios.append(error_ratios(estimate, batch.joints3d))
        calibrate((self.model, self.evaluated), self.processes.gathered(ratios))
        by_action = poses.mpjpe()
        figures = {"mpjpe_mm": by_action["All"], "single_frame_mm": single.mpjpe()["All"]}
        return Validation(figures, by_action)

    def _predict(self, batch: HistoryBatch) -> JointEstimate:
        return self.evaluated(batch.history)

    def show(self) -> Shown | None:
        numbers = spread(len(self._pictures))
        frames = readable(self._pictures, numbers)
        rows = {frame_id: row for row, frame_id in enumerate(self.validation.dataset.frame_ids)}
        frames = [frame for frame in frames if frame.frame_id in rows]
        if not frames:
            return None
        shown = collate(frames)
        batch = self.validation.rows([rows[frame.frame_id] for frame in frames])
        with self._autocast():
            heatmaps = self.base.pose2d(to_input(shown.images, self.device))
        pixels = placed_in_picture(self._predict(batch).camera3d, batch.joints3d, self.camera)
        return Shown(shown.images.numpy(), heatmaps.float().cpu().numpy(), *pixels)

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {
            "resnet_state_dict": self.base.pose2d,
            "transformer_state_dict": self.base.transformer,
            "temporal_state_dict": model,
        }


def _video(frame_id: FrameId) -> tuple[str, str]:
    return frame_id.character, frame_id.environment
