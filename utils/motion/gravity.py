"""The direction of gravity over time, of an inertial sensor on the headset."""

import csv
import io
from pathlib import Path

import numpy as np

from base.documents import decode_text
from base.errors import UserError
from utils.motion.rig import CAMERA_TO_RIG

COLUMNS = ("time", "gx", "gy", "gz")
#: A day at 1,000 values a second has 5 GB: what is larger is no such file.
#: Of the turn from one row to the next: between opposite directions lies none.
_LEAST_COSINE = -0.99
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
        except (KeyError, TypeError, ValueError, csv.Error):
            raise UserError(f"{path}: no CSV file with the columns {', '.join(COLUMNS)}") from None
        if not len(table) or not np.isfinite(table).all():
            raise UserError(f"{path}: holds no row, or one whose values are not finite")
        self._times, gravity = table[:, 0], table[:, 1:] @ CAMERA_TO_RIG.T
        if (np.diff(self._times) <= 0).any():
            raise UserError(f"{path}: its times do not rise")
        if self._times[0] > _LATEST_S or self._times[-1] < 0:
            span = "its times are {:.6g} to {:.6g} s, not".format(*self._times[[0, -1]])
            raise UserError(f"{path}: {span} seconds since the first frame")
        length = np.linalg.norm(gravity, axis=1, keepdims=True)
        if length.min() < 1e-6:
            raise UserError(f"{path}: a gravity of 0, which has no direction")
        self._down = gravity / length
        if (np.einsum("ni,ni->n", self._down[1:], self._down[:-1]) < _LEAST_COSINE).any():
            raise UserError(f"{path}: gravity turns over from one row to the next")

    def __call__(self, time: float) -> np.ndarray:
        return np.array([np.interp(time, self._times, column) for column in self._down.T])
