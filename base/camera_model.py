"""Contract of the lenses of other people's cameras: that of :class:`~base.camera.FisheyeCamera`."""

from abc import ABC, abstractmethod

import numpy as np

from base.camera import FisheyeCamera


class CameraModel(ABC):
    """A calibrated camera, on NumPy arrays.

    Pixels have their centres at integers; the camera frame has x to the right in the picture, y
    down in the picture, z along the optical axis.

    Attributes:
        width, height: picture size, pixels.
    """

    width: int
    height: int

    @property
    @abstractmethod
    def max_theta(self) -> float:
        """Largest angle from the optical axis at which the lens model is one-to-one, radians."""

    @abstractmethod
    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) camera-frame points → (…, 2) pixels; beyond :attr:`max_theta` drawn in to it."""

    @abstractmethod
    def unproject(self, pixels: np.ndarray) -> np.ndarray:
        """(…, 2) pixels → (…, 3) unit rays; those not covered give the ray at the rim."""

    @abstractmethod
    def covers(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (…, 2) pixels lie where the lens model is one-to-one: (…) bool."""

    @abstractmethod
    def cropped(self, left: float, top: float, width: int, height: int) -> "CameraModel":
        """The camera of the window of this picture that starts at pixel (left, top)."""

    @abstractmethod
    def resized(self, width: int, height: int) -> "CameraModel":
        """The camera of this picture resampled to another size (pixel areas, not centres)."""

    def angle(self, points: np.ndarray) -> np.ndarray:
        """Angle of (…, 3) points from the optical axis: (…) radians."""
        return np.arctan2(np.hypot(points[..., 0], points[..., 1]), points[..., 2])

    def in_picture(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (…, 2) pixels lie inside the picture's rectangle: (…) bool."""
        x, y = pixels[..., 0], pixels[..., 1]
        inside_x = (x >= -0.5) & (x < self.width - 0.5)
        return inside_x & (y >= -0.5) & (y < self.height - 0.5)

    def in_view(self, points: np.ndarray) -> np.ndarray:
        """Which of (…, 3) camera-frame points land inside the picture: (…) bool."""
        return (self.angle(points) < self.max_theta) & self.in_picture(self.project(points))


#: Any calibrated camera.
AnyCamera = FisheyeCamera | CameraModel


def drawn_in(points: np.ndarray, max_theta: float) -> np.ndarray:
    """(…, 3) points with those further off axis than ``max_theta`` turned in to it, unit vectors.

    A point on the axis behind the camera has no side to be turned to and goes to +x.
    """
    radius = np.hypot(points[..., 0], points[..., 1])
    theta = np.minimum(np.arctan2(radius, points[..., 2]), max_theta)
    safe = np.maximum(radius, 1e-12)
    x = np.where(radius > 1e-12, points[..., 0] / safe, 1.0)
    y = np.where(radius > 1e-12, points[..., 1] / safe, 0.0)
    return np.stack([np.sin(theta) * x, np.sin(theta) * y, np.cos(theta)], -1)
