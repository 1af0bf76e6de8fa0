"""The pinhole camera with OpenCV's distortion, and the field-of-view camera."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from base.cameras.camera import FocalCamera, Pixels
from base.cameras.distortion import PlaneDistortion
from base.cameras.numeric import Array, namespace


@dataclass(frozen=True)
class PinholeCamera(FocalCamera):
    """Perspective projection, then the Brown–Conrady distortion as in ``cv2.projectPoints``.

    Source: Brown, "Close-range camera calibration", 1971, in OpenCV's parametrisation.
    """

    # A plane picture grows without bound towards 90°.
    _reach: ClassVar[float] = math.radians(85.0)

    #: () or (k1, k2, p1, p2[, k3[, k4, k5, k6[, s1, s2, s3, s4]]]): radial, tangential and
    #: thin-prism terms.
    distortion: tuple[float, ...]
    width: Pixels
    height: Pixels

    def __post_init__(self) -> None:
        if (count := len(self.distortion)) not in (0, 4, 5, 8, 12):
            raise ValueError(f"{count} distortion terms: 0, 4, 5, 8 or 12 are defined")

    def radius_of(self, theta: Array) -> Array:
        return namespace(theta).tan(theta)

    def angle_of(self, radius: Array) -> Array:
        return namespace(radius).arctan(radius)

    def _slope(self, theta: Array) -> Array:
        return 1 / namespace(theta).cos(theta) ** 2

    @cached_property
    def _distortion(self) -> PlaneDistortion | None:
        if not any(self.distortion):
            return None
        k1, k2, p1, p2, k3, k4, k5, k6, *s = (*self.distortion, *(0.0,) * 12)[:12]
        return PlaneDistortion((k1, k2, k3), (k4, k5, k6), (p1, p2), s, self._curve.values)


@dataclass(frozen=True)
class FovCamera(FocalCamera):
    """A ray at angle θ from the axis lands at radius arctan(2 tan θ tan(ω/2)) / ω; a small
    one at fx θ · 2 tan(ω/2) / ω.

    Source: Devernay & Faugeras, "Straight lines have to be straight", MVA 2001.  It is a
    distortion of a pinhole's picture, and so ends at 90°.
    """

    _reach: ClassVar[float] = math.pi / 2

    omega: float  # radians, above 0 and below π
    width: Pixels
    height: Pixels

    def __post_init__(self) -> None:
        if not 0 < self.omega < math.pi:
            raise ValueError(f"omega is {self.omega}: it is in radians, above 0 and below π")

    @property
    def _stretch(self) -> float:
        return 2 * math.tan(self.omega / 2)

    def radius_of(self, theta: Array) -> Array:
        xp = namespace(theta)
        return xp.arctan2(self._stretch * xp.sin(theta), xp.cos(theta)) / self.omega

    def _slope(self, theta: Array) -> Array:
        xp = namespace(theta)
        sin, cos = self._stretch * xp.sin(theta), xp.cos(theta)
        return self._stretch / (self.omega * (sin * sin + cos * cos))
