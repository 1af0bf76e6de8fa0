"""``poses.csv``: a row for each joint of each frame."""

from typing import Any

import numpy as np

from base.files import csv_rows
from base.skeleton import JOINTS
from utils.inference.outputs import FramePose, PoseFormat
from utils.inference.sinks.pose_json import frame_entry

COLUMNS = (
    *("file", "frame", "time", "joint", "x_m", "y_m", "z_m", "x_px", "y_px", "confidence"),
    *("neck_x_m", "neck_y_m", "neck_z_m", "residual_px", "disagrees", "out_of_range"),
    "uncertainty_m",
)


class CsvFormat(PoseFormat):
    """Columns as in :data:`COLUMNS`; what is unknown is empty."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._write = csv_rows(self.stream)
        self._write(COLUMNS)

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        known = frame_entry(result)
        start = result.file, known.get("frame", ""), known.get("time", "")
        flags = int(known["disagrees"]), int(known["out_of_range"])
        end = (*known["neck"], known["residual"], *flags)
        keys = ("joints3d", "joints2d", "confidence")
        radii = known.get("uncertainty", [""] * len(JOINTS))
        for joint, place, pixel, sure, radius in zip(
            JOINTS, *(known[key] for key in keys), radii, strict=True
        ):
            self._write((*start, joint, *place, *pixel, sure, *end, radius))
