"""A trained network on pictures: heatmaps decoded, the pose placed before the camera."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from base.camera import RELEASE_CAMERA, FisheyeCamera, fit_translation
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK, NUM_JOINTS, neck_centred
from dataset.batch import to_input
from dataset.runs import Place
from dataset.transforms import SquareCrop
from model.decode import decode_heatmaps
from model.ego_pose import EgoPose
from model.ego_transformer import EgoTransformer, EgoTransformerOutput
from model.joint_transformer import HELD_RADIUS
from utils.device import autocast
from utils.track import Track

#: Every joint pulls a little at the pose's place, so that it is defined where nothing was seen.
_LEAST_WEIGHT = 1e-3
#: Metres within which a joint counts as right where a confidence is a probability.
WITHIN = 0.1


class Estimate(NamedTuple):
    """What a network says of B pictures, before it is decoded and placed.

    Attributes:
        heatmaps: (B, 15, h, h).
        joints3d: (B, 16, 3) metres, camera axes, any origin.
        camera3d: (B, 16, 3) metres, camera frame, of a model that knows; else None.
        uncertainty: (B, 16) metres, see :class:`Prediction`, or None.
        visibility: (B, 16) logit of the joint being seen, or None.
    """

    heatmaps: torch.Tensor
    joints3d: torch.Tensor
    camera3d: torch.Tensor | None = None
    uncertainty: torch.Tensor | None = None
    visibility: torch.Tensor | None = None


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
        uncertainty: (…) metres, radius that holds a joint in 90 % of the cases.

    Returns:
        (…) float32: 1 − exp(−x) (1 + x + x² / 2) with x the limit in units of the scale, the
        distribution of :class:`model.joint_transformer.JointEstimate` up to there.
    """
    x = WITHIN * HELD_RADIUS / np.asarray(uncertainty, np.float64)
    return (1 - np.exp(-x) * (1 + x + x * x / 2)).astype(np.float32)


class PosePredictor:
    """Runs a network on batches of its own square pictures.

    Args:
        model: in evaluation mode, on ``device``.
        device: where it is.
        precision: "auto", "fp32" or "bf16", see :func:`utils.device.autocast`.
        camera: of the square pictures; None for the release's, cropped and resized as in training.

    Attributes:
        input_size: side S of the pictures, pixels.
        camera: of the pictures.
    """

    def __init__(
        self,
        model: EgoPose | EgoTransformer,
        device: torch.device,
        precision: str = "auto",
        camera: FisheyeCamera | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.precision = precision
        self.input_size = model.input_size
        self.camera = camera or SquareCrop(model.input_size).camera(RELEASE_CAMERA)
        if isinstance(model, EgoTransformer):
            model.use_camera(self.camera)

    @property
    def has_uncertainty(self) -> bool:
        """Whether predictions come with an uncertainty."""
        return isinstance(self.model, EgoTransformer)

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
    ) -> Estimate:
        """What the network says of pictures; arguments as of :meth:`__call__`.

        What makes poses runs in full precision, in which it costs next to nothing: bfloat16
        would round a joint a metre away to 4 mm.  Its heatmap branch, which only training needs,
        is left out.
        """
        own = isinstance(self.model, EgoTransformer)
        with autocast(self.device, self.precision):
            pose2d = self.model.pose2d.pyramid if own else self.model.pose2d
            seen = pose2d(to_input(images, self.device))
        if own:
            output = self.model.lift(seen)
            if self.model.temporal is not None:
                output = self._looking_back(output, places, track)
            poses = output.joints3d, output.camera3d
            return Estimate(output.heatmaps, *poses, output.uncertainty, output.visibility)
        lifting = self.model.lifting
        return Estimate(seen, lifting.decode_pose(lifting.encode(seen.float())))

    def new_track(self) -> Track | None:
        """Where frames of a sequence are kept between calls; None for a model that does not look
        back."""
        temporal = getattr(self.model, "temporal", None)
        return None if temporal is None else Track(temporal.lags)

    def _looking_back(
        self,
        output: EgoTransformerOutput,
        places: Sequence[Place] | None,
        track: Track | None,
    ) -> EgoTransformerOutput:
        """The same, by the temporal form."""
        temporal = self.model.temporal
        if places is None:
            places = [None] * len(output.tokens)
        track = track or Track(temporal.lags)
        said = output.tokens.float(), output.camera3d.float(), output.log_scale.float()
        estimate = temporal(track.history(*said, places))
        return output._replace(
            joints3d=neck_centred(estimate.camera3d),
            camera3d=estimate.camera3d,
            log_scale=estimate.log_scale,
            visibility=estimate.visibility,
            uncertainty=estimate.uncertainty(temporal.calibration),
        )

    def placed(self, estimate: Estimate) -> Prediction:
        """Decode heatmaps, and place poses where their joints are seen."""
        seen, confidence15 = decode_heatmaps(estimate.heatmaps, self.input_size)
        joints3d = neck_centred(estimate.joints3d.float())
        rows = list(HEATMAP_JOINTS)
        # On the CPU, where every device's result goes anyway: a 3×3 solve is not worth a kernel.
        seen, confidence15, joints3d = seen.cpu(), confidence15.cpu(), joints3d.cpu()
        if estimate.camera3d is not None:
            neck = estimate.camera3d[:, NECK].float().cpu()
        else:
            # In double precision: where nothing is seen all rays are one, and the fit is all but
            # singular.
            rays = self.camera.unproject(seen.double())
            weights = confidence15.double() + _LEAST_WEIGHT
            neck = fit_translation(joints3d[:, rows].double(), rays, weights).float()
        joints2d = self.camera.project(joints3d + neck[:, None])
        joints2d[:, rows] = seen
        places = joints3d.numpy(), joints2d.numpy()
        if estimate.uncertainty is None:
            confidence = torch.empty(len(joints3d), NUM_JOINTS)
            confidence[:, rows] = confidence15
            confidence[:, HEAD] = confidence[:, NECK]
            return Prediction(*places, confidence.numpy(), neck.numpy())
        uncertainty = estimate.uncertainty.float().cpu().numpy()
        confidence = within_probability(uncertainty)
        visible = torch.sigmoid(estimate.visibility.float()).cpu().numpy()
        return Prediction(*places, confidence, neck.numpy(), uncertainty, visible)
