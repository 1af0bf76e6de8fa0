"""The omnidirectional polynomial camera of the OCamCalib toolbox."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from base.cameras.camera import MAX_THETA, Camera, Pixels
from base.cameras.numeric import TABLE_SIZE, Array, Rising, namespace, polynomial


@dataclass(frozen=True)
class OCamCamera(Camera):
    """Rays of sensor points (x, y) at radius ρ are (x, y, g(ρ)), g(ρ) = g0 + g1 ρ + g2 ρ² + …

    Source: Scaramuzza, Martinelli & Siegwart, "A toolbox for easily calibrating omnidirectional
    cameras", IROS 2006.  The toolbox's z axis points backwards, so its polynomial is −g, and its
    first axis is the picture's y.  Projecting inverts g numerically, so that it agrees with
    unprojecting to rounding; the toolbox's own inverse polynomial is a fit, off by up to a pixel.
    """

    cx: float
    cy: float
    polynomial: tuple[float, ...]  # g0, g1, g2, … with g0 > 0, in pixels of the calibrated picture
    #: Sensor (x right, y down) → pixels, rows first.
    affine: tuple[tuple[float, float], tuple[float, float]]
    width: Pixels
    height: Pixels
    radius: float  # of the image circle on the sensor, pixels; nothing is seen further out

    def __post_init__(self) -> None:
        (a, b), (c, d) = self.affine
        if not abs(a * d - b * c) > 1e-6:
            raise ValueError(f"affine is {self.affine}: a 2×2 matrix with an inverse is needed")

    def _angle(self, rho: Array) -> Array:
        return namespace(rho).arctan2(rho, polynomial(self.polynomial, rho)[0])

    def _slope(self, rho: Array) -> Array:
        """Derivative of the angle by the radius."""
        depth, change = polynomial(self.polynomial, rho)
        return (depth - rho * change) / (rho * rho + depth * depth)

    @cached_property
    def _curve(self) -> Rising:
        """Here of the angle over the radius."""
        radii = np.linspace(0.0, self.radius, TABLE_SIZE)
        return Rising(self._angle, self._slope, radii, highest=MAX_THETA)

    @property
    def max_theta(self) -> float:
        """Angle at the last of the radii, or where the angle turns; 100° at most."""
        return float(self._curve.values[-1])

    @property
    def max_radius(self) -> float:
        return float(self._curve.grid[-1])

    def radius_of(self, theta: Array) -> Array:
        return self._curve.inverse(theta)

    def angle_of(self, radius: Array) -> Array:
        return self._angle(namespace(radius).clip(radius, 0.0, self.max_radius))

    def to_pixels(self, a: Array, b: Array) -> Array:
        (xx, xy), (yx, yy) = self.affine
        return namespace(a).stack([xx * a + xy * b + self.cx, yx * a + yy * b + self.cy], -1)

    def to_plane(self, pixels: Array) -> tuple[Array, Array]:
        (xx, xy), (yx, yy) = np.linalg.inv(self.affine).tolist()
        x, y = pixels[..., 0] - self.cx, pixels[..., 1] - self.cy
        return xx * x + xy * y, yx * x + yy * y

    def _scaled(self, sx: float, sy: float) -> dict[str, object]:
        (a, b), (c, d) = self.affine
        return {"affine": ((a * sx, b * sx), (c * sy, d * sy))}
