"""Heatmaps → pixels: the peak of each map, refined, and a differentiable mean position.

Pixel and cell centres lie at integers, so cell u of h and pixel x of S are the same place where
(x + 0.5) / S = (u + 0.5) / h.
"""

import torch
from torch import Tensor

#: Share of the peak below which a cell counts as empty; the logarithm needs a floor.
_FLOOR = 1e-4


def cells_to_pixels(cells: Tensor, heatmap_size: int | Tensor, input_size: int) -> Tensor:
    """Positions in a heatmap of side h as pixels of the picture of side S, same shape."""
    return (cells + 0.5) * (input_size / heatmap_size) - 0.5


def _quadratic_fit(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Offsets (9,) of a 3×3 window in y and x, and the (9, 5) least-squares fit of a quadratic.

    Nine values times the last give the coefficients of x, y, x², y², xy.
    """
    # NumPy-free and float64: the pseudo-inverse is exact to the last digit we use.
    y, x = torch.meshgrid(torch.arange(-1, 2), torch.arange(-1, 2), indexing="ij")
    y, x = y.flatten(), x.flatten()
    a, b = x.double(), y.double()
    design = torch.stack([torch.ones_like(a), a, b, a * a, b * b, a * b], 1)
    fit = torch.linalg.pinv(design)[1:].T.float()
    return y.to(device), x.to(device), fit.to(device)


def decode_heatmaps(heatmaps: Tensor, input_size: int) -> tuple[Tensor, Tensor]:
    """Where each joint is, finer than a cell.

    A quadratic is fitted by least squares to the logarithm of the 3×3 cells around the highest one
    and its maximum taken, which is exact for a Gaussian of any width.  After Zhang et al.,
    "Distribution-aware coordinate representation for human pose estimation" (DARK), CVPR 2020,
    which takes the derivatives of the logarithm by finite differences instead.

    Args:
        heatmaps: (B, J, h, w), h = w, both at least 3.
        input_size: side S of the network's picture, pixels.

    Returns:
        joints2d: (B, J, 2) float32 pixels (x, y) of the S×S picture.  The position never leaves
            the highest cell by more than half; a map without a peak gives the highest cell itself.
        confidence: (B, J) float32, the highest value cut to [0, 1].
    """
    maps = heatmaps.detach().float()
    height, width = maps.shape[-2:]
    flat = maps.flatten(2)
    peak, index = flat.max(-1)
    top_y, top_x = index // width, index % width

    # At the border the window moves inside: the fit holds wherever it is centred.
    mid_y, mid_x = top_y.clamp(1, height - 2), top_x.clamp(1, width - 2)
    dy, dx, fit = _quadratic_fit(maps.device)
    window = flat.gather(2, (mid_y[..., None] + dy) * width + mid_x[..., None] + dx)
    floor = (_FLOOR * peak).clamp(min=torch.finfo(torch.float32).tiny)
    # Relative to the peak, so that nothing is lost to rounding where the peak is low.
    logs = torch.log(window.maximum(floor[..., None])) - torch.log(peak.maximum(floor))[..., None]
    bx, by, cxx, cyy, cxy = (logs @ fit).unbind(-1)

    # The gradient (bx + 2 cxx x + cxy y, by + 2 cyy y + cxy x) vanishes at the maximum.
    determinant = 4 * cxx * cyy - cxy * cxy
    # A flat or saddle-shaped window has no maximum; the bound is far below any real peak's.
    peaked = (cxx < 0) & (determinant > 1e-8)
    determinant = torch.where(peaked, determinant, 1.0)
    x = mid_x + torch.where(peaked, (cxy * by - 2 * cyy * bx) / determinant, 0.0)
    y = mid_y + torch.where(peaked, (cxy * bx - 2 * cxx * by) / determinant, 0.0)
    x = torch.where(peaked, x, top_x).clamp(top_x - 0.5, top_x + 0.5)
    y = torch.where(peaked, y, top_y).clamp(top_y - 0.5, top_y + 0.5)

    cells = torch.stack([x, y], -1)
    return cells_to_pixels(cells, width, input_size), peak.clamp(0.0, 1.0)


def soft_argmax(heatmaps: Tensor, temperature: float, input_size: int) -> Tensor:
    """Mean position under softmax(heatmap / temperature): differentiable in every cell.

    Source: Sun et al., "Integral human pose regression", ECCV 2018; Nibali et al., "Numerical
    coordinate regression with convolutional neural networks" (DSNT), 2018.

    Args:
        heatmaps: (B, J, h, w), h = w; computed in float32 whatever their type.
        temperature: the lower, the more the highest cell decides.  It must be well below
            peak / ln(h w), or the many empty cells pull the mean to the centre.
        input_size: side S of the network's picture, pixels.

    Returns:
        (B, J, 2) float32 pixels (x, y) of the S×S picture.
    """
    height, width = heatmaps.shape[-2:]
    share = torch.softmax(heatmaps.float().flatten(2) / temperature, -1)
    share = share.unflatten(2, (height, width))
    columns = torch.arange(width, dtype=torch.float32, device=heatmaps.device)
    rows = torch.arange(height, dtype=torch.float32, device=heatmaps.device)
    # Sums, not matrix products: autocast would run those in half precision.
    x = (share.sum(-2) * columns).sum(-1)
    y = (share.sum(-1) * rows).sum(-1)
    return cells_to_pixels(torch.stack([x, y], -1), width, input_size)
