"""A trained network on pictures: heatmaps decoded, the pose placed before the camera."""

from typing import NamedTuple

import numpy as np
import torch

from base.camera import RELEASE_CAMERA, FisheyeCamera, fit_translation
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK, NUM_JOINTS
from dataset.batch import to_input
from dataset.transforms import SquareCrop
from model.decode import decode_heatmaps
from model.ego_pose import EgoPose
from utils.device import autocast

#: Every joint pulls a little at the pose's place, so that it is defined where nothing was seen.
_LEAST_WEIGHT = 1e-3


class Prediction(NamedTuple):
    """Poses of B pictures.

    Attributes:
        joints3d: (B, 16, 3) float32 metres, camera axes, Neck at the origin.
        joints2d: (B, 16, 2) float32 pixels of the network's picture: of the heatmaps, but of the
            projected 3D pose for Head, which has none.
        confidence: (B, 16) float32 in [0, 1], height of the heatmaps; Head has the Neck's, from
            which it hangs.
        neck: (B, 3) float32 metres, camera frame: where the Neck must be for the joints to lie
            along the rays they are seen along.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray


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
        model: EgoPose,
        device: torch.device,
        precision: str = "auto",
        camera: FisheyeCamera | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.precision = precision
        self.input_size = model.input_size
        self.camera = camera or SquareCrop(model.input_size).camera(RELEASE_CAMERA)

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor) -> Prediction:
        """Poses of (B, S, S, 3) uint8 RGB pictures."""
        return self.placed(*self.forward(images))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Heatmaps (B, 15, h, h) and joints (B, 16, 3) metres of (B, S, S, 3) uint8 RGB pictures.

        The lifting network runs in full precision, in which it costs next to nothing: bfloat16
        would round a joint a metre away to 4 mm.  Its heatmap branch, which only training needs,
        is left out.
        """
        with autocast(self.device, self.precision):
            heatmaps = self.model.pose2d(to_input(images, self.device))
        lifting = self.model.lifting
        return heatmaps, lifting.decode_pose(lifting.encode(heatmaps.float()))

    def placed(self, heatmaps: torch.Tensor, joints3d: torch.Tensor) -> Prediction:
        """Decode heatmaps (B, 15, h, h) and place poses (B, 16, 3) where their joints are seen."""
        seen, confidence15 = decode_heatmaps(heatmaps, self.input_size)
        joints3d = joints3d.float()
        joints3d = joints3d - joints3d[:, NECK : NECK + 1]
        rows = list(HEATMAP_JOINTS)
        # On the CPU, where every device's result goes anyway: a 3×3 solve is not worth a kernel.
        seen, confidence15, joints3d = seen.cpu(), confidence15.cpu(), joints3d.cpu()
        # In double precision: where nothing is seen all rays are one, and the fit is all but
        # singular.
        rays = self.camera.unproject(seen.double())
        weights = confidence15.double() + _LEAST_WEIGHT
        neck = fit_translation(joints3d[:, rows].double(), rays, weights).float()
        joints2d = self.camera.project(joints3d + neck[:, None])
        joints2d[:, rows] = seen
        confidence = torch.empty(len(joints3d), NUM_JOINTS)
        confidence[:, rows] = confidence15
        confidence[:, HEAD] = confidence[:, NECK]
        return Prediction(joints3d.numpy(), joints2d.numpy(), confidence.numpy(), neck.numpy())
