"""The project's own model: pictures → heatmaps and features → joints in the camera's frame."""

from collections.abc import Collection
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from pydantic import field_validator, model_validator
from torch import Tensor

from base.schema import Section, option
from base.skeleton import neck_centred
from model import losses as terms
from model.joint_transformer import JointEstimate, JointTransformer
from model.losses import LossWeights, joint_distance
from model.pose_fpn import PoseFPN
from model.pose_model import Part, PoseModel, PoseOutput, Targets, TrainingType
from model.rays import CameraRays
from model.temporal import History, TemporalTransformer

#: Share of the joints that the ball of the uncertainty covers.
COVERAGE = 0.9


class _Attention(Section):
    """Sizes of a transformer."""

    dim: int
    layers: int
    heads: int
    dropout: float = option(0.0, "of the attention, in training", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> "_Attention":
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of heads {self.heads}")
        return self


class TemporalOptions(_Attention):
    """The temporal version: attention to past frames of a video."""

    dim: int = option(128, "width of the tokens", ge=8, le=4096)
    layers: int = option(2, "number of layers", ge=1, le=64)
    heads: int = option(4, "attention heads, a divisor of dim", ge=1, le=64)
    lags: list[int] = option(
        [0, 1, 2, 3, 4, 6, 8, 12],
        "how many frames each frame of the history lies before the newest, from 0 up",
        max_length=64,
    )

    @field_validator("lags")
    @classmethod
    def _rise_from_0(cls, lags: list[int]) -> list[int]:
        if lags[:1] != [0] or any(b <= a for a, b in pairwise(lags)) or lags[-1] > 10_000:
            raise ValueError("must rise from 0, to 10000 at most")
        return lags


class TransformerOptions(_Attention):
    """The feature pyramid, the transformer and its temporal version."""

    channels: int = option(96, "of the feature pyramid", ge=8, le=2048)
    dim: int = option(192, "width of the tokens", ge=8, le=4096)
    layers: int = option(3, "number of layers", ge=1, le=64)
    heads: int = option(6, "attention heads, a divisor of dim", ge=1, le=64)
    sampled: bool = option(True, "false: tokens without the features at the joints")
    whole_map: bool = option(True, "false: no attention to the coarse feature map")
    rigid: bool = option(False, "true: bones of predicted lengths, equal left and right")
    temporal: TemporalOptions = TemporalOptions()


class Extra(NamedTuple):
    """``extra`` of the output: the estimates of each layer, the last one last (in evaluation only
    that), and the (B, 16, D) tokens that it was made from, None in the temporal version."""

    estimates: list[JointEstimate]
    tokens: Tensor | None


class Transformer(PoseModel):
    """Pictures → heatmaps and features (``pose2d``) → 3D joints (``transformer``); histories of
    those → 3D joints of the newest frame (``temporal``)."""

    Options = TransformerOptions
    parts: ClassVar = {
        "pose2d": Part("resnet_state_dict", ("channels",)),
        "transformer": Part(
            "transformer_state_dict",
            tuple(name for name in TransformerOptions.model_fields if name != "temporal"),
        ),
        "temporal": Part("temporal_state_dict", ("temporal",)),
    }
    training_types: ClassVar = {
        "train2d": TrainingType(("pose2d",), ("pose2d",)),
        "train3d": TrainingType(
            ("pose2d", "transformer"), ("transformer",), start={"load_2d_model": ("train2d",)}
        ),
        "finetune": TrainingType(
            ("pose2d", "transformer"),
            ("pose2d", "transformer"),
            start={"load_2d_model": ("train2d",), "load_3d_model": ("train3d",)},
            start_required=False,
        ),
        "temporal": TrainingType(
            ("pose2d", "transformer", "temporal"),
            ("temporal",),
            reads="videos",
            start={"load_3d_model": ("finetune", "train3d")},
            defaults={"epochs": 10, "batch_size": 64, "optimizer": "adamw", "weight_decay": 1e-4}
            | {"schedule": "cosine", "warmup_steps": 50, "clip_norm": 5.0},
        ),
    }
    exports = ("heatmaps", "joints3d", "camera3d", "uncertainty", "visibility")

    def __init__(
        self, options: TransformerOptions, backbone: str, input_size: int, parts: Collection[str]
    ) -> None:
        super().__init__(input_size, PoseFPN.heatmap_size(input_size))
        own = options.model_dump(exclude={"temporal"})
        self.pose2d = PoseFPN(backbone, options.channels) if "pose2d" in parts else None
        self.transformer = JointTransformer(**own) if "transformer" in parts else None
        self.temporal = None
        if "temporal" in parts:
            self.temporal = TemporalTransformer(options.dim, **options.temporal.model_dump())

    def forward(
        self,
        images: Tensor | None = None,
        rays: CameraRays | None = None,
        heatmaps: Tensor | None = None,
        history: History | None = None,
    ) -> PoseOutput:
        """See :meth:`PoseModel.forward`; ``heatmaps`` is not used by any of its training types."""
        heatmaps = tokens = None
        if history is None:
            pyramid = self.pose2d.pyramid(images)
            heatmaps = pyramid.heatmaps
            if self.transformer is None:
                return PoseOutput(heatmaps)
        part = self.transformer if history is None else self.temporal
        with torch.autocast(part.calibration.device.type, enabled=False):
            if history is None:
                estimates, tokens = part(pyramid, rays)
            else:
                estimates = [part(History(*history))]
            last = estimates[-1]
            uncertainty = torch.exp(last.log_scale) * part.calibration
        poses = neck_centred(last.camera3d), last.camera3d
        return PoseOutput(heatmaps, *poses, uncertainty, last.visibility, Extra(estimates, tokens))

    def pose_losses(
        self, output: PoseOutput, targets: Targets, weights: LossWeights, reconstruction: str
    ) -> dict[str, Tensor]:
        """Those of :func:`model.losses.centred_losses`, "camera_pose" (joint distance in the camera
        frame), "uncertainty", "visibility", and "aux": the mean of the poses' losses over the
        layers before the last."""
        seen, true = (targets.visible, targets.visible_known), targets.joints3d
        joints = terms.joint_weights(*seen, weights.hidden)

        def of_pose(pose: Tensor) -> dict[str, Tensor]:
            centred = neck_centred(pose.float()), neck_centred(true.float())
            losses = terms.centred_losses(*centred, weights, joints)
            if weights.camera_pose:
                losses["camera_pose"] = weights.camera_pose * joint_distance(pose, true, joints)
            return losses

        *aux, last = output.extra.estimates
        losses = of_pose(last.camera3d)
        if weights.aux and aux:
            before = [sum(of_pose(estimate.camera3d).values()) for estimate in aux]
            losses["aux"] = weights.aux * torch.stack(before).mean()
        if weights.uncertainty:
            distance = torch.linalg.vector_norm(last.camera3d - true, dim=-1)
            # Without a gradient to the position: likelihood alone would care less for joints that
            # are hard (Seitzer et al., "On the pitfalls of heteroscedastic uncertainty estimation
            # with probabilistic neural networks", ICLR 2022).
            likelihood = terms.scale_likelihood(distance.detach(), last.log_scale)
            losses["uncertainty"] = weights.uncertainty * likelihood
        if weights.visibility:
            entropy = terms.visibility_entropy(last.visibility, *seen, targets.known_count)
            losses["visibility"] = weights.visibility * entropy
        return losses

    @property
    def lags(self) -> tuple[int, ...]:
        """See :attr:`PoseModel.lags`."""
        return () if self.temporal is None else self.temporal.lags

    def memory(self, output: PoseOutput) -> tuple[Tensor, ...]:
        """Poses, log scales and tokens, the latter in half precision."""
        last = output.extra.estimates[-1]
        return last.camera3d.float(), last.log_scale.float(), output.extra.tokens.half()

    def calibration_ratios(self, output: PoseOutput, joints3d: Tensor) -> Tensor:
        """(B, 16) distances of joints from their places, in units of the predicted scale."""
        distance = torch.linalg.vector_norm(output.camera3d.float() - joints3d, dim=-1)
        return distance * torch.exp(-output.extra.estimates[-1].log_scale.float())

    def calibrate(self, ratios: np.ndarray) -> float:
        """Set the factor that makes the uncertainty's ball cover its share of the joints."""
        part = self.temporal or self.transformer
        before, after = float(part.calibration), float(np.quantile(ratios, COVERAGE))
        part.calibration.fill_(after)
        return after / before
