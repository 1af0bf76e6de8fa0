"""The omnidirectional polynomial camera of the OCamCalib toolbox."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from base.camera import MAX_THETA
from base.camera_model import CameraModel, drawn_in

_TABLE = 4096
_NEWTON_STEPS = 4


@dataclass(frozen=True)
class OCamCamera(CameraModel):
    """Rays of sensor points (x, y) at radius ρ are (x, y, g(ρ)), g(ρ) = g0 + g1 ρ + g2 ρ² + …

    Source: Scaramuzza, Martinelli & Siegwart, "A toolbox for easily calibrating omnidirectional
    cameras", IROS 2006.  The toolbox's z axis points backwards, so its polynomial is −g, and its
    first axis is the picture's y.  Projecting inverts g numerically, so that it agrees with
    unprojecting to rounding; the toolbox's own inverse polynomial is a fit, off by up to a pixel.

    Attributes:
        cx, cy: centre, pixels (column, row).
        polynomial: g0, g1, g2, … with g0 > 0, in pixels of the calibrated picture.
        affine: 2×2, sensor (x right, y down) → pixels, rows first.
        width, height: picture size, pixels.
        radius: of the image circle on the sensor, pixels; nothing is seen further out.
    """

    cx: float
    cy: float
    polynomial: tuple[float, ...]
    affine: tuple[tuple[float, float], tuple[float, float]]
    width: int
    height: int
    radius: float

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Radii and their angles, both rising, as far as the lens is one-to-one."""
        rho = np.linspace(0.0, self.radius, _TABLE)
        theta = np.arctan2(rho, np.polynomial.polynomial.polyval(rho, self.polynomial))
        bad = np.flatnonzero((np.diff(theta) <= 0) | (theta[1:] > MAX_THETA))
        end = bad[0] + 1 if len(bad) else _TABLE
        return rho[:end], theta[:end]

    @property
    def max_theta(self) -> float:
        """Angle at the rim of the image circle, or where the polynomial turns; 100° at most."""
        return float(self._table[1][-1])

    def _rho(self, theta: np.ndarray) -> np.ndarray:
        """Radius of angles, by Newton's method on g(ρ) sin θ − ρ cos θ = 0 from the table."""
        radii, angles = self._table
        rho = np.interp(theta, angles, radii)
        slope = np.polynomial.polynomial.polyder(self.polynomial)
        sine, cosine = np.sin(theta), np.cos(theta)
        for _ in range(_NEWTON_STEPS):
            value = np.polynomial.polynomial.polyval(rho, self.polynomial) * sine - rho * cosine
            change = np.polynomial.polynomial.polyval(rho, slope) * sine - cosine
            change = np.where(np.abs(change) > 1e-9, change, 1.0)
            rho = np.clip(rho - value / change, 0.0, radii[-1])
        return rho

    def _sensor(self, pixels: np.ndarray) -> np.ndarray:
        centred = np.asarray(pixels, np.float64) - (self.cx, self.cy)
        return centred @ np.linalg.inv(np.array(self.affine)).T

    def project(self, points: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.project`."""
        rays = drawn_in(np.asarray(points, np.float64), self.max_theta)
        rho = self._rho(self.angle(rays))
        sine = np.maximum(np.hypot(rays[..., 0], rays[..., 1]), 1e-12)
        sensor = rays[..., :2] * (rho / sine)[..., None]
        return sensor @ np.array(self.affine).T + (self.cx, self.cy)

    def unproject(self, pixels: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.unproject`."""
        sensor = self._sensor(pixels)
        rho = np.hypot(sensor[..., 0], sensor[..., 1])
        inside = np.minimum(rho, self._table[0][-1])
        sensor = sensor * (inside / np.maximum(rho, 1e-12))[..., None]
        depth = np.polynomial.polynomial.polyval(inside, self.polynomial)
        rays = np.concatenate([sensor, depth[..., None]], -1)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)

    def covers(self, pixels: np.ndarray) -> np.ndarray:
        """See :meth:`CameraModel.covers`."""
        sensor = self._sensor(pixels)
        return np.hypot(sensor[..., 0], sensor[..., 1]) <= self._table[0][-1]

    def cropped(self, left: float, top: float, width: int, height: int) -> "OCamCamera":
        """See :meth:`CameraModel.cropped`."""
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def resized(self, width: int, height: int) -> "OCamCamera":
        """See :meth:`CameraModel.resized`."""
        sx, sy = width / self.width, height / self.height
        (a, b), (c, d) = self.affine
        return replace(
            self,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            affine=((a * sx, b * sx), (c * sy, d * sy)),
            width=width,
            height=height,
        )
