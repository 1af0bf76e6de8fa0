"""Ten random test frames with prediction and truth, rows of the table side by side."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from base.set_type import SetType
from utils.benchmarking.runs import Run
from utils.drawing.frame import DrawnPose, FramePainter
from utils.drawing.split import open_full_size
from utils.drawing.write import save_picture
from utils.evaluation.distances import joint_errors
from utils.evaluation.poses import read_poses

FRAMES = 10
_WIDTH = 640
#: Of the JPEG: the first with which it stays below a size that a repository can bear.
_QUALITIES = (85, 75, 65, 55)
_LARGEST = 900_000
_SEED = 0


def random_frames(count: int, seed: int = _SEED) -> np.ndarray:
    """Up to ten different numbers below ``count``, sorted; the same at every call."""
    chosen = np.random.default_rng(seed).permutation(count)[:FRAMES]
    return np.sort(chosen)


def draw_frames(path: Path, root: Path, runs: Sequence[tuple[str, Run]]) -> None:
    """Write the picture: a line a frame, a column a row of the table.

    Args:
        path: a .jpg.
        root: the set.
        runs: (title, run) of each column, all tested on the same frames.
    """
    dataset = open_full_size(root, SetType.TEST)
    numbers = {dataset.frame_id(row): row for row in range(len(dataset))}
    painter = FramePainter()
    columns = []
    for title, run in runs:
        poses = read_poses(run.results_path.parent / "poses.npz")
        column = []
        for row in random_frames(len(poses.frame_ids)):
            predicted, target = poses.predicted[row], poses.target[row]
            error = float(joint_errors(predicted[None], target[None]).mean())
            drawn = painter.paint(
                dataset[numbers[poses.frame_ids[row]]].image,
                DrawnPose.through_camera(predicted, dataset.camera),
                DrawnPose.through_camera(target, dataset.camera),
                title=f"{title}   {poses.frame_ids[row]}",
                note=f"MPJPE {error:.0f} mm",
            )
            height = round(drawn.shape[0] * _WIDTH / drawn.shape[1])
            column.append(cv2.resize(drawn, (_WIDTH, height), interpolation=cv2.INTER_AREA))
        columns.append(np.concatenate(column))
    picture = np.concatenate(columns, 1)
    for quality in _QUALITIES:
        save_picture(path, picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
        if path.stat().st_size < _LARGEST:
            break
