"""Pictures of a few fixed validation frames, to watch heatmaps and poses become right."""

import cv2
import numpy as np
import torch

from base.cameras.camera import Camera
from base.skeleton import HEATMAP_JOINTS, NECK, NUM_JOINTS
from utils.drawing.frame_painter import draw_legend
from utils.drawing.skeleton_pen import draw_skeleton, overlay_heatmaps
from utils.drawing.style import PAPER, PREDICTED, TRUTH

_FRAMES = 4
_TILE = 256
_FRAME = ((2, 2), (2, 2), (0, 0))


def evenly_spaced(count: int) -> list[int]:
    """Up to four frame numbers, evenly over a set of ``count``."""
    frames = min(_FRAMES, count)
    return [count * (2 * number + 1) // (2 * frames) for number in range(frames)]


def project_at_neck(
    joints3d: torch.Tensor, target3d: torch.Tensor, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, twice (F, 16, 2), of predicted (F, 16, 3) poses, put where the true Neck is, and of
    true ones in the camera frame; NaN for a joint outside the lens's range."""
    predicted, target = (poses.double().cpu().numpy() for poses in (joints3d, target3d))
    predicted = predicted - predicted[:, [NECK]] + target[:, [NECK]]
    return camera.project(predicted), camera.project(target)


def with_head(joints2d: torch.Tensor) -> np.ndarray:
    """(F, 15, 2) pixels of the joints that have heatmaps as (F, 16, 2), NaN for the Head."""
    full = np.full((len(joints2d), NUM_JOINTS, 2), np.nan)
    full[:, list(HEATMAP_JOINTS)] = joints2d.double().cpu().numpy()
    return full


def sheet(
    images: np.ndarray, heatmaps: np.ndarray, predicted: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """One row a frame: picture, heatmaps over it, predicted and true joints; a legend below.

    From (F, S, S, 3) uint8 RGB pictures, (F, 15, h, h) heatmaps and twice (F, 16, 2) pixels, NaN
    where there is no joint; (H, W, 3) uint8 RGB.
    """
    rows = []
    for image, maps, *poses in zip(images, heatmaps, target, predicted, strict=True):
        tile = cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        drawn = tile.copy()
        for joints2d, shades in zip(poses, (TRUTH, PREDICTED), strict=True):
            points = (joints2d + 0.5) * (_TILE / len(image)) - 0.5
            draw_skeleton(drawn, points, shades, PAPER, _TILE / 640)
        tiles = [tile, overlay_heatmaps(tile, maps), drawn]
        framed = [np.pad(picture, _FRAME, constant_values=255) for picture in tiles]
        rows.append(np.concatenate(framed, 1))
    rows.append(draw_legend(rows[0].shape[1], 0.9, note="heatmaps: as opaque as high"))
    return np.concatenate(rows, 0)
