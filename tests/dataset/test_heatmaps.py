"""Target heatmaps: peaks where the joints are, the reference's rounding, joints outside."""

import torch

from base.skeleton import HEAD, HEATMAP_JOINTS
from dataset.heatmaps import HeatmapShape, draw_heatmaps


def joints_at(x: float, y: float) -> torch.Tensor:
    return torch.tensor([x, y]).expand(1, 16, 2).clone()


def test_the_centre_of_mass_is_the_joint_to_a_fraction_of_a_cell():
    joints = joints_at(150.3, 201.8)
    maps = draw_heatmaps(joints, 368, HeatmapShape(48))[0]
    cells = torch.arange(48.0)
    mass = maps.sum((1, 2))
    u = (maps.sum(1) * cells).sum(1) / mass
    v = (maps.sum(2) * cells).sum(1) / mass
    stride = 368 / 48
    assert torch.allclose((u + 0.5) * stride - 0.5, torch.tensor(150.3), atol=0.05 * stride)
    assert torch.allclose((v + 0.5) * stride - 0.5, torch.tensor(201.8), atol=0.05 * stride)


def test_the_references_rounding_puts_a_peak_of_one_on_a_cell():
    joints = joints_at(150.3, 201.8)
    maps = draw_heatmaps(joints, 368, HeatmapShape(48, subpixel=False))[0]
    stride = 368 / 48
    column, row = int(150.3 / stride + 0.5), int(201.8 / stride + 0.5)
    for one in maps:
        assert one.argmax() == row * 48 + column
        assert one.max() == 1
        assert one[row, column + 2] == torch.exp(torch.tensor(-0.5))
        assert one[row, column + 7] == 0  # cut at three sigma


def test_each_map_belongs_to_its_joint():
    joints = torch.rand(2, 16, 2, generator=torch.Generator().manual_seed(0)) * 300 + 30
    maps = draw_heatmaps(joints, 368, HeatmapShape(48))
    peaks = maps.flatten(2).argmax(-1)
    for channel, joint in enumerate(HEATMAP_JOINTS):
        cell = torch.stack([peaks[:, channel] % 48, peaks[:, channel] // 48], -1)
        expected = (joints[:, joint] + 0.5) / (368 / 48) - 0.5
        assert (cell - expected).abs().max() <= 0.5 + 1e-4
    assert HEAD not in HEATMAP_JOINTS and maps.shape[1] == 15


def test_a_joint_outside_the_picture_gives_an_empty_map():
    for x, y in ((-1.0, 100.0), (100.0, 368.0), (-50.0, -50.0)):
        assert draw_heatmaps(joints_at(x, y), 368, HeatmapShape(48)).abs().max() == 0
