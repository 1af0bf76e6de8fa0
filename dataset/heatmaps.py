"""Target heatmaps, drawn in batches on the device that uses them."""

from typing import NamedTuple

import torch

from base.skeleton import HEATMAP_JOINTS


class HeatmapShape(NamedTuple):
    """How targets are drawn.

    Attributes:
        size: cells along each side.
        sigma: standard deviation of the Gaussian, cells.
        subpixel: centre the Gaussian on the joint itself; False rounds it to a cell by the
            reference's rule int(x / stride + 0.5), which moves it by up to half a cell.
    """

    size: int
    sigma: float = 2.0
    subpixel: bool = True


def draw_heatmaps(joints2d: torch.Tensor, input_size: int, shape: HeatmapShape) -> torch.Tensor:
    """Gaussian targets of the 15 joints that have a heatmap: (B, 15, size, size) float32.

    Each has its peak of 1 at the joint and is cut at 3σ (a square window, as the reference
    does).  ``joints2d`` are (B, 16, 2) pixels of the network's picture, ``input_size`` wide; a
    joint outside it gives an empty map.
    """
    points = joints2d[:, list(HEATMAP_JOINTS)].float()
    inside = ((points >= -0.5) & (points < input_size - 0.5)).all(-1)
    stride = input_size / shape.size
    # The reference maps a cell to the picture by its corner, x / stride, not by its centre.
    centre = (points + 0.5) / stride - 0.5 if shape.subpixel else (points / stride + 0.5).floor()
    cells = torch.arange(shape.size, device=points.device, dtype=torch.float32)
    offset = cells - centre[..., None]  # (B, 15, 2, size)
    window = offset.abs() <= 3 * shape.sigma
    profile = torch.exp(-0.5 * (offset / shape.sigma) ** 2) * window * inside[..., None, None]
    return profile[..., 1, :, None] * profile[..., 0, None, :]
