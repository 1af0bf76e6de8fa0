"""Heatmaps → pixels: the mode of each map, and a differentiable mean position.

Pixel and cell centres lie at integers, so cell u of h and pixel x of S are the same place where
(x + 0.5) / S = (u + 0.5) / h.
"""

import torch
from torch import Tensor

from base.release_camera import RELEASE_SQUARE

#: Cells count by the share of the peak that they reach, to this power: the higher, the less do a
#: map's background and its edges move a joint, and the coarser it follows between cells.
_SHARPNESS = 5
_WINDOW = 3.0  # standard deviation of the window about a joint, cells
_STEPS = 5  # of the window, after which the joint stays where it is
#: Of the soft-argmax.  On target maps (peak 1, standard deviation 1.5 to 2 cells, 20 to 48 cells a
#: side) it is then off by 0.1 cells at most: lower, and the highest cell alone decides; higher, and
#: the many empty cells pull to the centre.
TEMPERATURE = 0.07


def cells_to_pixels(cells: Tensor, heatmap_size: int | Tensor, input_size: int) -> Tensor:
    """Positions in a heatmap of side h as pixels of the picture of side S, same shape."""
    return (cells + 0.5) * (input_size / heatmap_size) - 0.5


def decode_heatmaps(
    heatmaps: Tensor, input_size: int, subpixel: bool = True
) -> tuple[Tensor, Tensor]:
    """Where each joint is, finer than a cell: (B, J, 2) float32 pixels (x, y) of the S×S picture,
    and (B, J) float32 confidences, the highest value cut to [0, 1].

    The mean of the cells, weighted by their height, under a Gaussian window that starts at the
    highest cell and moves to that mean.  Unlike a fit around the highest cell it depends on all
    cells continuously, so that rounding and compression do not make a joint jump.  Source:
    Comaniciu & Meer, "Mean shift: a robust approach toward feature space analysis", TPAMI 2002.
    ``subpixel`` as of the targets that the network learned (:mod:`dataset.heatmaps`): the
    reference's map pixels to cells by their corners, nearly half a cell further down and right.
    """
    maps = heatmaps.detach().float()
    size, tiny = maps.shape[-1], torch.finfo(torch.float32).tiny
    peak, index = maps.flatten(2).max(-1)
    weights = (maps / peak.clamp(min=tiny)[..., None, None]).clamp(min=0) ** _SHARPNESS
    cells = torch.arange(size, dtype=torch.float32, device=maps.device)
    x, y = index % size + 0.0, index // size + 0.0
    for _ in range(_STEPS):
        across, down = (
            torch.exp(-0.5 * ((cells - centre[..., None]) / _WINDOW) ** 2) for centre in (x, y)
        )
        # (B, J, h) sums over the rows and over the columns under the window.
        columns = (weights * down[..., None]).sum(-2) * across
        rows = (weights * across[..., None, :]).sum(-1) * down
        total = columns.sum(-1)
        x = torch.where(total > tiny, (columns * cells).sum(-1) / total, x)
        y = torch.where(total > tiny, (rows * cells).sum(-1) / total, y)
    joints2d = cells_to_pixels(torch.stack([x, y], -1), size, input_size)
    if not subpixel:
        joints2d -= 0.5 * input_size * (1 / size - 1 / RELEASE_SQUARE.width)
    return joints2d, peak.clamp(0.0, 1.0)


def soft_argmax(heatmaps: Tensor, input_size: int) -> Tensor:
    """Mean position under softmax(heatmap / temperature), differentiable in every cell:
    (B, J, h, h) of any type → (B, J, 2) float32 pixels (x, y) of the S×S picture.

    Source: Sun et al., "Integral human pose regression", ECCV 2018; Nibali et al., "Numerical
    coordinate regression with convolutional neural networks" (DSNT), 2018.
    """
    size = heatmaps.shape[-1]
    share = torch.softmax(heatmaps.float().flatten(2) / TEMPERATURE, -1).unflatten(2, (size, size))
    cells = torch.arange(size, dtype=torch.float32, device=heatmaps.device)
    # Sums, not matrix products: autocast would run those in half precision.
    x, y = ((share.sum(axis) * cells).sum(-1) for axis in (-2, -1))
    return cells_to_pixels(torch.stack([x, y], -1), size, input_size)
