"""Positions read off heatmaps."""

import pytest
import torch

from model.decode import cells_to_pixels, decode_heatmaps, soft_argmax
from model.losses import TEMPERATURE


def gaussians(centres: torch.Tensor, size: int, sigma: float) -> torch.Tensor:
    """(B, J, 2) centres (x, y) in cells → (B, J, size, size) with peak 1."""
    grid = torch.arange(size, dtype=torch.float64)
    x = (grid - centres[..., 0, None, None]).square()
    y = (grid[:, None] - centres[..., 1, None, None]).square()
    return torch.exp(-(x + y) / (2 * sigma**2)).float()


def random_centres(size: int, margin: float, count: int = 400) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    span = size - 1 - 2 * margin
    return margin + span * torch.rand(4, count // 4, 2, generator=generator, dtype=torch.float64)


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


def test_gaussian_centres_come_back_from_noisy_maps():
    centres = random_centres(48, margin=3)
    maps = gaussians(centres, 48, 2.0)
    # As trained networks draw them: cut at 3 sigma, not quite 1, rough, at times negative.
    maps = torch.where(maps > 0.011, maps, 0.0) * 0.8
    maps = maps + 0.01 * torch.randn(maps.shape, generator=torch.Generator().manual_seed(1))
    joints2d, _ = decode_heatmaps(maps, 48)
    error = torch.linalg.vector_norm(joints2d - centres, dim=-1)
    assert error.median() < 0.1
    assert error.max() < 0.5


def test_elongated_slanted_peaks_come_back():
    grid = torch.arange(24.0)
    x, y = grid - 11.3, (grid - 9.8)[:, None]
    maps = torch.exp(-(0.3 * x * x + 0.2 * y * y + 0.25 * x * y))[None, None]
    joints2d, _ = decode_heatmaps(maps, 24)
    torch.testing.assert_close(joints2d[0, 0], torch.tensor([11.3, 9.8]), atol=0.01, rtol=0)


def test_cells_and_pixels_share_their_edges():
    # 48 cells of 368 pixels: the first and last half cell reach the picture's edges.
    edges = torch.tensor([-0.5, 23.5, 47.5])
    expected = torch.tensor([-0.5, 183.5, 367.5])
    torch.testing.assert_close(cells_to_pixels(edges, 48, 368), expected)
    centres = torch.tensor([[[10.0, 31.0]]], dtype=torch.float64)
    joints2d, _ = decode_heatmaps(gaussians(centres, 48, 2.0), 368)
    expected = torch.tensor([10.5 * 368 / 48 - 0.5, 31.5 * 368 / 48 - 0.5])
    torch.testing.assert_close(joints2d[0, 0], expected, atol=1e-3, rtol=0)


def test_flat_and_empty_maps_have_no_confidence_and_finite_positions():
    maps = torch.stack([torch.zeros(8, 8), torch.full((8, 8), -0.3), torch.full((8, 8), 1e-30)])
    joints2d, confidence = decode_heatmaps(maps[None], 64)
    assert torch.isfinite(joints2d).all()
    assert (confidence < 1e-6).all()
    assert (confidence >= 0).all()


def test_confidence_is_cut_to_one():
    maps = torch.zeros(1, 1, 8, 8)
    maps[0, 0, 3, 4] = 1.7
    joints2d, confidence = decode_heatmaps(maps, 8)
    assert confidence.item() == 1.0
    torch.testing.assert_close(joints2d[0, 0], torch.tensor([4.0, 3.0]))


def test_rounding_does_not_make_a_joint_jump():
    """Two bumps, a cell and a half apart, of which rounding makes now one the higher, now the
    other, on a rough background."""
    centres = random_centres(20, margin=4)
    rough = 0.05 * torch.rand(4, 100, 20, 20, generator=torch.Generator().manual_seed(1))
    maps = gaussians(centres - 0.75, 20, 1.0) + gaussians(centres + 0.75, 20, 1.0)
    maps = 0.5 * maps + rough
    joints2d, _ = decode_heatmaps(maps, 20)
    rounded, _ = decode_heatmaps(maps.bfloat16(), 20)
    assert (rounded - joints2d).abs().max() < 0.05
    assert (joints2d - centres).abs().max() < 0.5


def test_what_lies_far_from_the_highest_peak_does_not_count():
    centres = torch.tensor([[[4.0, 5.0]]], dtype=torch.float64)
    other = torch.tensor([[[16.0, 14.0]]], dtype=torch.float64)
    maps = gaussians(centres, 20, 1.0) + 0.9 * gaussians(other, 20, 1.0)
    joints2d, _ = decode_heatmaps(maps, 20)
    assert (joints2d - centres).abs().max() < 0.05


def test_half_precision_maps_are_decoded():
    centres = random_centres(24, margin=2)
    joints2d, _ = decode_heatmaps(gaussians(centres, 24, 2.0).bfloat16(), 24)
    assert joints2d.dtype == torch.float32
    assert (joints2d - centres).abs().median() < 0.1


@pytest.mark.parametrize(("size", "sigma"), [(20, 1.5), (24, 1.5), (24, 2.0), (48, 2.0)])
def test_soft_argmax_of_a_target_map_is_its_centre(size, sigma):
    # Otherwise the coordinate loss would pull the maps away from what the squared error asks for.
    centres = random_centres(size, margin=1)
    joints2d = soft_argmax(gaussians(centres, size, sigma), TEMPERATURE, 192)
    expected = cells_to_pixels(centres.float(), size, 192)
    assert (joints2d - expected).abs().max() < 0.1 * 192 / size


def test_soft_argmax_of_an_empty_map_is_the_middle_of_the_picture():
    joints2d = soft_argmax(torch.zeros(1, 2, 24, 24), TEMPERATURE, 192)
    torch.testing.assert_close(joints2d, torch.full((1, 2, 2), 95.5))


def test_soft_argmax_pulls_the_map_towards_the_target():
    maps = torch.zeros(1, 1, 24, 24, requires_grad=True)
    soft_argmax(maps, TEMPERATURE, 192)[0, 0, 0].backward()
    # More on the right moves the mean to the right.
    assert maps.grad[0, 0, :, 20].min() > 0 > maps.grad[0, 0, :, 3].max()
