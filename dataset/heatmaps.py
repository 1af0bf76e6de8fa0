"""Target heatmaps, drawn in batches on the device that uses them."""

from typing import NamedTuple

import torch

from base.release_camera import RELEASE_SQUARE
from base.skeleton import HEATMAP_JOINTS


class HeatmapShape(NamedTuple):
    """How targets are drawn."""

    size: int  # cells along each side
    sigma: float = 2.0  # standard deviation of the Gaussian, cells
    #: Centre the Gaussian on the joint itself; False draws the reference's maps, with rounded ones.
    subpixel: bool = True


def draw_heatmaps(joints2d: torch.Tensor, input_size: int, shape: HeatmapShape) -> torch.Tensor:
    """Gaussian targets of the 15 joints that have a heatmap: (B, 15, size, size) float32.

    Each has its peak of 1 at the joint and is cut at 3σ (a square window, as the reference does).
    A joint outside the network's picture, ``input_size`` wide, gives an empty map, and one of NaN
    a map of NaN: what it should look like is not known.

    Without ``subpixel`` a map is the reference's: pixel x of the release's square of 800 is scaled
    by its corner, to x · input_size / 800, where pixel centres give half a pixel of either grid
    more; its cell is int(x / stride + 0.5), rounded towards 0; and what a joint outside reaches
    into the map is drawn.
    """
    points = joints2d[:, list(HEATMAP_JOINTS)].float()
    stride = input_size / shape.size
    if shape.subpixel:
        centre = (points + 0.5) / stride - 0.5
    else:
        corner = points + 0.5 - 0.5 * input_size / RELEASE_SQUARE.width
        centre = (corner / stride + 0.5).trunc()
    cells = torch.arange(shape.size, device=points.device, dtype=torch.float32)
    offset = cells - centre[..., None]  # (B, 15, 2, size)
    window = offset.abs() <= 3 * shape.sigma
    if shape.subpixel:
        inside = (points >= -0.5) & (points < input_size - 0.5)
        window &= inside.all(-1)[..., None, None]
    profile = torch.exp(-0.5 * (offset / shape.sigma) ** 2) * window
    return profile[..., 1, :, None] * profile[..., 0, None, :]
