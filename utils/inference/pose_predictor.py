"""A trained network on pictures: heatmaps decoded, the pose placed before the camera."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from base.camera import RELEASE_CAMERA, FisheyeCamera, fit_translation
from base.errors import UserError
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK, NUM_JOINTS, neck_centred
from dataset.batch import to_input
from dataset.runs import Place
from dataset.transforms import SquareCrop
from model.decode import decode_heatmaps
from model.joint_transformer import COVERAGE_RADIUS
from model.pose_model import PoseModel, PoseOutput
from model.rays import CameraRays
from utils.common.device import autocast
from utils.inference.track import Track

#: Every joint pulls a little at the pose's place, so that it is defined where nothing was seen.
_LEAST_WEIGHT = 1e-3
#: Metres within which a joint counts as right where a confidence is a probability.
WITHIN = 0.1


class Prediction(NamedTuple):
    """Poses of B pictures.

    Attributes:
        joints3d: (B, 16, 3) float32 metres, camera axes, Neck at the origin.
        joints2d: (B, 16, 2) float32 pixels of the network's picture: of the heatmaps, but of the
            projected 3D pose for Head, which has none.
        confidence: (B, 16) float32 in [0, 1]: of a model that says how sure it is, the
            probability that the joint is within :data:`WITHIN` of its place; else the height of
            its heatmap, Head having the Neck's, from which it hangs.
        neck: (B, 3) float32 metres, camera frame: of a model that knows; else where the Neck must
            be for the joints to lie along the rays they are seen along.
        uncertainty: (B, 16) float32 metres: the joint is in the ball of that radius around
            ``joints3d + neck`` in 90 % of the cases; None if the model does not say.
        visible: (B, 16) float32 in [0, 1], probability that the joint is in the picture and not
            hidden; None likewise.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray
    uncertainty: np.ndarray | None = None
    visible: np.ndarray | None = None


def within_probability(uncertainty: np.ndarray) -> np.ndarray:
    """Probability that joints are within :data:`WITHIN` of their places.

    Args:
        uncertainty: (…) metres, radius that covers a joint in 90 % of the cases.

    Returns:
        (…) float32: 1 − exp(−x) (1 + x + x² / 2) with x the limit in units of the scale, the
        distribution of :class:`model.joint_transformer.JointEstimate` up to there.
    """
    x = WITHIN * COVERAGE_RADIUS / np.asarray(uncertainty, np.float64)
    return (1 - np.exp(-x) * (1 + x + x * x / 2)).astype(np.float32)


class PosePredictor:
    """Runs a network on batches of its own square pictures.

    Args:
        model: in evaluation mode, on ``device``.
        device: where it is.
        precision: "auto", "fp32" or "bf16", see :func:`utils.common.device.autocast`.
        camera: of the square pictures; None for the release's, cropped and resized as in training.

    Attributes:
        input_size: side S of the pictures, pixels.
        camera: of the pictures.
    """

    def __init__(
        self,
        model: PoseModel,
        device: torch.device,
        precision: str = "auto",
        camera: FisheyeCamera | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.precision = precision
        self.input_size = model.input_size
        self.camera = camera or SquareCrop(model.input_size).camera(RELEASE_CAMERA)
        self.rays = CameraRays(self.camera).to(device)

    @property
    def has_uncertainty(self) -> bool:
        """Whether predictions come with an uncertainty."""
        return "uncertainty" in self.model.exports

    @torch.inference_mode()
    def __call__(
        self,
        images: torch.Tensor,
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> Prediction:
        """Poses of pictures.

        Args:
            images: (B, S, S, 3) uint8 RGB.
            places: B sequences and numbers in them; None for pictures that stand alone.
            track: of :meth:`new_track`, the frames before these; None for none.
        """
        return self.placed(self.forward(images, places, track))

    def forward(
        self,
        images: torch.Tensor,
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> PoseOutput:
        """The network's output for pictures; arguments as of :meth:`__call__`."""
        with autocast(self.device, self.precision):
            output = self.model(images=to_input(images, self.device), rays=self.rays)
        if not self.model.lags:
            return output
        track = track or self.new_track()
        history = track.history(self.model.memory(output), places or [None] * len(images))
        return self.model(history=history)._replace(heatmaps=output.heatmaps)

    def new_track(self) -> Track | None:
        """Where frames of a sequence are kept between calls; None for a model without a temporal
        form."""
        return Track(self.model.lags) if self.model.lags else None

    def placed(self, output: PoseOutput) -> Prediction:
        """Decode heatmaps, and place poses where their joints are seen.

        Raises:
            UserError: for poses that are not finite.
        """
        seen, confidence15 = decode_heatmaps(output.heatmaps, self.input_size)
        joints3d = neck_centred(output.joints3d.float())
        rows = list(HEATMAP_JOINTS)
        # On the CPU, where every device's result goes anyway: a 3×3 solve is not worth a kernel.
        seen, confidence15, joints3d = seen.cpu(), confidence15.cpu(), joints3d.cpu()
        if output.camera3d is not None:
            neck = output.camera3d[:, NECK].float().cpu()
        else:
            # In double precision: where nothing is seen all rays are one, and the fit is all but
            # singular.
            rays = self.camera.unproject(seen.double(), clamp=True)
            weights = confidence15.double() + _LEAST_WEIGHT
            neck = fit_translation(joints3d[:, rows].double(), rays, weights).float()
        if not (joints3d.isfinite().all() and neck.isfinite().all()):
            raise UserError(
                "the model's poses are not finite: the checkpoint is damaged, or its values leave "
                "the range of --precision bf16"
            )
        joints2d = self.camera.project(joints3d + neck[:, None], clamp=True)
        joints2d[:, rows] = seen
        places = joints3d.numpy(), joints2d.numpy()
        if output.uncertainty is None:
            confidence = torch.empty(len(joints3d), NUM_JOINTS)
            confidence[:, rows] = confidence15
            confidence[:, HEAD] = confidence[:, NECK]
            return Prediction(*places, confidence.numpy(), neck.numpy())
        uncertainty = output.uncertainty.float().cpu().numpy()
        confidence = within_probability(uncertainty)
        visible = torch.sigmoid(output.visibility.float()).cpu().numpy()
        return Prediction(*places, confidence, neck.numpy(), uncertainty, visible)
