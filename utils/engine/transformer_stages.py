"""The stages of the project's own model that differ from the paper's: those that make poses."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from base.camera import FisheyeCamera
from dataset.batch import Batch
from dataset.mocap import Mocap
from dataset.packed import Packed
from model.ego_transformer import EgoTransformer, EgoTransformerOutput
from model.joint_transformer import JointEstimate
from model.transformer_losses import transformer_losses
from utils.config import Config
from utils.engine.paper_stages import Finetune
from utils.engine.stage import Moved, Stage, Validation

#: Share of the joints that the uncertainty's region is to hold.
HELD = 0.9


def tells_hidden(labels: Mocap | Packed, camera: FisheyeCamera) -> bool:
    """Whether a split's labels tell joints that are hidden from joints that are seen."""
    known = labels.annotations()
    return bool((camera.in_picture(known.joints2d) & ~known.visible).any())


def error_ratios(estimate: JointEstimate, target: torch.Tensor) -> np.ndarray:
    """Distances of joints from their places (B, 16, 3), in units of the scale said of them."""
    distance = torch.linalg.vector_norm(estimate.camera3d.float() - target, dim=-1)
    return (distance * torch.exp(-estimate.log_scale.float())).flatten().cpu().numpy()


def calibrate(models: Iterable[nn.Module], ratios: list[np.ndarray]) -> None:
    """Set the factor that makes the uncertainty's region hold its share of the joints."""
    factor = float(np.quantile(np.concatenate(ratios), HELD))
    for model in models:
        model.calibration.fill_(factor)


def shared_losses(
    stage: Stage,
    estimates: list[JointEstimate],
    target: torch.Tensor,
    visible: torch.Tensor,
    known: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The losses of a stage's poses, as one process's part of them; see
    :func:`model.transformer_losses.transformer_losses`."""
    terms = transformer_losses(estimates, target, visible, known, stage.weights)
    if "visibility" in terms:
        # A mean over the joints it is known of, of which each process has its own number.
        terms["visibility"] = terms["visibility"] * stage.processes.share(known.sum())
    return terms


class TransformerFinetune(Finetune):
    """Pictures → heatmaps → poses, all weights."""

    model: EgoTransformer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.occlusion_known = tells_hidden(self.labels, self.camera)

    def all_used(self, config: Config) -> bool:
        return True

    def _pose_losses(self, output: EgoTransformerOutput, moved: Moved) -> dict[str, torch.Tensor]:
        # Outside of the picture nothing is seen, whatever the labels know.
        known = ~self.camera.in_picture(moved.joints2d) | self.occlusion_known
        return shared_losses(self, output.estimates, moved.joints3d, moved.visible, known)

    def validate(self, batches: Iterable[Batch]) -> Validation:
        self._ratios: list[np.ndarray] = []
        validation = super().validate(batches)
        models = (model.transformer for model in (self.model, self.evaluated))
        calibrate(models, self.processes.gathered(self._ratios))
        return validation

    def _note(self, output: EgoTransformerOutput, batch: Batch) -> None:
        """Errors of a validation batch in units of the scale said of them."""
        self._ratios.append(error_ratios(output.estimates[-1], batch.joints3d.to(self.device)))

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"resnet_state_dict": model.pose2d, "transformer_state_dict": model.transformer}


class TransformerTrain3D(TransformerFinetune):
    """Pictures → poses, with the 2D module as train2d left it."""

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        moved = self._moved(batch)
        with self._autocast():
            output = self.network(moved.images)
        return self._pose_losses(output, moved)
