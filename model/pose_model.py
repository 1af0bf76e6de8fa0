"""What every kind of model has in common: its parts, its training types, what it returns."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from torch import Tensor, nn

from base.schema import Section
from base.skeleton import HEATMAP_JOINTS
from model.losses import LossWeights, coordinate_l1, heatmap_mse
from model.rays import CameraRays

_SEEN = list(HEATMAP_JOINTS)


class PoseOutput(NamedTuple):
    """Prediction for B frames; what a model does not predict is None."""

    heatmaps: Tensor | None = None  # (B, 15, h, h), where the joints are in the picture
    joints3d: Tensor | None = None  # (B, 16, 3) metres, camera axes, relative to the Neck
    camera3d: Tensor | None = None  # (B, 16, 3) metres, camera frame
    #: (B, 16) metres, radius of the ball around ``camera3d`` that covers 90 % of the cases.
    uncertainty: Tensor | None = None
    visibility: Tensor | None = None  # (B, 16) logit of the joint being visible
    extra: Any = None  # what only the model's own losses and its temporal version read


class Targets(NamedTuple):
    """Labels of B frames, on the device; NaN, and not visible, for joints that have none."""

    heatmaps: Tensor | None  # (B, 15, h, h)
    joints2d: Tensor | None  # (B, 16, 2) pixels of the network's picture
    joints3d: Tensor  # (B, 16, 3) metres, camera frame
    inside: Tensor | None  # (B, 16) bool, joints inside the picture
    visible: Tensor  # (B, 16) bool
    visible_known: Tensor  # (B, 16) bool, whether that is known
    #: What the means over the joints of ``inside`` (those with heatmaps) and ``visible_known`` are
    #: divided by, see :func:`model.losses.masked_mean`.
    inside_count: Tensor | None = None
    known_count: Tensor | None = None


class Part(NamedTuple):
    """A part of a model that has weights of its own."""

    key: str  # of its weights in a checkpoint
    options: tuple[str, ...] = ()  # the model's options that decide its architecture


class TrainingType(NamedTuple):
    """A stage of training."""

    parts: tuple[str, ...]  # the parts of the model that its checkpoints hold
    trained: tuple[str, ...]  # those that learn; the others keep weights and statistics
    #: Labels stands for target heatmaps instead of pictures, videos for histories of the
    #: single-frame model's predictions.
    reads: Literal["pictures", "labels", "videos"] = "pictures"
    #: Option of train.py → types whose checkpoint it takes.
    start: Mapping[str, tuple[str, ...]] = {}
    start_required: bool = True  # whether those are needed
    defaults: Mapping[str, Any] = {}  # settings whose default differs from other training types'


class PoseModel(nn.Module):
    """A kind of model; a subclass sets its parts, each None where it is left out.  ``input_size``
    is the side S of the network's picture, pixels, ``heatmap_size`` the side h of its heatmaps."""

    #: The section ``model.<kind>`` of the configuration.
    Options: ClassVar[type[Section]]
    #: Attribute of each part → what is stored of it; the 2D module is called ``pose2d``.
    parts: ClassVar[dict[str, Part]]
    #: Name of each training type → what it trains.
    training_types: ClassVar[dict[str, TrainingType]]
    #: ``model.backbone`` where the configuration names none.
    default_backbone: ClassVar[str] = "resnet18"
    #: Fields of :class:`PoseOutput` that an exported model returns.
    exports: ClassVar[tuple[str, ...]] = ("heatmaps", "joints3d")
    #: How many frames each frame of a history lies before the newest, rising from 0; empty for a
    #: model without a temporal version.
    lags: tuple[int, ...] = ()
    #: Which target heatmaps it learns, see :func:`model.decode.decode_heatmaps`.
    subpixel: bool = True

    def __init__(self, input_size: int, heatmap_size: int) -> None:
        super().__init__()
        self.input_size, self.heatmap_size = input_size, heatmap_size
        self._frozen: tuple[str, ...] = ()

    # ---------------------------------------------------------------- what a kind defines

    def forward(
        self,
        images: Tensor | None = None,
        rays: CameraRays | None = None,
        heatmaps: Tensor | None = None,
        history: Any = None,
    ) -> PoseOutput:
        """Poses of (B, 3, S, S) RGB ``images``, normalised as (x / 255 − 0.5) / 0.5, with the rays
        of their camera.  In the place of images stand (B, 15, h, h) heatmaps in a training type of
        labels, in the temporal version a history (:meth:`memory`).

        What makes 3D poses runs in float32 whatever the surrounding autocast: bfloat16 would round
        a joint a metre away to 4 mm.
        """
        raise NotImplementedError

    def pose_losses(
        self, output: PoseOutput, targets: Targets, weights: LossWeights, reconstruction: str
    ) -> dict[str, Tensor]:
        """The weighted losses of the 3D poses; ``reconstruction`` as in :meth:`losses`."""
        raise NotImplementedError

    def memory(self, output: PoseOutput) -> tuple[Tensor, ...]:
        """What is kept of each of B frames for the histories of later ones: (B, …) tensors, the
        first of them (B, 16, 3) metres, the frame's own pose in the camera frame.  A history holds
        the same tensors, gathered to (B, K, …), then (B, K) bool: which are there."""
        raise NotImplementedError

    def uses_all_weights(self, weights: LossWeights) -> bool:
        """Whether each weight that learns has a gradient, which several processes must know."""
        return True

    def calibration_ratios(self, output: PoseOutput, joints3d: Tensor) -> Tensor | None:
        """Errors in units of the predicted scale, of B frames; None without uncertainty."""
        return None

    def calibrate(self, ratios: np.ndarray) -> float:
        """Fit the predicted uncertainty to all ratios of ValSet; the factor by which it changes."""
        return 1.0

    # ---------------------------------------------------------------- what all kinds share

    def losses(
        self, output: PoseOutput, targets: Targets, weights: LossWeights, reconstruction: str
    ) -> dict[str, Tensor]:
        """The weighted losses of a prediction, those with weight 0 left out; their sum is what to
        minimise.  ``reconstruction`` as in :func:`model.losses.reconstruction_error`."""
        terms = {}
        if output.heatmaps is not None and "pose2d" not in self._frozen:
            if weights.heatmap:
                terms["heatmap"] = weights.heatmap * heatmap_mse(output.heatmaps, targets.heatmaps)
            if weights.coordinates:
                joints = targets.joints2d[:, _SEEN], targets.inside[:, _SEEN]
                how = self.input_size, targets.inside_count
                error = coordinate_l1(output.heatmaps, *joints, *how)
                terms["coordinates"] = weights.coordinates * error
        if output.joints3d is not None:
            terms |= self.pose_losses(output, targets, weights, reconstruction)
        return terms

    def held_parts(self) -> dict[str, nn.Module]:
        """The parts this model has, by name."""
        return {name: getattr(self, name) for name in self.parts if getattr(self, name) is not None}

    def state_dicts(self) -> dict[str, dict[str, Tensor]]:
        """Weights of the parts under their keys in a checkpoint."""
        return {self.parts[name].key: p.state_dict() for name, p in self.held_parts().items()}

    def train_only(self, trained: Collection[str]) -> None:
        """Let these parts learn; weights and statistics of the others stay as they are."""
        self._frozen = tuple(name for name in self.held_parts() if name not in trained)
        for name, part in self.held_parts().items():
            part.requires_grad_(name in trained)

    def train(self, mode: bool = True) -> "PoseModel":
        """Training or evaluation mode; parts that do not learn stay in evaluation."""
        super().train(mode)
        for name in self._frozen:
            getattr(self, name).eval()
        return self
