"""The square crop keeps picture, points and camera together."""

import cv2
import numpy as np
import pytest

from base.release_camera import RELEASE_CAMERA
from dataset.square_crop import SquareCrop, resize_square

RNG = np.random.default_rng(0)


def test_the_square_crop_is_the_references_columns_averaged_over_areas():
    picture = RNG.integers(0, 256, (800, 1280, 3), np.uint8)
    found = SquareCrop(400, 1280, 800).image(picture)
    means = picture[:, 240:1040].reshape(400, 2, 400, 2, 3).mean((1, 3))
    assert found.shape == (400, 400, 3) and np.abs(found - means).max() <= 0.5
    square = picture[:10, :10]  # enlarging is cubic
    expected = cv2.resize(square, (25, 25), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(resize_square(square, 25), expected)


@pytest.mark.parametrize(
    ("width", "height", "left", "top", "side"), [(1280, 800, 240, 0, 800), (40, 65, 0, 12, 40)]
)
def test_the_square_is_the_largest_in_the_middle(width, height, left, top, side):
    picture = RNG.integers(0, 256, (height, width, 3), np.uint8)
    crop = SquareCrop(side, width, height)
    assert np.array_equal(crop.image(picture), picture[top : top + side, left : left + side])
    with pytest.raises(ValueError, match=f"10×20, expected {width}×{height}"):
        crop.image(np.zeros((20, 10, 3), np.uint8))
    points = RNG.uniform(0, 800, (20, 2)).astype(np.float32)
    found = SquareCrop(368, width, height).points(points)
    expected = (points - [left, top] + 0.5) * (368 / side) - 0.5
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    back = SquareCrop(368, width, height).points_back(found)
    np.testing.assert_allclose(back, points, atol=1e-3)


def test_the_camera_of_the_square_projects_to_the_points_of_the_square():
    crop = SquareCrop(368, 1280, 800)
    joints = RNG.uniform([-0.5, -0.5, 0.5], [0.5, 0.5, 1.5], (50, 3))
    expected = crop.points(RELEASE_CAMERA.project(joints))
    np.testing.assert_allclose(crop.camera(RELEASE_CAMERA).project(joints), expected, atol=1e-9)
