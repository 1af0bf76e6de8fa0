"""Pictures of a few fixed validation frames, to watch heatmaps and poses become right."""

from typing import NamedTuple

import cv2
import numpy as np
import torch

from base.camera import FisheyeCamera
from base.errors import BrokenFrameError
from base.skeleton import HEATMAP_JOINTS, NECK, NUM_HEATMAPS
from utils.drawing.heatmaps import overlay_heatmaps
from utils.drawing.skeleton import SkeletonPen
from utils.drawing.style import OUTLINE, PREDICTED, TRUTH

#: Frames shown, spread over the set.
SHOWN_FRAMES = 4

_TILE = 256
_MARGIN = 4


class Shown(NamedTuple):
    """What there is to show of F frames.

    Attributes:
        images: (F, S, S, 3) uint8 RGB; black where the stage reads none.
        heatmaps: (F, 15, h, h) predicted, or, where they are the input, given.
        joints2d: (F, 16, 2) predicted pixels of the picture; NaN where there is none.
        target2d: (F, 16, 2) true ones; NaN likewise.
    """

    images: np.ndarray
    heatmaps: np.ndarray
    joints2d: np.ndarray
    target2d: np.ndarray


def spread(count: int) -> list[int]:
    """Up to SHOWN_FRAMES frame numbers, evenly over a set of ``count``."""
    shown = min(SHOWN_FRAMES, count)
    return [count * (2 * number + 1) // (2 * shown) for number in range(shown)]


def readable(dataset: torch.utils.data.Dataset, numbers: list[int]) -> list:
    """The frames of those numbers that can be read; training names the others."""
    frames = []
    for number in numbers:
        try:
            frames.append(dataset[number])
        except BrokenFrameError:
            continue
    return frames


def placed_in_picture(
    joints3d: torch.Tensor, target3d: torch.Tensor, camera: FisheyeCamera
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of predicted and true poses, the former put where the true Neck is.

    Args:
        joints3d: (F, 16, 3) metres, camera axes, any origin.
        target3d: (F, 16, 3) metres, camera frame.
        camera: of the picture.

    Returns:
        Twice (F, 16, 2); NaN for a joint outside the lens's range.
    """
    target = target3d.double().cpu().numpy()
    predicted = joints3d.double().cpu().numpy()
    predicted = predicted - predicted[:, NECK : NECK + 1] + target[:, NECK : NECK + 1]

    return camera.project(predicted), camera.project(target)


def with_head(joints2d: torch.Tensor) -> np.ndarray:
    """(F, 15, 2) pixels of the joints that have heatmaps as (F, 16, 2), NaN for the Head."""
    full = np.full((len(joints2d), NUM_HEATMAPS + 1, 2), np.nan)
    full[:, list(HEATMAP_JOINTS)] = joints2d.double().cpu().numpy()
    return full


def sheet(shown: Shown) -> np.ndarray:
    """One row a frame: picture, heatmaps over it, predicted (orange) and true (blue) joints.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    size = shown.images.shape[1]
    pen = SkeletonPen(_TILE / 640)
    rows = []
    for image, heatmaps, predicted, target in zip(*shown, strict=True):
        tile = cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        joints = tile.copy()
        for joints2d, colour in ((target, TRUTH), (predicted, PREDICTED)):
            pen.draw(joints, (joints2d + 0.5) * (_TILE / size) - 0.5, colour, OUTLINE)
        tiles = [tile, overlay_heatmaps(tile, heatmaps), joints]
        rows.append(np.concatenate([_framed(tile) for tile in tiles], 1))
    return np.concatenate(rows, 0)


def _framed(tile: np.ndarray) -> np.ndarray:
    sides = [_MARGIN // 2] * 4
    return cv2.copyMakeBorder(tile, *sides, cv2.BORDER_CONSTANT, value=(255, 255, 255))
