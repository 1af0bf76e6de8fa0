"""The omnidirectional polynomial camera of the OCamCalib toolbox."""

from dataclasses import dataclass

import numpy as np

from base.cameras.camera import InverseRadialCamera
from base.cameras.numeric import TABLE_SIZE, Array, namespace, polynomial


@dataclass(frozen=True)
class OCamCamera(InverseRadialCamera):
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
    width: int
    height: int
    radius: float  # of the image circle on the sensor, pixels; nothing is seen further out

    def __post_init__(self) -> None:
        square = [len(row) for row in self.affine] == [2, 2]
        (a, b), (c, d) = self.affine if square else np.zeros((2, 2))
        if not abs(a * d - b * c) > 1e-6:
            raise ValueError(f"affine is {self.affine}: a 2×2 matrix with an inverse is needed")

    def _depth(self, rho: Array) -> tuple[Array, Array]:
        return polynomial(self.polynomial, rho)

    @property
    def _radii(self) -> np.ndarray:
        return np.linspace(0.0, self.radius, TABLE_SIZE)

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
