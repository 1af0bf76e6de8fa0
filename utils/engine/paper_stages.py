"""The three stages of the paper's model: which modules train, what a batch holds, the losses, the
validation.  train2d is that of the project's own model too."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS, neck_centred
from dataset.augment import move_joints2d, move_joints3d
from dataset.batch import Batch, collate, to_input
from model.decode import decode_heatmaps
from model.ego_pose import EgoPose, EgoPoseOutput
from model.lifting import LiftingAutoencoder
from model.losses import pose_losses
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet
from utils.config import Config
from utils.engine.data import (
    AnnotationLoader,
    LabelBatch,
    open_labels,
    open_training_pictures,
    open_validation_pictures,
    refuse_overlap,
    report_broken,
    training_order,
    validation_order,
)
from utils.engine.pictures import Shown, placed_in_picture, readable, spread, with_head
from utils.engine.processes import Processes
from utils.engine.stage import Moved, Stage, Validation
from utils.evaluation.metrics.parts import mpjpe_by_group


class Poses:
    """Predicted and true poses of our part of ValSet."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._batches: list[tuple[np.ndarray, np.ndarray, list[str]]] = []

    def add(self, predicted: torch.Tensor, target: torch.Tensor, actions: list[str]) -> None:
        """Add (B, 16, 3) metres."""
        arrays = (poses.double().cpu().numpy() for poses in (predicted, target))
        self._batches.append((*arrays, actions))

    def mpjpe(self) -> dict[str, float]:
        """Group → MPJPE in millimetres over the poses of all processes."""
        predicted, target, actions = zip(*self._processes.gathered(self._batches), strict=True)
        return mpjpe_by_group(
            np.concatenate(predicted), np.concatenate(target), [a for part in actions for a in part]
        )


def _lifting_is_used(config: Config) -> bool:
    # The layers bn1 to bn3 of the reference take no part unless batch_norm is set.
    return config.model.lifting.batch_norm and config.loss.reconstruction > 0


class PictureStage(Stage):
    """A stage that trains on pictures."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        options = (self.root, self.config, self.settings, self.device, self.division)
        self.loader = open_training_pictures(*options)
        self.validation = open_validation_pictures(*options)
        refuse_overlap(self.loader.dataset, self.validation.dataset)

    def report_broken(self) -> None:
        """Name the frames that training has stepped over."""
        report_broken(self.loader.broken, SetType.TRAIN)
        report_broken(self.validation.broken, SetType.VAL)

    def frames_of(self, batch: Batch) -> Callable[[], list[FrameId]]:
        frame_ids = batch.frame_ids
        return lambda: frame_ids

    @cached_property
    def _fixed(self) -> Batch | None:
        """The frames that are shown."""
        dataset = self.validation.dataset
        frames = readable(dataset, spread(len(dataset)))
        return collate(frames) if frames else None

    def _errors2d(self, heatmaps: torch.Tensor, joints2d: torch.Tensor) -> np.ndarray:
        """Distances of decoded joints inside the picture, pixels of the 800-pixel square."""
        decoded, _ = decode_heatmaps(heatmaps.float(), self.input_size)
        truth = joints2d[:, list(HEATMAP_JOINTS)]
        distance = (decoded - truth).norm(dim=-1)[self._inside(joints2d)]
        return distance.cpu().numpy() * (RELEASE_CAMERA.height / self.input_size)

    def _all_errors2d(self, errors: list[np.ndarray]) -> np.ndarray:
        found = self.processes.gathered(errors)
        if not found:
            raise UserError(f"{SetType.VAL.folder}: none of its pictures can be read")
        return np.concatenate(found)


class Train2D(PictureStage):
    """Pictures → heatmaps."""

    metric, unit = "joints2d_px", "px of 800"
    model: PoseResNet | PoseFPN

    def all_used(self, config: Config) -> bool:
        return True

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        moved = self._moved(batch)
        with self._autocast():
            heatmaps = self.network(moved.images)
        return self._heatmap_losses(heatmaps, self._targets(moved.joints2d), moved.joints2d)

    def validate(self, batches: Iterable[Batch]) -> Validation:
        errors = []
        for batch in batches:
            heatmaps = self._predict(batch)
            errors.append(self._errors2d(heatmaps, batch.joints2d.to(self.device)))
        distances = self._all_errors2d(errors)
        figures = {
            "joints2d_px": float(distances.mean()),
            "joints2d_median_px": float(np.median(distances)),
        }
        return Validation(figures, {})

    def _predict(self, batch: Batch) -> torch.Tensor:
        with self._autocast():
            return self.evaluated(to_input(batch.images, self.device))

    def show(self) -> Shown | None:
        if self._fixed is None:
            return None
        heatmaps = self._predict(self._fixed).float()
        decoded, _ = decode_heatmaps(heatmaps, self.input_size)
        target = self._fixed.joints2d[:, list(HEATMAP_JOINTS)]
        joints2d = with_head(decoded), with_head(target)
        return Shown(self._fixed.images.numpy(), heatmaps.cpu().numpy(), *joints2d)

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"resnet_state_dict": model}


class Train3D(Stage):
    """Target heatmaps → poses; reads no picture."""

    metric, unit = "mpjpe_mm", "mm"
    model: LiftingAutoencoder

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        validation = open_labels(self.root, SetType.VAL, self.config)
        refuse_overlap(self.labels, validation)
        self.loader = AnnotationLoader(
            self.labels,
            self.device,
            **training_order(self.config, self.settings, self.division),
        )
        self.validation = AnnotationLoader(
            validation, self.device, **validation_order(self.settings, self.division)
        )

    def report_broken(self) -> None:
        """Broken labels are named when the split is opened; no picture is read."""

    def all_used(self, config: Config) -> bool:
        return _lifting_is_used(config)

    def frames_of(self, batch: LabelBatch) -> Callable[[], list[FrameId]]:
        return lambda: self.loader.frame_ids(batch)

    def losses(self, batch: LabelBatch) -> dict[str, torch.Tensor]:
        joints2d, joints3d = batch.joints2d, batch.joints3d
        if self.augmentation.moves:
            matrix, mirrored = self._moves(len(batch))
            joints2d = move_joints2d(joints2d, matrix, mirrored, self.camera)
            joints3d = move_joints3d(joints3d, matrix, mirrored)
        targets = self._targets(joints2d)
        with self._autocast():
            output = self.network(self._misplaced(joints2d, targets))
        return pose_losses(
            output,
            neck_centred(joints3d),
            targets,
            self.weights,
            reconstruction=self.settings.reconstruction,
        )

    def _misplaced(self, joints2d: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Heatmaps as wrong as a 2D module may make them: joints off by a random amount that
        differs from frame to frame, some maps empty."""
        noise, dropout = self.settings.joint_noise, self.settings.joint_dropout
        count, part, draws = len(joints2d), self._part, self.draws
        if noise > 0:
            amount = noise * self.input_size * part.draw(torch.rand, count, 1, 1, generator=draws)
            offset = amount * part.draw(torch.randn, count, 16, 2, generator=draws)
            targets = self._targets(joints2d + offset.to(self.device))
        if dropout > 0:
            kept = part.draw(torch.rand, count, targets.shape[1], generator=draws) >= dropout
            targets = targets * kept[..., None, None].to(self.device)
        return targets

    def validate(self, batches: Iterable[LabelBatch]) -> Validation:
        poses = Poses(self.processes)
        for batch in batches:
            joints3d, _ = self._predict(batch)
            poses.add(joints3d, batch.joints3d, self.validation.actions(batch))
        by_action = poses.mpjpe()
        return Validation({"mpjpe_mm": by_action["All"]}, by_action)

    def _predict(self, batch: LabelBatch) -> tuple[torch.Tensor, torch.Tensor]:
        heatmaps = self._targets(batch.joints2d)
        with self._autocast():
            return self.evaluated(heatmaps).joints3d, heatmaps

    def show(self) -> Shown:
        fixed = self.validation.rows(spread(len(self.validation.dataset)))
        joints3d, heatmaps = self._predict(fixed)
        images = np.zeros((len(fixed), self.input_size, self.input_size, 3), np.uint8)
        pixels = placed_in_picture(joints3d, fixed.joints3d, self.camera)
        return Shown(images, heatmaps.cpu().numpy(), *pixels)

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"autoencoder_state_dict": model}


class Finetune(PictureStage):
    """Pictures → heatmaps → poses, end to end."""

    metric, unit = "mpjpe_mm", "mm"
    model: EgoPose

    def all_used(self, config: Config) -> bool:
        return _lifting_is_used(config)

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        moved = self._moved(batch)
        with self._autocast():
            output = self.network(moved.images)
        terms = self._heatmap_losses(output.heatmaps, self._targets(moved.joints2d), moved.joints2d)
        return terms | self._pose_losses(output, moved)

    def _pose_losses(self, output: EgoPoseOutput, moved: Moved) -> dict[str, torch.Tensor]:
        # Here the reconstruction is compared with the heatmaps it was made from, as the reference
        # does; the gradient reaches them too.
        return pose_losses(
            output,
            neck_centred(moved.joints3d),
            output.heatmaps,
            self.weights,
            reconstruction=self.settings.reconstruction,
        )

    def validate(self, batches: Iterable[Batch]) -> Validation:
        poses, errors = Poses(self.processes), []
        for batch in batches:
            output = self._predict(batch)
            poses.add(output.joints3d, batch.joints3d, batch.actions)
            self._note(output, batch)
            errors.append(self._errors2d(output.heatmaps, batch.joints2d.to(self.device)))
        distances, by_action = self._all_errors2d(errors), poses.mpjpe()
        figures = {"mpjpe_mm": by_action["All"], "joints2d_px": float(distances.mean())}
        return Validation(figures, by_action)

    def _note(self, output: EgoPoseOutput, batch: Batch) -> None:
        """Take note of what else there is to learn from a validation batch: here, nothing."""

    def _predict(self, batch: Batch) -> EgoPoseOutput:
        with self._autocast():
            return self.evaluated(to_input(batch.images, self.device))

    def show(self) -> Shown | None:
        if self._fixed is None:
            return None
        output = self._predict(self._fixed)
        pixels = placed_in_picture(output.joints3d, self._fixed.joints3d, self.camera)
        return Shown(self._fixed.images.numpy(), output.heatmaps.float().cpu().numpy(), *pixels)

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"resnet_state_dict": model.pose2d, "autoencoder_state_dict": model.lifting}
