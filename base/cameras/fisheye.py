"""The fisheye polynomial: alone (the release's lens), and with tangential and prism terms."""

import math
from dataclasses import dataclass
from functools import cached_property

from base.cameras.camera import FocalCamera, Pixels
from base.cameras.distortion import PlaneDistortion
from base.cameras.numeric import Array, polynomial


class _PolynomialCamera(FocalCamera):
    _terms: tuple[float, ...]  # of θ, θ³, θ⁵, …

    def radius_of(self, theta: Array) -> Array:
        return theta * polynomial(self._terms, theta * theta)[0]

    def _slope(self, theta: Array) -> Array:
        factor, change = polynomial(self._terms, theta * theta)
        return factor + 2 * theta * theta * change


@dataclass(frozen=True)
class FisheyeCamera(_PolynomialCamera):
    """Kannala–Brandt camera; with four terms as in ``cv2.fisheye``.

    A direction at angle θ from the optical axis lands at radius
    θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + …), times (fx, fy), around (cx, cy).
    Source: Kannala & Brandt, "A generic camera model and calibration method for conventional,
    wide-angle, and fish-eye lenses", TPAMI 2006, in OpenCV's parametrisation.
    """

    k: tuple[float, ...]  # k1, k2, …: any number of terms, four as a rule
    width: Pixels
    height: Pixels

    @property
    def _terms(self) -> tuple[float, ...]:
        return (1.0, *self.k)


def equidistant_camera(
    width: int, height: int, centre: tuple[float, float], radius: float, fov: float
) -> FisheyeCamera:
    """A lens of which nothing is known but its image circle, taken to grow evenly with the angle:
    ``centre`` and ``radius`` are in pixels, ``fov`` across the circle in degrees."""
    if radius <= 0 or not 0 < fov < 360:
        raise ValueError(f"no lens has an image circle of {radius} px across {fov}°")
    f = radius / math.radians(fov / 2)
    return FisheyeCamera(f, f, *centre, (0.0, 0.0, 0.0, 0.0), width, height)


@dataclass(frozen=True)
class ThinPrismFisheyeCamera(_PolynomialCamera):
    """COLMAP's THIN_PRISM_FISHEYE and RAD_TAN_THIN_PRISM_FISHEYE.

    A direction at angle θ has radius θ, with the radial terms θ (1 + k1 θ² + k2 θ⁴ + …).  The
    tangential and prism terms are those of ``cv2.projectPoints``.  They are functions of the
    position with the radial terms if ``radial_first``, else of that without; what they give is
    added to the one with, as in THIN_PRISM_FISHEYE, whose s is (sx1, 0, sy1, 0).

    Source: COLMAP's src/colmap/sensor/models.h, which names Weng, Cohen & Herniou, "Camera
    calibration with distortion models and accuracy evaluation", TPAMI 1992.
    """

    k: tuple[float, ...]  # the radial terms, any number of them
    p: tuple[float, float]  # as OpenCV's: p1 moves the axis along y, p2 along x
    s: tuple[float, float, float, float]  # s1 r² + s2 r⁴ along x, s3 r² + s4 r⁴ along y
    width: Pixels
    height: Pixels
    radial_first: bool = True

    @property
    def _terms(self) -> tuple[float, ...]:
        return (1.0, *self.k) if self.radial_first else (1.0,)

    @cached_property
    def _distortion(self) -> PlaneDistortion:
        radial = () if self.radial_first else self.k
        return PlaneDistortion(radial, (), self.p, self.s, self._curve.values)
