"""From heatmaps and a pose to joints in the picture and a place before the camera."""

import numpy as np
import pytest
import torch
from torch import nn

from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.skeleton import HEAD, NECK
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.transforms import SquareCrop
from model.pose_model import PoseOutput
from model.rays import CameraRays
from utils.inference.pose_predictor import PosePredictor

SIZE, CELLS = 192, 48
CAMERA = SquareCrop(SIZE).camera(RELEASE_CAMERA)


class Oracle(nn.Module):
    """Knows the answer: heatmaps of the true pixels, and the true pose away from its place."""

    input_size, lags, exports = SIZE, (), ("heatmaps", "joints3d")

    def __init__(self, joints3d: torch.Tensor) -> None:
        super().__init__()
        self.heatmaps = draw_heatmaps(CAMERA.project(joints3d), SIZE, HeatmapShape(CELLS, 2.0))
        self.joints3d = joints3d - joints3d[:, NECK : NECK + 1] + 0.3

    def forward(self, images: torch.Tensor, rays: CameraRays) -> PoseOutput:
        return PoseOutput(self.heatmaps, self.joints3d)


def poses() -> torch.Tensor:
    rng = np.random.default_rng(0)
    poses = rng.uniform([-0.4, -0.3, 0.4], [0.4, 0.3, 1.4], (3, 16, 3))
    return torch.from_numpy(poses.astype(np.float32))


def test_joints_land_where_the_camera_sees_them_and_the_pose_where_it_was():
    truth = poses()
    predictor = PosePredictor(Oracle(truth), torch.device("cpu"), "fp32")
    result = predictor(torch.zeros(3, SIZE, SIZE, 3, dtype=torch.uint8))
    pixels = CAMERA.project(truth).numpy()
    assert np.abs(result.joints2d - pixels).max() < 0.5
    assert np.abs(result.neck - truth[:, NECK].numpy()).max() < 5e-3
    centred = (truth - truth[:, NECK : NECK + 1]).numpy()
    assert np.abs(result.joints3d - centred).max() < 1e-5
    assert result.confidence.min() > 0.85
    assert np.array_equal(result.confidence[:, HEAD], result.confidence[:, NECK])


def test_a_picture_in_which_nothing_is_seen_still_gives_finite_numbers():
    predictor = PosePredictor(Oracle(poses()), torch.device("cpu"), "fp32")
    predictor.model.heatmaps.zero_()
    result = predictor(torch.zeros(3, SIZE, SIZE, 3, dtype=torch.uint8))
    assert all(np.isfinite(values).all() for values in result if values is not None)
    assert result.confidence.max() == 0


@pytest.mark.parametrize("place", [(1, 5, 2), (2, NECK, 0)])
def test_poses_that_are_not_finite_are_refused_whatever_they_are_for(place):
    predictor = PosePredictor(Oracle(poses()), torch.device("cpu"), "fp32")
    predictor.model.joints3d[place] = float("nan")
    with pytest.raises(UserError, match="not finite: the checkpoint is damaged"):
        predictor(torch.zeros(3, SIZE, SIZE, 3, dtype=torch.uint8))
