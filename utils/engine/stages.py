"""The three stages: which modules train, what a batch holds, the losses, the validation."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from base.camera import RELEASE_CAMERA
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS, NECK
from dataset.augment import (
    Augmentation,
    change_colours,
    draw_moves,
    move_images,
    move_joints2d,
    move_joints3d,
)
from dataset.batch import Batch, to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.transforms import SquareCrop
from model.decode import decode_heatmaps
from model.ego_pose import EgoPose
from model.lifting import LiftingAutoencoder
from model.losses import LossWeights, heatmap_losses, pose_losses
from model.pose_resnet import PoseResNet
from utils.config import Config
from utils.device import autocast
from utils.engine.data import (
    AnnotationLoader,
    LabelBatch,
    open_annotations,
    open_training_pictures,
    open_validation_pictures,
    report_broken,
)
from utils.metrics import MPJPEByAction

TRAINING_TYPES = ("train2d", "train3d", "finetune")


def neck_centred(joints3d: torch.Tensor) -> torch.Tensor:
    """(…, 16, 3) metres, moved so that each pose has its Neck at the origin."""
    return joints3d - joints3d[..., NECK : NECK + 1, :]


class Stage(ABC):
    """What the loop needs to know of a stage.

    Attributes:
        model: the modules that train.
        loader: training batches; has ``epoch`` and a length.
        metric: key of :meth:`validate` by which the best checkpoint is chosen; lower is better.
        unit: unit of that metric.
    """

    metric: str
    unit: str

    def __init__(
        self, name: str, model: nn.Module, config: Config, root: Path, device: torch.device
    ) -> None:
        self.name = name
        self.config = config
        self.settings = config.stage(name)
        self.device = device
        self.root = root
        self.model = model.to(device, memory_format=torch.channels_last)
        self.weights = LossWeights(**config.loss.model_dump())
        self.augmentation = Augmentation(**self.settings.augment.model_dump())
        self.input_size = config.data.input_size
        self.heatmap_shape = HeatmapShape(
            PoseResNet.heatmap_size(self.input_size),
            config.heatmap.sigma,
            config.heatmap.subpixel,
        )
        self.camera = SquareCrop(self.input_size).camera(RELEASE_CAMERA)
        self.mean_pose = open_annotations(root, SetType.TRAIN, config).mean_pose()
        self._generator = torch.Generator()

    loader: Any

    def start_epoch(self, epoch: int) -> None:
        """Fix all random draws of an epoch, so that a resumed run makes the same ones."""
        self.loader.epoch = epoch
        self._generator.manual_seed(self.config.seed * 1_000_003 + epoch)
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)

    @abstractmethod
    def losses(self, batch: Any) -> dict[str, torch.Tensor]:
        """Weighted loss terms of a batch; their sum is minimised."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Figures on ValSet; the model is in evaluation mode and gradients are off."""

    @abstractmethod
    def state_dicts(self) -> dict[str, dict[str, torch.Tensor]]:
        """Weights under the keys of the checkpoint layout."""

    @abstractmethod
    def report_broken(self) -> None:
        """Name the frames that were stepped over."""

    def _targets(self, joints2d: torch.Tensor) -> torch.Tensor:
        return draw_heatmaps(joints2d, self.input_size, self.heatmap_shape)

    def _inside(self, joints2d: torch.Tensor) -> torch.Tensor:
        """(B, 15) bool: joints that have a heatmap and lie in the picture."""
        return self.camera.in_picture(joints2d)[:, list(HEATMAP_JOINTS)]

    def _training_images(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Augmented pictures with their 2D and 3D joints, on the device."""
        images = to_input(batch.images, self.device)
        joints2d, joints3d = batch.joints2d.to(self.device), batch.joints3d.to(self.device)
        if self.augmentation.moves:
            matrix, mirrored = self._moves(len(batch))
            images = move_images(images, matrix, self.camera)
            joints2d = move_joints2d(joints2d, matrix, mirrored, self.camera)
            joints3d = move_joints3d(joints3d, matrix, mirrored)
        if self.augmentation.colour > 0 or self.augmentation.noise > 0:
            images = change_colours(images, self.augmentation, self._generator)
        return images.contiguous(memory_format=torch.channels_last), joints2d, joints3d

    def _moves(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        matrix, mirrored = draw_moves(count, self.augmentation, self._generator)
        return matrix.to(self.device), mirrored.to(self.device)

    def _autocast(self) -> Any:
        return autocast(self.device, self.config.precision)


class _PictureStage(Stage):
    """A stage that trains on pictures."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.loader = open_training_pictures(self.root, self.config, self.settings, self.device)
        self.validation = open_validation_pictures(self.root, self.config, self.settings)

    def report_broken(self) -> None:
        """Name the frames that training has stepped over."""
        report_broken(self.loader.broken, SetType.TRAIN)
        report_broken(self.validation.broken, SetType.VAL)

    def _errors2d(self, heatmaps: torch.Tensor, joints2d: torch.Tensor) -> np.ndarray:
        """Distances of decoded joints inside the picture, pixels of the 800-pixel square."""
        decoded, _ = decode_heatmaps(heatmaps.float(), self.input_size)
        truth = joints2d[:, list(HEATMAP_JOINTS)]
        distance = (decoded - truth).norm(dim=-1)[self._inside(joints2d)]
        return distance.cpu().numpy() * (RELEASE_CAMERA.height / self.input_size)


class Train2D(_PictureStage):
    """Pictures → heatmaps."""

    metric, unit = "joints2d_px", "px of 800"
    model: PoseResNet

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        images, joints2d, _ = self._training_images(batch)
        with self._autocast():
            heatmaps = self.model(images)
        return heatmap_losses(
            heatmaps,
            self._targets(joints2d),
            joints2d[:, list(HEATMAP_JOINTS)],
            self._inside(joints2d),
            self.input_size,
            self.weights,
        )

    def validate(self) -> dict[str, float]:
        errors = []
        for batch in self.validation:
            with self._autocast():
                heatmaps = self.model(to_input(batch.images, self.device))
            errors.append(self._errors2d(heatmaps, batch.joints2d.to(self.device)))
        distances = np.concatenate(errors)
        return {
            "joints2d_px": float(distances.mean()),
            "joints2d_median_px": float(np.median(distances)),
        }

    def state_dicts(self) -> dict[str, dict[str, torch.Tensor]]:
        return {"resnet_state_dict": self.model.state_dict()}


class Train3D(Stage):
    """Target heatmaps → poses; reads no picture."""

    metric, unit = "mpjpe_mm", "mm"
    model: LiftingAutoencoder

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        batch_size = self.settings.batch_size
        annotations = open_annotations(self.root, SetType.TRAIN, self.config)
        self.loader = AnnotationLoader(
            annotations, batch_size, self.device, shuffle=True, seed=self.config.seed
        )
        self.validation = AnnotationLoader(
            open_annotations(self.root, SetType.VAL, self.config), batch_size, self.device
        )

    def losses(self, batch: LabelBatch) -> dict[str, torch.Tensor]:
        joints2d, joints3d = batch.joints2d, batch.joints3d
        if self.augmentation.moves:
            matrix, mirrored = self._moves(len(batch))
            joints2d = move_joints2d(joints2d, matrix, mirrored, self.camera)
            joints3d = move_joints3d(joints3d, matrix, mirrored)
        targets = self._targets(joints2d)
        with self._autocast():
            output = self.model(self._misplaced(joints2d, targets))
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
        if noise > 0:
            count = len(joints2d)
            amount = noise * self.input_size * torch.rand(count, 1, 1, generator=self._generator)
            offset = amount * torch.randn(count, 16, 2, generator=self._generator)
            targets = self._targets(joints2d + offset.to(self.device))
        if dropout > 0:
            kept = torch.rand(targets.shape[:2], generator=self._generator) >= dropout
            targets = targets * kept[..., None, None].to(self.device)
        return targets

    def validate(self) -> dict[str, float]:
        metric = MPJPEByAction()
        for batch in self.validation:
            with self._autocast():
                output = self.model(self._targets(batch.joints2d))
            _add(metric, output.joints3d, batch.joints3d, batch.actions)
        return {"mpjpe_mm": _all_mpjpe(metric)}

    def report_broken(self) -> None:
        """Broken labels are named when the split is opened; no picture is read."""

    def state_dicts(self) -> dict[str, dict[str, torch.Tensor]]:
        return {"autoencoder_state_dict": self.model.state_dict()}


class Finetune(_PictureStage):
    """Pictures → heatmaps → poses, end to end."""

    metric, unit = "mpjpe_mm", "mm"
    model: EgoPose

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        images, joints2d, joints3d = self._training_images(batch)
        targets = self._targets(joints2d)
        with self._autocast():
            output = self.model(images)
        terms = heatmap_losses(
            output.heatmaps,
            targets,
            joints2d[:, list(HEATMAP_JOINTS)],
            self._inside(joints2d),
            self.input_size,
            self.weights,
        )
        # Here the reconstruction is compared with the heatmaps it was made from, as the reference
        # does; the gradient reaches them too.
        return terms | pose_losses(
            output,
            neck_centred(joints3d),
            output.heatmaps,
            self.weights,
            reconstruction=self.settings.reconstruction,
        )

    def validate(self) -> dict[str, float]:
        metric, errors = MPJPEByAction(), []
        for batch in self.validation:
            with self._autocast():
                output = self.model(to_input(batch.images, self.device))
            _add(metric, output.joints3d, batch.joints3d, batch.actions)
            errors.append(self._errors2d(output.heatmaps, batch.joints2d.to(self.device)))
        return {
            "mpjpe_mm": _all_mpjpe(metric),
            "joints2d_px": float(np.concatenate(errors).mean()),
        }

    def state_dicts(self) -> dict[str, dict[str, torch.Tensor]]:
        return {
            "resnet_state_dict": self.model.pose2d.state_dict(),
            "autoencoder_state_dict": self.model.lifting.state_dict(),
        }


def _add(
    metric: MPJPEByAction, predicted: torch.Tensor, target: torch.Tensor, actions: list[str]
) -> None:
    metric.update(predicted.double().cpu().numpy(), target.double().cpu().numpy(), actions)


def _all_mpjpe(metric: MPJPEByAction) -> float:
    return metric.results()["full"]["All"]["mpjpe"]


STAGES: dict[str, type[Stage]] = {"train2d": Train2D, "train3d": Train3D, "finetune": Finetune}
