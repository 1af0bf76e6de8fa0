"""Positions read off heatmaps."""

import math

import pytest
import torch

from model.decode import cells_to_pixels, decode_heatmaps, soft_argmax


def gaussians(centres: torch.Tensor, size: int, sigma: float) -> torch.Tensor:
    """(B, J, 2) centres (x, y) in cells → (B, J, size, size) with peak 1."""
    grid = torch.arange(size, dtype=torch.float64)
    x = (grid - centres[..., 0, None, None]).square()
    y = (grid[:, None] - centres[..., 1, None, None]).square()
    return torch.exp(-(x + y) / (2 * sigma**2)).float()


def random_centres(size: int, margin: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    span = size - 1 - 2 * margin
    return margin + span * torch.rand(4, 100, 2, generator=generator, dtype=torch.float64)


def test_two_cells_are_weighed_as_by_hand():
    # Cells 2 and 4 of a row, the second 7/8 as high: its weight is (7/8)⁵ of the first's.
    # What is below 0 does not count.
    maps = torch.zeros(1, 1, 8, 8, dtype=torch.bfloat16)
    maps[0, 0, 3, 2:5] = torch.tensor([1.75, -1.75, 1.53125])
    x = 2.0
    for _ in range(5):
        # Under the window of 3 cells about the last mean.
        near, far = (math.exp(-((cell - x) ** 2) / 18) for cell in (2, 4))
        x = (2 * near + 4 * far * 0.875**5) / (near + far * 0.875**5)
    joints2d, confidence = decode_heatmaps(maps, 8)
    torch.testing.assert_close(joints2d[0, 0], torch.tensor([x, 3.0]))
    assert confidence.item() == 1.0


@pytest.mark.parametrize(("size", "sigma"), [(48, 2.0), (24, 2.0), (24, 1.0), (28, 1.5)])
def test_gaussian_centres_come_back(size, sigma):
    # A picture with a pixel per cell: pixels are cells.
    for margin, tolerance in ((3, 0.06), (1, 0.1), (-0.49, 0.8)):
        # Up to half a cell outside the outermost centres, which is the picture's edge: what is cut
        # off there is missing from the mean.
        centres = random_centres(size, margin)
        joints2d, confidence = decode_heatmaps(gaussians(centres, size, sigma), size)
        assert (joints2d - centres).abs().max() < tolerance
        assert confidence.min() > 0.7


def test_cells_and_pixels_share_their_edges():
    # 48 cells of 368 pixels: the first and last half cell reach the picture's edges.
    edges, expected = torch.tensor([-0.5, 23.5, 47.5]), torch.tensor([-0.5, 183.5, 367.5])
    torch.testing.assert_close(cells_to_pixels(edges, 48, 368), expected)
    centres = torch.tensor([[[10.0, 31.0]]], dtype=torch.float64)
    expected = torch.tensor([[[10.5 * 368 / 48 - 0.5, 31.5 * 368 / 48 - 0.5]]])
    for found in (
        decode_heatmaps(gaussians(centres, 48, 2.0), 368)[0],
        soft_argmax(gaussians(centres, 48, 2.0), 368),
    ):
        torch.testing.assert_close(found, expected, atol=0.2, rtol=0)


def test_flat_and_empty_maps_have_no_confidence_and_finite_positions():
    maps = torch.stack([torch.zeros(8, 8), torch.full((8, 8), -0.3), torch.full((8, 8), 1e-30)])
    joints2d, confidence = decode_heatmaps(maps[None], 8)
    assert torch.isfinite(joints2d).all()
    assert (confidence < 1e-6).all() and (confidence >= 0).all()
    torch.testing.assert_close(soft_argmax(maps[None], 8), torch.full((1, 3, 2), 3.5))
    maps[1, 5, 6] = -0.1  # the highest cell of a map without anything above 0
    assert decode_heatmaps(maps[None], 8)[0][0, 1].tolist() == [6.0, 5.0]


def test_soft_argmax_is_the_mean_under_the_softmax():
    # ln 3 · temperature higher: three of four parts of the weight of two cells; the rest is far.
    maps = torch.full((1, 1, 24, 24), -10.0)
    maps[0, 0, 4, 2], maps[0, 0, 8, 10] = 1.0, 1.0 + 0.07 * math.log(3)
    torch.testing.assert_close(soft_argmax(maps, 24), torch.tensor([[[8.0, 7.0]]]))
    flat = torch.zeros(1, 1, 24, 24, requires_grad=True)
    soft_argmax(flat, 192)[0, 0, 0].backward()
    # More on the right moves the mean to the right.
    assert flat.grad[0, 0, :, 20].min() > 0 > flat.grad[0, 0, :, 3].max()


@pytest.mark.parametrize(("size", "sigma"), [(20, 1.5), (24, 2.0), (48, 2.0)])
def test_soft_argmax_of_a_target_map_is_its_centre(size, sigma):
    # Otherwise the coordinate loss would pull the maps away from what the squared error asks for.
    centres = random_centres(size, margin=1)
    joints2d = soft_argmax(gaussians(centres, size, sigma), size)
    assert (joints2d - centres.float()).abs().max() < 0.1
