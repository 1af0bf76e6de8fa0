"""Contract of a geometric transform of a frame's picture and 2D labels."""

from abc import ABC, abstractmethod

import numpy as np

from base.camera import FisheyeCamera


class BaseTransform(ABC):
    """Maps a picture, its pixels and its camera together, so that the three always agree."""

    @abstractmethod
    def image(self, image: np.ndarray) -> np.ndarray:
        """Transform a (H, W, 3) uint8 picture."""

    @abstractmethod
    def points(self, points: np.ndarray) -> np.ndarray:
        """Map (…, 2) pixels of the source picture to pixels of the transformed one."""

    @abstractmethod
    def points_back(self, points: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`points`."""

    @abstractmethod
    def camera(self, camera: FisheyeCamera) -> FisheyeCamera:
        """The camera of the transformed picture, given that of the source picture."""
