"""Target heatmaps: Gaussians where the joints are, the reference's rounding, joints outside."""

import numpy as np
import pytest
import torch

from base.skeleton import HEAD
from dataset.heatmaps import HeatmapShape, draw_heatmaps

STRIDE = 368 / 48


def formula(x, y, shape):
    """One map, written out cell by cell."""
    if shape.subpixel:
        u, v = (x + 0.5) / STRIDE - 0.5, (y + 0.5) / STRIDE - 0.5
    else:
        u, v = int(x / STRIDE + 0.5), int(y / STRIDE + 0.5)
    found = np.zeros((48, 48))
    for row in range(48):
        for column in range(48):
            if max(abs(column - u), abs(row - v)) <= 3 * shape.sigma:
                squares = (column - u) ** 2 + (row - v) ** 2
                found[row, column] = np.exp(-squares / (2 * shape.sigma**2))
    return found


@pytest.mark.parametrize("shape", [(48,), (48, 1.5, False), (48, 2.0, False)])
def test_each_map_is_the_gaussian_of_its_joint(shape):
    shape = HeatmapShape(*shape)
    joints = torch.rand(2, 16, 2, generator=torch.Generator().manual_seed(0)) * 360
    maps = draw_heatmaps(joints, 368, shape)
    assert maps.shape == (2, 15, 48, 48) and maps.dtype == torch.float32
    for frame in range(2):
        with_map = np.delete(joints[frame].double().numpy(), HEAD, axis=0)
        for found, (x, y) in zip(maps[frame].numpy(), with_map, strict=True):
            np.testing.assert_allclose(found, formula(x, y, shape), atol=1e-5)


def test_defaults_are_those_of_the_paper():
    assert HeatmapShape(48) == (48, 2.0, True)


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [
        (-0.5, 100, True),
        (100, -0.5, True),
        (-0.51, 100, False),
        (100, -0.51, False),
        (367.49, 100, True),
        (100, 367.49, True),
        (367.5, 100, False),
        (100, 367.5, False),
    ],
)
def test_a_joint_outside_the_picture_gives_an_empty_map(x, y, inside):
    joints = torch.tensor([float(x), float(y)]).expand(1, 16, 2)
    assert bool((draw_heatmaps(joints, 368, HeatmapShape(48)) != 0).any()) == inside
