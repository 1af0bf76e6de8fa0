"""The fisheye polynomial: the release's lens, and the ideal one."""

import math
from dataclasses import dataclass

from base.cameras.camera import RadialCamera
from base.cameras.numeric import Array, polynomial


@dataclass(frozen=True)
class FisheyeCamera(RadialCamera):
    """Kannala–Brandt camera; with four terms as in ``cv2.fisheye``.

    A direction at angle θ from the optical axis lands at radius
    θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + …), times (fx, fy), around (cx, cy).
    Source: Kannala & Brandt, "A generic camera model and calibration method for conventional,
    wide-angle, and fish-eye lenses", TPAMI 2006, in OpenCV's parametrisation.
    """

    fx: float  # focal lengths, pixels per radian on the axis
    fy: float
    cx: float
    cy: float
    k: tuple[float, ...]  # k1, k2, …: any number of terms, four as a rule
    width: int
    height: int

    def radius_of(self, theta: Array) -> Array:
        return theta * polynomial((1.0, *self.k), theta * theta)[0]

    def _slope(self, theta: Array) -> Array:
        factor, change = polynomial((1.0, *self.k), theta * theta)
        return factor + 2 * theta * theta * change


def equidistant_camera(
    width: int, height: int, centre: tuple[float, float], radius: float, fov: float
) -> FisheyeCamera:
    """A lens of which nothing is known but its image circle, taken to grow evenly with the angle:
    ``centre`` and ``radius`` are in pixels, ``fov`` across the circle in degrees."""
    if radius <= 0 or not 0 < fov < 360:
        raise ValueError(f"no lens has an image circle of {radius} px across {fov}°")
    f = radius / math.radians(fov / 2)
    return FisheyeCamera(f, f, *centre, (0.0, 0.0, 0.0, 0.0), width, height)
