"""``poses.csv``: a row for each joint of each frame."""

from typing import Any

import numpy as np

from base.files import csv_rows
from base.skeleton import JOINTS
from utils.inference.outputs import FramePose, PoseFormat

COLUMNS = (
    *("file", "frame", "time", "joint", "x_m", "y_m", "z_m", "x_px", "y_px", "confidence"),
    *("neck_x_m", "neck_y_m", "neck_z_m", "residual_px", "disagrees", "out_of_range"),
    "uncertainty_m",
)


def _text(values: np.ndarray, decimals: int) -> list[str]:
    rounded = np.round(values.astype(np.float64), decimals) + 0.0  # never -0.0
    return [f"{value:.{decimals}f}" for value in rounded.tolist()]


class CsvFormat(PoseFormat):
    """Columns as in :data:`COLUMNS`; what is unknown is empty."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._write = csv_rows(self.stream)
        self._write(COLUMNS)

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        pose = result.pose
        place = ("", "") if result.frame is None else (result.frame, f"{result.time:.6f}")
        flags = int(pose.disagrees), int(pose.out_of_range)
        last = (*_text(pose.neck, 5), f"{pose.residual:.2f}", *flags)
        for row, joint in enumerate(JOINTS):
            own = *_text(pose.joints3d[row], 5), *_text(pose.joints2d[row], 2)
            sure = _text(pose.confidence[row : row + 1], 4)
            radius = [""] if pose.uncertainty is None else _text(pose.uncertainty[row : row + 1], 5)
            self._write((result.file, *place, joint, *own, *sure, *last, *radius))
