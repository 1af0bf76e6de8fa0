"""The direction of gravity over time, of an inertial sensor on the headset."""

import csv
import io
from pathlib import Path

import numpy as np

from base.documents import decode_text
from base.errors import UserError
from utils.motion.rig import CAMERA_TO_RIG

COLUMNS = ("time", "gx", "gy", "gz")
#: When a sensor begins at the latest, seconds after the first frame.
_LATEST_S = 10.0


class Gravity:
    """Direction of gravity at a time in seconds, (3,) in the rig's axes, between the rows of a CSV
    file with the columns of :data:`COLUMNS`: seconds since the first frame, and gravity in the
    axes of the poses (x to the wearer's left, y forward, z down), of any length; before and after
    them that of the nearest row. UserError for a file that is none."""

    def __init__(self, path: Path) -> None:
        try:
            rows = csv.DictReader(io.StringIO(decode_text(path.read_bytes())))
            table = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
            self._times, gravity = table[:, 0], table[:, 1:] @ CAMERA_TO_RIG.T
        except (LookupError, TypeError, ValueError, csv.Error):
            raise UserError(f"{path}: no CSV file with the columns {', '.join(COLUMNS)}") from None
        self._down = gravity / np.maximum(np.linalg.norm(gravity, axis=1, keepdims=True), 1e-9)
        if not np.isfinite(table).all() or not self._down.any(1).all():
            raise UserError(f"{path}: a row has no direction, or values that are not finite")
        if (np.diff(self._times) <= 0).any() or self._times[0] > _LATEST_S or self._times[-1] < 0:
            raise UserError(f"{path}: its times are not rising seconds since the first frame")

    def __call__(self, time: float) -> np.ndarray:
        return np.array([np.interp(time, self._times, column) for column in self._down.T])
