"""The pinhole camera with OpenCV's radial and tangential distortion."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from base.camera_model import CameraModel, drawn_in

#: A plane picture grows without bound towards 90°.
_MAX_THETA = math.radians(85.0)
#: Where the distorted radius rises more slowly than this with the true one, it is about to turn
#: back, and a pixel says little about its ray.
_LEAST_SLOPE = 0.1
_UNDISTORT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)


@dataclass(frozen=True)
class PinholeCamera(CameraModel):
    """Perspective projection, then the Brown–Conrady distortion as in ``cv2.projectPoints``.

    Source: Brown, "Close-range camera calibration", 1971, in OpenCV's parametrisation.

    Attributes:
        fx, fy: focal lengths, pixels.
        cx, cy: principal point, pixels.
        distortion: () or (k1, k2, p1, p2[, k3[, k4, k5, k6]]).
        width, height: picture size, pixels.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...]
    width: int
    height: int

    def __post_init__(self) -> None:
        if len(self.distortion) not in (0, 4, 5, 8):
            raise ValueError(f"{len(self.distortion)} distortion terms: 0, 4, 5 or 8 are defined")

    @property
    def _matrix(self) -> np.ndarray:
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @property
    def _terms(self) -> np.ndarray:
        return np.array(self.distortion or (0.0,) * 4)

    @cached_property
    def _rim(self) -> tuple[float, float]:
        """Largest angle up to which the radial distortion rises, and its distorted radius."""
        k1, k2, _, _, k3, k4, k5, k6 = (*self.distortion, *(0.0,) * 8)[:8]
        r = np.tan(np.linspace(0.0, _MAX_THETA, 4096))
        r2 = r * r
        above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        distorted = r * above / np.where(below > 0, below, np.nan)
        falling = np.flatnonzero(~(np.diff(distorted) > _LEAST_SLOPE * np.diff(r)))
        end = int(falling[0]) if len(falling) else len(r) - 1
        return float(np.arctan(r[end])), float(distorted[end])

    @property
    def max_theta(self) -> float:
        """See :attr:`CameraModel.max_theta`; never past 85°."""
        return self._rim[0]

    def project(self, points: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.project`."""
        rays = drawn_in(np.asarray(points, np.float64), self.max_theta)
        flat = rays.reshape(-1, 1, 3)
        if not len(flat):
            return np.empty((*rays.shape[:-1], 2))
        none = np.zeros(3)
        pixels, _ = cv2.projectPoints(flat, none, none, self._matrix, self._terms)
        return pixels.reshape(*rays.shape[:-1], 2)

    def _normalised(self, pixels: np.ndarray) -> np.ndarray:
        return (np.asarray(pixels, np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)

    def unproject(self, pixels: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.unproject`."""
        distorted = self._normalised(pixels)
        radius = np.hypot(distorted[..., 0], distorted[..., 1])
        inside = np.minimum(radius, self._rim[1])
        distorted = distorted * (inside / np.maximum(radius, 1e-12))[..., None]
        plane = distorted.reshape(-1, 1, 2)
        if self.distortion and len(plane):
            plane = cv2.undistortPoints(plane, np.eye(3), self._terms, criteria=_UNDISTORT)
        plane = plane.reshape(distorted.shape)
        rays = np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], -1)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)

    def covers(self, pixels: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.covers`."""
        distorted = self._normalised(pixels)
        return np.hypot(distorted[..., 0], distorted[..., 1]) <= self._rim[1]

    def cropped(self, left: float, top: float, width: int, height: int) -> "PinholeCamera":
        """See :meth:`CameraModel.cropped`."""
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def resized(self, width: int, height: int) -> "PinholeCamera":
        """See :meth:`CameraModel.resized`."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            width=width,
            height=height,
        )
