"""The stages of the project's own model that differ from the paper's: those that make poses."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from dataset.batch import Batch
from model.ego_transformer import EgoTransformer, EgoTransformerOutput
from model.transformer_losses import transformer_losses
from utils.config import Config
from utils.engine.paper_stages import Finetune
from utils.engine.stage import Moved, Validation

#: Share of the joints that the uncertainty's region is to hold.
HELD = 0.9


class TransformerFinetune(Finetune):
    """Pictures → heatmaps → poses, all weights."""

    model: EgoTransformer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        labels = self.labels.annotations()
        hidden = self.camera.in_picture(labels.joints2d) & ~labels.visible
        #: Whether the labels tell joints that are hidden from joints that are seen.
        self.occlusion_known = bool(hidden.any())

    def all_used(self, config: Config) -> bool:
        return True

    def _pose_losses(self, output: EgoTransformerOutput, moved: Moved) -> dict[str, torch.Tensor]:
        # Outside of the picture nothing is seen, whatever the labels know.
        known = ~self.camera.in_picture(moved.joints2d) | self.occlusion_known
        terms = transformer_losses(output.estimates, moved.joints3d, moved.visible, known, self.weights)
        if "visibility" in terms:
            # A mean over the joints it is known of, of which each process has its own number.
            terms["visibility"] = terms["visibility"] * self.processes.share(known.sum())
        return terms

    def validate(self, batches: Iterable[Batch]) -> Validation:
        self._ratios: list[np.ndarray] = []
        validation = super().validate(batches)
        ratios = self.processes.gathered(self._ratios)
        self._calibrate(float(np.quantile(np.concatenate(ratios), HELD)))
        return validation

    def _note(self, output: EgoTransformerOutput, batch: Batch) -> None:
        """Errors of a validation batch in units of the scale said of them."""
        target = batch.joints3d.to(self.device)
        distance = torch.linalg.vector_norm(output.camera3d.float() - target, dim=-1)
        ratio = distance * torch.exp(-output.log_scale.float())
        self._ratios.append(ratio.flatten().cpu().numpy())

    def _calibrate(self, factor: float) -> None:
        for model in (self.model, self.evaluated):
            model.transformer.calibration.fill_(factor)

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"resnet_state_dict": model.pose2d, "transformer_state_dict": model.transformer}


class TransformerTrain3D(TransformerFinetune):
    """Pictures → poses, with the 2D module as train2d left it."""

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        moved = self._moved(batch)
        with self._autocast():
            output = self.network(moved.images)
        return self._pose_losses(output, moved)
