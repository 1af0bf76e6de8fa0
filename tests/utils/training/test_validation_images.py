"""Pictures of validation frames show what is there, where it is."""

import numpy as np
import pytest
import torch

from base.release_camera import RELEASE_SQUARE
from base.skeleton import NECK
from utils.drawing.style import PREDICTED, TRUTH
from utils.training.validation_images import project_at_neck, sheet

SIZE = 128
CAMERA = RELEASE_SQUARE.resized(SIZE, SIZE)


def test_a_right_pose_lies_on_the_true_one_wherever_its_origin_is():
    generator = torch.Generator().manual_seed(0)
    joints3d = torch.randn(3, 16, 3, generator=generator) * 0.2 + torch.tensor([0, 0, 0.8])
    joints3d[0, 4, 2] = -5.0  # behind the lens
    predicted, target = project_at_neck(joints3d + 5.0, joints3d, CAMERA)
    assert np.allclose(predicted, target, atol=1e-3, equal_nan=True)
    expected = CAMERA.project(joints3d.double().numpy())
    assert np.allclose(target, expected, atol=1e-9, equal_nan=True)
    assert np.isnan(target[0, 4]).all() and np.isfinite(target[1:]).all()


def test_a_joint_is_drawn_where_it_is_in_the_colour_of_its_pose():
    images, heatmaps = np.zeros((2, SIZE, SIZE, 3), np.uint8), np.zeros((2, 15, 32, 32))
    predicted, target = np.full((2, 2, 16, 2), np.nan)
    predicted[0, NECK], target[1, NECK] = (30, 90), (70, 20)
    picture = sheet(images, heatmaps, predicted, target)
    for row, (x, y), colour in ((0, (30, 90), PREDICTED[0]), (1, (70, 20), TRUTH[0])):
        tile = picture[row * 256 :, 2 * 256 :][:256, :256]
        rows, columns = np.nonzero((tile == colour).all(-1))
        assert 4 < len(rows) < 200
        found = columns.mean(), rows.mean()
        assert found == pytest.approx(((x + 0.5) * 2 - 0.5, (y + 0.5) * 2 - 0.5), abs=0.5)
