"""The field-of-view camera (FOV, ATAN)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from base.cameras.camera import RadialCamera
from base.cameras.numeric import Array, namespace


@dataclass(frozen=True)
class FovCamera(RadialCamera):
    """A ray at angle θ from the axis lands at radius arctan(2 tan θ tan(ω/2)) / ω.

    Source: Devernay & Faugeras, "Straight lines have to be straight", MVA 2001.  It is a
    distortion of a pinhole's picture, and so ends at 90°.
    """

    _reach: ClassVar[float] = math.pi / 2

    fx: float  # pixels per unit of the plane; a small angle lands at fx θ · 2 tan(ω/2) / ω
    fy: float
    cx: float
    cy: float
    omega: float  # radians, above 0 and below π
    width: int
    height: int

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
