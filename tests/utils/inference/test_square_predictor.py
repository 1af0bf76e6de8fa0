"""From heatmaps and a pose to joints in the picture and a place before the camera."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from base.errors import UserError
from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from model.pose_model import PoseOutput
from utils.inference.square_predictor import SquarePredictor, within_probability

SIZE = 192
CAMERA = RELEASE_SQUARE.resized(SIZE, SIZE)
TRUTH = torch.from_numpy(
    np.random.default_rng(0).uniform([-0.4, -0.3, 0.4], [0.4, 0.3, 1.4], (3, 16, 3)).astype("f4")
)
CENTRED = TRUTH - TRUTH[:, NECK : NECK + 1]


class Oracle(nn.Module):
    """Knows the answer: heatmaps of the true pixels, and the true pose away from its place."""

    input_size, lags, exports = SIZE, (), ("heatmaps", "joints3d")

    def __init__(self, subpixel=True, **more):
        super().__init__()
        self.subpixel, shape = subpixel, HeatmapShape(48, 2.0, subpixel)
        heatmaps = draw_heatmaps(CAMERA.project(TRUTH), SIZE, shape)
        self.output = PoseOutput(heatmaps, CENTRED + 0.3, **more)

    def forward(self, images, rays):
        return self.output


def predict(oracle):
    predictor = SquarePredictor(oracle, torch.device("cpu"), "fp32")
    return predictor(torch.zeros(3, SIZE, SIZE, 3, dtype=torch.uint8))


def test_joints_land_where_the_camera_sees_them_and_the_pose_where_it_was():
    result = predict(Oracle())
    assert np.abs(result.joints2d - CAMERA.project(TRUTH).numpy()).max() < 0.5
    assert np.abs(result.neck - TRUTH[:, NECK].numpy()).max() < 5e-3
    assert np.abs(result.joints3d - CENTRED.numpy()).max() < 1e-5
    assert result.confidence.min() > 0.85 and result.uncertainty is None
    assert np.array_equal(result.confidence[:, HEAD], result.confidence[:, NECK])


def test_joints_of_a_network_that_learned_the_references_maps_are_not_half_a_cell_off():
    result, rows = predict(Oracle(subpixel=False)), list(HEATMAP_JOINTS)
    off = (result.joints2d - CAMERA.project(TRUTH).numpy())[:, rows]
    assert np.abs(off).max() < SIZE / 48 / 2 + 0.2  # centres are rounded to whole cells
    assert np.abs(off.mean((0, 1))).max() < 0.4  # 1.9 if they were read as our own
    assert np.abs(result.raw_neck - 0.3 - CENTRED[:, NECK].numpy()).max() < 1e-6


def test_a_model_with_a_place_and_an_uncertainty_decides_itself():
    radius = torch.linspace(0.02, 0.3, 16).expand(3, 16)
    result = predict(Oracle(camera3d=TRUTH + 0.05, uncertainty=radius))
    assert np.abs(result.neck - TRUTH[:, NECK].numpy() - 0.05).max() < 1e-6
    assert np.array_equal(result.uncertainty, radius.numpy())
    assert np.array_equal(result.confidence, within_probability(radius).numpy())
    # At the radius that covers 90 % of the joints it is 90 %.
    assert within_probability(torch.tensor([0.1, 1e-3, 10.0])).numpy() == pytest.approx(
        [0.9, 1, 0], abs=1e-3
    )


def test_a_picture_in_which_nothing_is_seen_still_gives_finite_numbers():
    oracle = Oracle()
    oracle.output.heatmaps.zero_()
    result = predict(oracle)
    assert all(np.isfinite(values).all() for values in result if values is not None)
    assert result.confidence.max() == 0
    # All joints count alike: their mean lies on the one ray.
    mean = np.delete(result.joints3d + result.neck[:, None], HEAD, 1).mean(1)
    seen = np.delete(result.joints2d, HEAD, 1)[:, 0].astype(float)
    rays = CAMERA.unproject(seen, clamp=True)
    assert np.linalg.norm(np.cross(mean, rays), axis=-1).max() < 1e-3


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e38])
@pytest.mark.parametrize("name", ["joints3d", "heatmaps", "camera3d", "uncertainty"])
def test_poses_that_are_not_finite_are_refused_whatever_they_are_for(name, value):
    more = {"camera3d": TRUTH.clone(), "uncertainty": torch.full((3, 16), 0.1)}
    oracle = Oracle(**more)
    getattr(oracle.output, name).flatten(1)[1, -1] = value
    with pytest.raises(UserError, match=r"not finite: the checkpoint is damaged$"):  # fp32
        predict(oracle)
