"""What the loop needs to know of a stage, and what all stages have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from base.camera import RELEASE_CAMERA
from base.frame import FrameId
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS
from dataset.augment import (
    Augmentation,
    Part,
    change_appearance,
    draw_moves,
    move_images,
    move_joints2d,
    move_joints3d,
    move_visible,
)
from dataset.batch import Batch, to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.transforms import SquareCrop
from model.losses import LossWeights, heatmap_losses
from utils.config import Config
from utils.device import autocast
from utils.engine.data import open_labels
from utils.engine.networks import POSE2D
from utils.engine.pictures import Shown
from utils.engine.processes import Processes


class Validation(NamedTuple):
    """What a stage measures on ValSet.

    Attributes:
        figures: name → value; the stage's metric is among them.
        by_action: action group → MPJPE in millimetres, "All" first; empty where no pose is made.
    """

    figures: dict[str, float]
    by_action: dict[str, float]


class Moved(NamedTuple):
    """A training batch after augmentation, on the device.

    Attributes:
        images: (B, 3, S, S) normalised.
        joints2d: (B, 16, 2) pixels of the pictures.
        joints3d: (B, 16, 3) metres, camera frame.
        visible: (B, 16) bool.
    """

    images: torch.Tensor
    joints2d: torch.Tensor
    joints3d: torch.Tensor
    visible: torch.Tensor


class Stage(ABC):
    """What the loop needs to know of a stage.

    Args:
        name: train2d, train3d, finetune or temporal.
        model: the modules that train.
        config: of the run.
        root: folder that holds TrainSet and ValSet.
        processes: where to train.

    Attributes:
        model: the modules that train, on the device.
        network: what losses call: ``model``, wrapped for several processes or compiled.
        evaluated: what validation calls: ``model``, or the moving average of it.
        loader: training batches; has ``epoch``, ``start`` and a length.
        metric: figure by which the best checkpoint is chosen; lower is better.
        unit: unit of that metric.
        mean_pose: (16, 3) float64 metres, Neck at the origin, mean of TrainSet.
        draws: random numbers of the augmentation.
    """

    metric: str
    unit: str
    loader: Any
    validation: Any

    def __init__(
        self, name: str, model: nn.Module, config: Config, root: Path, processes: Processes
    ) -> None:
        self.name = name
        self.config = config
        self.settings = config.stage(name)
        self.processes = processes
        self.device = processes.device
        self.root = root
        self.division = processes.division(self.settings.batch_size, self.settings.accumulate)
        model = processes.synchronise(model)
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.network = processes.wrap(self.model, self.all_used(config))
        if config.compile:
            self.network = torch.compile(self.network)
        self.evaluated = self.model
        self.weights = LossWeights(**config.loss.model_dump())
        self.augmentation = Augmentation(**self.settings.augment.model_dump())
        self.input_size = config.data.input_size
        self.heatmap_shape = HeatmapShape(
            POSE2D[config.model.kind].heatmap_size(self.input_size),
            config.heatmap.sigma,
            config.heatmap.subpixel,
        )
        self.camera = SquareCrop(self.input_size).camera(RELEASE_CAMERA)
        self.labels = open_labels(root, SetType.TRAIN, config)
        self.mean_pose = self.labels.annotations().mean_pose()
        self.draws = torch.Generator()

    def start_epoch(self, epoch: int, step: int = 0) -> None:
        """Fix all random draws of an epoch; its batches will come from ``step`` on."""
        self.loader.epoch, self.loader.start = epoch, step
        self.draws.manual_seed(self.config.seed * 1_000_003 + epoch)
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)

    def random_states(self) -> dict[str, torch.Tensor]:
        """States of all generators that training draws from."""
        states = {"draws": self.draws.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def restore_random_states(self, states: dict[str, torch.Tensor]) -> None:
        """Go on drawing where :meth:`random_states` was taken."""
        self.draws.set_state(states["draws"])
        torch.set_rng_state(states["torch"])
        if self.device.type == "cuda" and "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self.device)

    @abstractmethod
    def all_used(self, config: Config) -> bool:
        """Whether every weight takes part in the loss, which several processes must know."""

    @abstractmethod
    def losses(self, batch: Any) -> dict[str, torch.Tensor]:
        """Weighted loss terms of a batch; their sum is minimised."""

    @abstractmethod
    def validate(self, batches: Iterable[Any]) -> Validation:
        """Figures on the batches of :attr:`validation` of all processes; gradients are off."""

    @abstractmethod
    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        """The parts of ``model`` under the keys of the checkpoint layout."""

    @abstractmethod
    def show(self) -> Shown | None:
        """A few frames of ValSet, always the same; None if they cannot be read."""

    @abstractmethod
    def frames_of(self, batch: Any) -> Callable[[], list[FrameId]]:
        """A way to name the frames of a training batch that does not keep its pictures."""

    @abstractmethod
    def report_broken(self) -> None:
        """Name the frames that were stepped over."""

    def state_dicts(self, model: nn.Module) -> dict[str, dict[str, torch.Tensor]]:
        """Weights of ``model`` under the keys of the checkpoint layout."""
        return {key: module.state_dict() for key, module in self.modules(model).items()}

    def load_weights(self, weights: dict[str, dict[str, torch.Tensor]]) -> None:
        """Put weights, under the keys of the checkpoint layout, into :attr:`model`."""
        for key, module in self.modules(self.model).items():
            module.load_state_dict(weights[key])

    def _targets(self, joints2d: torch.Tensor) -> torch.Tensor:
        return draw_heatmaps(joints2d, self.input_size, self.heatmap_shape)

    def _inside(self, joints2d: torch.Tensor) -> torch.Tensor:
        """(B, 15) bool: joints that have a heatmap and lie in the picture."""
        return self.camera.in_picture(joints2d)[:, list(HEATMAP_JOINTS)]

    def _moved(self, batch: Batch) -> Moved:
        """Augmented pictures with their labels."""
        images = to_input(batch.images, self.device)
        joints2d = batch.joints2d.to(self.device, non_blocking=True)
        joints3d = batch.joints3d.to(self.device, non_blocking=True)
        visible = batch.visible.to(self.device, non_blocking=True)
        if self.augmentation.moves:
            matrix, mirrored = self._moves(len(batch))
            images = move_images(images, matrix, self.camera)
            joints2d = move_joints2d(joints2d, matrix, mirrored, self.camera)
            joints3d = move_joints3d(joints3d, matrix, mirrored)
            visible = move_visible(visible, mirrored) & self.camera.in_picture(joints2d)
        images = change_appearance(images, self.augmentation, self.draws, self._part)
        images = images.contiguous(memory_format=torch.channels_last)
        return Moved(images, joints2d, joints3d, visible)

    @property
    def _part(self) -> Part:
        return Part(self.division.rank, self.division.world)

    def _moves(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        matrix, mirrored = draw_moves(count, self.augmentation, self.draws, self._part)
        return matrix.to(self.device), mirrored.to(self.device)

    def _autocast(self) -> Any:
        return autocast(self.device, self.config.precision)

    def _heatmap_losses(
        self, heatmaps: torch.Tensor, targets: torch.Tensor, joints2d: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        inside = self._inside(joints2d)
        terms = heatmap_losses(
            heatmaps,
            targets,
            joints2d[:, list(HEATMAP_JOINTS)],
            inside,
            self.input_size,
            self.weights,
        )
        if "coordinates" in terms:
            # A mean over the joints in the picture, of which each process has its own number.
            terms["coordinates"] = terms["coordinates"] * self.processes.share(inside.sum())
        return terms
