"""All labels of a split as arrays: what the lifting stage trains on, without any picture."""

from dataclasses import dataclass

import numpy as np

from base.skeleton import neck_centred


@dataclass(slots=True)
class Annotations:
    """Labels of N frames.

    Attributes:
        joints2d: (N, 16, 2) float32 pixels of the network's picture.
        joints3d: (N, 16, 3) float32 metres, camera frame.
        visible: (N, 16) bool.
        actions: N clip names.
    """

    joints2d: np.ndarray
    joints3d: np.ndarray
    visible: np.ndarray
    actions: list[str]

    def __len__(self) -> int:
        return len(self.actions)

    def mean_pose(self) -> np.ndarray:
        """(16, 3) float64 metres: mean over the frames, each with its Neck at the origin."""
        return neck_centred(self.joints3d.astype(np.float64)).mean(0)
