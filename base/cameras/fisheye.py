"""The fisheye polynomial: the release's lens, and the ideal one."""

import math
from dataclasses import dataclass

from base.cameras.camera import Array, RadialCamera


@dataclass(frozen=True)
class FisheyeCamera(RadialCamera):
    """Kannala–Brandt camera with four coefficients, as in ``cv2.fisheye``.

    A direction at angle θ from the optical axis lands at radius
    θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), times (fx, fy), around (cx, cy).
    Source: Kannala & Brandt, "A generic camera model and calibration method for conventional,
    wide-angle, and fish-eye lenses", TPAMI 2006, in OpenCV's parametrisation.

    Attributes:
        fx, fy: focal lengths, pixels per radian on the axis.
        k: the four coefficients.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    k: tuple[float, float, float, float]
    width: int
    height: int

    def radius_of(self, theta: Array) -> Array:
        """See :meth:`RadialCamera.radius_of`."""
        k1, k2, k3, k4 = self.k
        t2 = theta * theta
        return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))

    def _slope(self, theta: Array) -> Array:
        k1, k2, k3, k4 = self.k
        t2 = theta * theta
        return 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))


def equidistant_camera(
    width: int, height: int, centre: tuple[float, float], radius: float, fov: float
) -> FisheyeCamera:
    """A lens of which nothing is known but its image circle, taken to grow evenly with the angle.

    Args:
        width, height: picture size, pixels.
        centre, radius: of the image circle, pixels.
        fov: angle across the image circle, degrees.
    """
    if radius <= 0 or not 0 < fov < 360:
        raise ValueError(f"no lens has an image circle of {radius} px across {fov}°")
    f = radius / math.radians(fov / 2)
    return FisheyeCamera(f, f, *centre, (0.0, 0.0, 0.0, 0.0), width, height)
