"""Frames of one person in the world."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frames:
    """N frames, world axes: centimetres, y up, the floor at y = 0."""

    actions: np.ndarray  # (N,) clip names
    joints: np.ndarray  # (N, J, 3) joints
    turns: np.ndarray  # (N, J, 3, 3) turns of the bones on top of the T-pose
    # (N, 4) x, height, z of the middle of a seat's top, and its heading in radians; the height
    # is 0 where there is none
    seats: np.ndarray

    def replace(self, rows: np.ndarray, others: "Frames") -> None:
        """Put other frames in the place of some."""
        for name, values in vars(others).items():
            getattr(self, name)[rows] = values
