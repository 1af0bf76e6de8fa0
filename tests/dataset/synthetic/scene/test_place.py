"""Places: seamless floors and a seat."""

import numpy as np
import pytest

from dataset.synthetic.scene.floors import FLOORS, floor_texture
from dataset.synthetic.scene.furniture import NO_THINGS
from dataset.synthetic.scene.textures import sample


@pytest.mark.parametrize("name", ["beige tiles", "oak boards", "gravel", "brick paving", "lawn"])
def test_floors_go_on_without_a_seam(name):
    texture = floor_texture(FLOORS[name], np.random.default_rng(0)).astype(float)
    for axis in (0, 1):
        seam = np.abs(np.take(texture, 0, axis) - np.take(texture, -1, axis)).mean()
        inside = np.abs(np.diff(texture, axis=axis)).mean(axis=(1 - axis, 2))
        assert seam <= inside.max() + 2


def test_a_seat_stands_on_the_floor_below_whoever_sits():
    [seat] = NO_THINGS.with_seat(np.array([10.0, 44.0, -5.0, 0.3])).apart()
    assert np.allclose((seat.min(0)[1], seat.max(0)[1]), (0.0, 44.0), atol=1e-4)
    assert np.allclose(seat[:, [0, 2]].mean(0), (10.0, -5.0), atol=1e-4)
    assert NO_THINGS.with_seat(np.zeros(4)) is NO_THINGS


def test_a_texture_is_sampled_between_its_pixels_and_at_no_point_at_all():
    points = np.array([0.0, 0.5], np.float32)
    assert sample(np.float32([[0, 10], [20, 30]]), points, points).tolist() == [0.0, 15.0]
    assert sample(np.zeros((2, 2, 3), np.uint8), points[:0], points[:0]).shape == (0, 3)
