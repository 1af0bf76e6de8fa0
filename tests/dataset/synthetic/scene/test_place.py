"""Places: seamless floors and a seat."""

import numpy as np

from dataset.synthetic.scene.textures import sample


def test_a_texture_is_sampled_between_its_pixels_and_at_no_point_at_all():
    points = np.array([0.0, 0.5], np.float32)
    assert sample(np.float32([[0, 10], [20, 30]]), points, points).tolist() == [0.0, 15.0]
    assert sample(np.zeros((2, 2, 3), np.uint8), points[:0], points[:0]).shape == (0, 3)
