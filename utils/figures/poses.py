"""Poses as figures: a grid of frames, and heatmaps over the picture they were made from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from base.camera import FisheyeCamera
from base.skeleton import HEATMAP_JOINTS, JOINTS
from utils.drawing.frame import DrawnPose, standing_place
from utils.drawing.view import View
from utils.figures.style import (
    GRID_TONE,
    INK_TONE,
    MUTED_TONE,
    PREDICTED_TONE,
    TRUTH_TONE,
    draw_skeleton,
)

_DARK, _LIGHT = (0.06, 0.08, 0.09), (0.965, 0.973, 0.98)
_VIEW = View(640)


class Cell(NamedTuple):
    """A frame of the grid.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        predicted, target: (16, 3) metres, camera frame.
        caption: lines above it.
    """

    image: np.ndarray
    predicted: np.ndarray
    target: np.ndarray
    caption: str


def _bare(axes: Axes, width: float, height: float) -> None:
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    axes.axis("off")


def draw_view(axes: Axes, poses: Sequence[tuple[np.ndarray, tuple[float, float, float]]]) -> None:
    """Draw poses (16, 3), Neck at the origin, with their colours, in the fixed 3D view.

    The floor is that of the first.
    """
    size = _VIEW.size
    axes.add_patch(Polygon([(0, 0), (size, 0), (size, size), (0, size)], color=_LIGHT))
    for offset in np.linspace(-1, 1, 9):
        for line in ([[offset, -1, 0], [offset, 1, 0]], [[-1, offset, 0], [1, offset, 0]]):
            axes.plot(*_VIEW.project(np.array(line))[:, :2].T, color=GRID_TONE, linewidth=0.5)
    floor = standing_place(poses[0][0])
    for joints, colour in poses:
        draw_skeleton(axes, _VIEW.project(joints - floor)[:, :2], colour, _LIGHT, 1.6)
    _bare(axes, size, size)


def qualitative_grid(cells: Sequence[Cell], camera: FisheyeCamera, columns: int = 4) -> Figure:
    """Pictures with both skeletons, the 3D view of both below each.

    Args:
        cells: the frames.
        camera: of their pictures.
        columns: frames a row.
    """
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    figure = Figure(figsize=(1.8 * columns, 3.76 * rows + 0.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0)
    grid = figure.subplots(2 * rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for position, cell in enumerate(cells):
        row, column = divmod(position, columns)
        upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
        predicted = DrawnPose.through_camera(cell.predicted, camera)
        target = DrawnPose.through_camera(cell.target, camera)
        upper.imshow(cell.image, interpolation="lanczos")
        draw_skeleton(upper, target.joints2d, TRUTH_TONE, _DARK, 1.5)
        draw_skeleton(upper, predicted.joints2d, PREDICTED_TONE, _DARK, 1.5)
        _bare(upper, cell.image.shape[1], cell.image.shape[0])
        upper.set_title(cell.caption, fontsize=7.5, pad=3)
        draw_view(lower, [(target.joints3d, TRUTH_TONE), (predicted.joints3d, PREDICTED_TONE)])
    handles = [
        grid[0, 0].plot([], [], "-o", color=colour, label=label)[0]
        for colour, label in ((PREDICTED_TONE, "predicted"), (TRUTH_TONE, "truth"))
    ]
    for face, label in ((MUTED_TONE, "left: filled"), ("white", "right: hollow")):
        style = {"markerfacecolor": face, "markeredgecolor": MUTED_TONE}
        handles += grid[0, 0].plot([], [], "o", label=label, **style)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return figure


def heatmap_overlay(image: np.ndarray, heatmaps: np.ndarray) -> Figure:
    """The picture, all heatmaps over it in one colour each, and the four least certain alone.

    Args:
        image: (S, S, 3) uint8 RGB, the network's picture.
        heatmaps: (15, h, h), what it made of it.
    """
    size = image.shape[0]
    # Cell and pixel centres are integers; both grids cover the same square.
    extent = (-0.5, size - 0.5, size - 0.5, -0.5)
    maps = np.clip(heatmaps, 0.0, 1.0)
    hues = colormaps["hsv"](np.arange(len(maps)) / len(maps))[:, :3]
    figure = Figure(figsize=(7.2, 2.85), layout="constrained")
    grid = figure.add_gridspec(2, 6)
    plain, combined = figure.add_subplot(grid[:, :2]), figure.add_subplot(grid[:, 2:4])
    for axes, title in ((plain, "picture"), (combined, "15 heatmaps")):
        axes.imshow(image)
        axes.set_title(title, fontsize=8, pad=3)
        _bare(axes, size, size)
    strength = maps.max(0) ** 0.8
    colour = np.einsum("jyx,jc->yxc", maps, hues) / np.maximum(maps.sum(0), 1e-6)[..., None]
    layer = np.concatenate([np.clip(colour, 0, 1), strength[..., None]], -1)
    combined.imshow(np.full_like(image, 0), alpha=0.35, extent=extent)
    combined.imshow(layer, extent=extent, interpolation="bilinear")
    _bare(combined, size, size)
    peaks = maps.max((1, 2))
    for place, row in enumerate(np.argsort(peaks)[:4]):
        axes = figure.add_subplot(grid[place // 2, 4 + place % 2])
        axes.imshow(image)
        axes.imshow(maps[row], extent=extent, cmap="magma", alpha=0.75, interpolation="bilinear")
        name = JOINTS[HEATMAP_JOINTS[row]]
        axes.set_title(f"{name}, peak {peaks[row]:.2f}", fontsize=6.5, pad=2, color=INK_TONE)
        _bare(axes, size, size)
    return figure
