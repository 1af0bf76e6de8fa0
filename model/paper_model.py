"""The paper's model: heatmaps from a picture, a pose from an autoencoder of the heatmaps."""

from collections.abc import Collection
from typing import Any, ClassVar

import torch
from torch import Tensor

from base.schema import Section, option
from base.skeleton import neck_centred
from model.lifting_autoencoder import LiftingAutoencoder
from model.losses import LossWeights, centred_losses, joint_weights, reconstruction_error
from model.pose_model import Part, PoseModel, PoseOutput, Targets, TrainingType
from model.pose_resnet import PoseResNet
from model.rays import CameraRays


class AutoencoderOptions(Section):
    """The dual-branch autoencoder; the defaults are the paper's."""

    latent: int = option(20, "length of the code", ge=1, le=4096)
    batch_norm: bool = option(False, "normalise after each convolution and the first two layers")
    pose_activation: bool = option(False, "LeakyReLU between the layers of the pose decoder")
    pose_hidden: int | None = option(
        None, "width of the pose decoder; null: the reference's 32", ge=1, le=4096
    )


class Autoencoder(PoseModel):
    """Pictures → heatmaps (``pose2d``) → pose (``lifting``), differentiable from end to end.

    ``extra`` of its output is the reconstruction of the heatmaps, (B, 15, h, h), in training only.
    """

    Options = AutoencoderOptions
    parts: ClassVar = {
        "pose2d": Part("resnet_state_dict"),
        "lifting": Part("autoencoder_state_dict", tuple(Options.model_fields)),
    }
    training_types: ClassVar = {
        "train2d": TrainingType(("pose2d",), ("pose2d",)),
        "train3d": TrainingType(("lifting",), ("lifting",), reads="labels"),
        "finetune": TrainingType(
            ("pose2d", "lifting"),
            ("pose2d", "lifting"),
            start={"load_2d_model": ("train2d",), "load_3d_model": ("train3d",)},
            defaults={"reconstruction": "sum"},
        ),
    }
    default_backbone = "resnet101"

    def __init__(
        self, options: AutoencoderOptions, backbone: str, input_size: int, parts: Collection[str]
    ) -> None:
        super().__init__(input_size, PoseResNet.heatmap_size(input_size))
        self.pose2d = PoseResNet(backbone) if "pose2d" in parts else None
        self.lifting = None
        if "lifting" in parts:
            self.lifting = LiftingAutoencoder(self.heatmap_size, **options.model_dump())

    def forward(
        self,
        images: Tensor | None = None,
        rays: CameraRays | None = None,
        heatmaps: Tensor | None = None,
        history: Any = None,
    ) -> PoseOutput:
        """See :meth:`PoseModel.forward`; this kind knows one camera and needs no rays."""
        predicted = self.pose2d(images) if heatmaps is None else None
        if self.lifting is None:
            return PoseOutput(predicted)
        given = predicted if heatmaps is None else heatmaps
        with torch.autocast(given.device.type, enabled=False):
            code = self.lifting.encode(given.float())
            joints3d = self.lifting.decode_pose(code)
        rebuilt = self.lifting.decode_heatmaps(code) if self.training else None
        return PoseOutput(predicted, joints3d, extra=rebuilt)

    def pose_losses(
        self, output: PoseOutput, targets: Targets, weights: LossWeights, reconstruction: str
    ) -> dict[str, Tensor]:
        """ "reconstruction", and those of :func:`model.losses.centred_losses`."""
        losses = {}
        if weights.reconstruction:
            # From pictures the reconstruction is compared with the heatmaps it was made from, as
            # the reference does; the gradient reaches them too, but for joints without a label.
            target = targets.heatmaps
            if output.heatmaps is not None:
                target = torch.where(target.isnan(), target, output.heatmaps)
            error = reconstruction_error(output.extra, target, reconstruction)
            losses["reconstruction"] = weights.reconstruction * error
        joints = joint_weights(targets.visible, targets.visible_known, weights.hidden)
        target = neck_centred(targets.joints3d)
        return losses | centred_losses(output.joints3d, target, weights, joints)

    def uses_all_weights(self, weights: LossWeights) -> bool:
        """The layers bn1 to bn3 of the reference take no part unless batch_norm is set."""
        return self.lifting is None or (self.lifting.batch_norm and weights.reconstruction > 0)
