"""Contract of a geometric transform of a frame's picture and 2D labels."""

from abc import ABC, abstractmethod

import numpy as np

from base.cameras.camera import Camera


class BaseTransform(ABC):
    """Maps a picture, its pixels and its camera together, so that the three always agree."""

    @abstractmethod
    def image(self, image: np.ndarray) -> np.ndarray:
        """Transform a (H, W, 3) uint8 picture."""

    @abstractmethod
    def points(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) pixels of the source picture → pixels of the transformed one."""

    @abstractmethod
    def points_back(self, points: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`points`."""

    @abstractmethod
    def camera(self, camera: Camera) -> Camera:
        """Camera of the source picture → that of the transformed one."""
