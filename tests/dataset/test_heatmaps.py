"""Target heatmaps: Gaussians where the joints are, the reference's own maps, joints outside."""

import numpy as np
import pytest
import torch

from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEAD, HEATMAP_JOINTS
from dataset.augment import move_joints2d
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.square_crop import SquareCrop
from model.decode import decode_heatmaps

STRIDE = 368 / 48
REFERENCE = HeatmapShape(48, subpixel=False)


def formula(u, v, sigma=2.0):
    """One map with its peak at cell (u, v), written out cell by cell."""
    found = np.zeros((48, 48))
    for row in range(48):
        for column in range(48):
            if max(abs(column - u), abs(row - v)) <= 3 * sigma:
                squares = (column - u) ** 2 + (row - v) ** 2
                found[row, column] = np.exp(-squares / (2 * sigma**2))
    return found


@pytest.mark.parametrize("shape", [(48,), (48, 1.5)])
def test_each_map_is_the_gaussian_of_its_joint(shape):
    shape = HeatmapShape(*shape)
    joints = torch.rand(2, 16, 2, generator=torch.Generator().manual_seed(0)) * 360
    maps = draw_heatmaps(joints, 368, shape)
    assert maps.shape == (2, 15, 48, 48) and maps.dtype == torch.float32
    for frame in range(2):
        with_map = np.delete(joints[frame].double().numpy(), HEAD, axis=0)
        for found, point in zip(maps[frame].numpy(), with_map, strict=True):
            expected = formula(*((point + 0.5) / STRIDE - 0.5), shape.sigma)
            np.testing.assert_allclose(found, expected, atol=1e-5)


def drawn(pixels, mirrored=False):
    """The Neck's map as the reference draws it, of a joint at pixels of a 1280×800 picture."""
    joints = SquareCrop(368, 1280, 800).points(np.tile(np.float32(pixels), (1, 16, 1)))
    camera = RELEASE_SQUARE.resized(368, 368)
    flip = torch.tensor([[[-1.0, 0], [0, 1]]] if mirrored else [[[1.0, 0], [0, 1]]])
    moved = move_joints2d(torch.from_numpy(joints), flip, torch.tensor([mirrored]), camera)
    return draw_heatmaps(moved, 368, REFERENCE)[0, 0].numpy()


@pytest.mark.parametrize(
    ("x", "y", "column", "row"),
    [
        (640, 400, 24, 24),  # 400 * 0.06 + 0.5 = 24.5
        # 25.02 and 24.014: mapped by pixel centres they would be 24.99 and 23.98, a cell less.
        (648.67, 391.9, 25, 24),
        # Outside, what reaches in: rounded towards 0, not down (-15 * 0.06 + 0.5 = -0.4).
        (225, 400, 0, 24),
        (200, 400, -1, 24),
        (115.1, 820, -6, 49),
        (130, 400, -6, 24),
        (1045, 907, 48, 54),
        (100, 400, -7, 24),
        (-1e6, 1e6, -1e5, 1e5),
    ],
)
def test_the_references_maps_are_those_of_its_own_rule(x, y, column, row):
    assert np.allclose(drawn((x, y)), formula(column, row), atol=1e-6)


def test_the_references_map_of_a_mirrored_frame_is_that_of_the_mirrored_pixel():
    # Mirrored about the optical axis, then mapped by corners: not the mirror image of the map.
    x, y = 700.3, 512.0
    beyond = 2 * (RELEASE_SQUARE.cx + 240) - x
    column, row = int((beyond - 240) * 0.06 + 0.5), int(y * 0.06 + 0.5)
    assert np.allclose(drawn((x, y), mirrored=True), formula(column, row), atol=1e-6)


def test_what_is_read_off_either_kind_of_map_is_not_beside_the_joint():
    joints = torch.rand(99, 16, 2, generator=torch.Generator().manual_seed(0)) * 300 + 34
    for subpixel, most in ((True, 0.02), (False, 0.15)):
        maps = draw_heatmaps(joints, 368, HeatmapShape(48, subpixel=subpixel))
        decoded, _ = decode_heatmaps(maps, 368, subpixel)
        off = decoded - joints[:, list(HEATMAP_JOINTS)]
        assert off.mean((0, 1)).abs().max() < most  # 3.6 if one were read as the other
        assert off.abs().max() < (0.1 if subpixel else STRIDE / 2 + 0.1)


@pytest.mark.parametrize(
    ("edge", "inside"), [(-0.5, True), (-0.51, False), (367.49, True), (367.5, False)]
)
def test_a_joint_outside_the_picture_gives_an_empty_map(edge, inside):
    for place in ((edge, 100.0), (100.0, edge)):
        joints = torch.tensor(place).expand(1, 16, 2)
        assert bool((draw_heatmaps(joints, 368, HeatmapShape(48)) != 0).any()) == inside
