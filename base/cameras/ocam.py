"""The omnidirectional polynomial camera of the OCamCalib toolbox."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from base.cameras.camera import MAX_THETA, TABLE_SIZE, Array, RadialCamera, Rising, namespace


@dataclass(frozen=True)
class OCamCamera(RadialCamera):
    """Rays of sensor points (x, y) at radius ρ are (x, y, g(ρ)), g(ρ) = g0 + g1 ρ + g2 ρ² + …

    Source: Scaramuzza, Martinelli & Siegwart, "A toolbox for easily calibrating omnidirectional
    cameras", IROS 2006.  The toolbox's z axis points backwards, so its polynomial is −g, and its
    first axis is the picture's y.  Projecting inverts g numerically, so that it agrees with
    unprojecting to rounding; the toolbox's own inverse polynomial is a fit, off by up to a pixel.

    Attributes:
        polynomial: g0, g1, g2, … with g0 > 0, in pixels of the calibrated picture.
        affine: 2×2, sensor (x right, y down) → pixels, rows first.
        radius: of the image circle on the sensor, pixels; nothing is seen further out.
    """

    cx: float
    cy: float
    polynomial: tuple[float, ...]
    affine: tuple[tuple[float, float], tuple[float, float]]
    width: int
    height: int
    radius: float

    def _depth(self, rho: Array) -> tuple[Array, Array]:
        """g(ρ) and its derivative, by Horner's scheme."""
        value = slope = 0.0 * rho
        for g in reversed(self.polynomial):
            slope = slope * rho + value
            value = value * rho + g
        return value, slope

    def angle_of(self, radius: Array) -> Array:
        """See :meth:`RadialCamera.angle_of`: the polynomial's own direction."""
        rho = namespace(radius).clip(radius, 0.0, self.max_radius)
        return self._angle(rho)

    def _angle(self, rho: Array) -> Array:
        return namespace(rho).arctan2(rho, self._depth(rho)[0])

    def _slope(self, rho: Array) -> Array:
        depth, slope = self._depth(rho)
        return (depth - rho * slope) / (rho * rho + depth * depth)

    @cached_property
    def _curve(self) -> Rising:
        """Here of the angle over the radius."""
        radii = np.linspace(0.0, self.radius, TABLE_SIZE)
        return Rising(self._angle, self._slope, radii, highest=MAX_THETA)

    @property
    def max_theta(self) -> float:
        """Angle at the rim of the image circle, or where the polynomial turns; 100° at most."""
        return float(self._curve.values[-1])

    @property
    def max_radius(self) -> float:
        """Radius at :attr:`max_theta`."""
        return float(self._curve.grid[-1])

    def radius_of(self, theta: Array) -> Array:
        """See :meth:`RadialCamera.radius_of`."""
        return self._curve.inverse(theta)

    def _to_pixels(self, a: Array, b: Array) -> Array:
        (xx, xy), (yx, yy) = self.affine
        return namespace(a).stack([xx * a + xy * b + self.cx, yx * a + yy * b + self.cy], -1)

    def _to_plane(self, pixels: Array) -> tuple[Array, Array]:
        (xx, xy), (yx, yy) = np.linalg.inv(self.affine).tolist()
        x, y = pixels[..., 0] - self.cx, pixels[..., 1] - self.cy
        return xx * x + xy * y, yx * x + yy * y

    def _scaled(self, sx: float, sy: float) -> dict[str, object]:
        (a, b), (c, d) = self.affine
        return {"affine": ((a * sx, b * sx), (c * sy, d * sy))}
