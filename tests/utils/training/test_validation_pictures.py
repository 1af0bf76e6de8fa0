"""Pictures of validation frames show what is there, where it is."""

import numpy as np
import torch

from base.camera import RELEASE_CAMERA
from base.skeleton import HEATMAP_JOINTS
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.transforms import SquareCrop
from utils.drawing.skeleton import overlay_heatmaps
from utils.training.validation_images import (
    Shown,
    placed_in_picture,
    sheet,
    spread,
    with_head,
)

SIZE = 128
CAMERA = SquareCrop(SIZE).camera(RELEASE_CAMERA)


def poses() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 16, 3, generator=generator) * 0.2 + torch.tensor([0, 0, 0.8])


def test_a_right_pose_lies_on_the_true_one_wherever_its_origin_is():
    predicted, target = placed_in_picture(poses() + 5.0, poses(), CAMERA)
    assert np.allclose(predicted, target, atol=1e-3)
    assert np.allclose(target, CAMERA.project(poses().double().numpy()), atol=1e-9)


def test_joints_behind_the_lens_are_left_out():
    joints3d = poses()
    joints3d[0, 4, 2] = -5.0
    _, target = placed_in_picture(joints3d, joints3d, CAMERA)
    assert np.isnan(target[0, 4]).all() and np.isfinite(target[1:]).all()


def test_a_heatmap_glows_at_its_joint_and_darkens_the_rest():
    heatmaps = np.zeros((15, 32, 32), np.float32)
    heatmaps[3, 20, 8] = 1.0
    picture = overlay_heatmaps(np.full((256, 256, 3), 100, np.uint8), heatmaps)
    brightest = np.unravel_index(picture.max(-1).argmax(), (256, 256))
    assert abs(brightest[0] - 164) <= 8 and abs(brightest[1] - 68) <= 8
    assert picture[10, 200].tolist() == [45, 45, 45]


def test_a_sheet_has_a_row_for_each_frame_and_takes_missing_joints():
    joints2d = CAMERA.project(poses())
    heatmaps = draw_heatmaps(joints2d, SIZE, HeatmapShape(32)).numpy()
    images = np.zeros((3, SIZE, SIZE, 3), np.uint8)
    pixels = with_head(joints2d[:, list(HEATMAP_JOINTS)])
    assert np.isnan(pixels[:, 1]).all()
    picture = sheet(Shown(images, heatmaps, pixels, joints2d.double().numpy()))
    assert picture.shape == (3 * 260, 3 * 260, 3) and picture.dtype == np.uint8
    assert picture[:, 2 * 260 + 2 : -2].max() == 255  # something is drawn


def test_shown_frames_are_spread_over_the_set():
    assert spread(80) == [10, 30, 50, 70]
    assert spread(2) == [0, 1]
