"""Pictures of a few fixed validation frames, to watch heatmaps and poses become right."""

import numpy as np
import torch

from base.cameras.camera import Camera
from base.skeleton import HEATMAP_JOINTS, NECK, NUM_JOINTS
from utils.drawing.frame_painter import DrawnPose, FramePainter, draw_legend, draw_sheet
from utils.drawing.skeleton_pen import overlay_heatmaps
from utils.drawing.style import PREDICTED, TRUTH

_SIDE = 256  # of a tile, pixels


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
    painter, tiles = FramePainter(_SIDE), []
    for image, maps, *pixels in zip(images, heatmaps, target, predicted, strict=True):
        poses = [DrawnPose(joints2d, joints3d=None) for joints2d in pixels]
        tile = painter.picture(image, [])
        drawn = painter.picture(image, [*zip(poses, (TRUTH, PREDICTED), strict=True)])
        tiles += [tile, overlay_heatmaps(tile, maps), drawn]
    legend = draw_legend(3 * _SIDE, 0.9, note="heatmaps: as opaque as high")
    return np.vstack([draw_sheet(tiles, 3), legend])
