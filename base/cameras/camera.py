"""What a camera model is, and what all lenses of round symmetry have in common.

Everything takes NumPy arrays or torch tensors and returns the same kind.  Pixels have their
centres at integer coordinates (OpenCV's convention): the picture covers [-0.5, width - 0.5).  The
camera frame has x to the right in the picture, y down in it, z along the optical axis.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from base.cameras.distortion import LARGEST, PlaneDistortion
from base.cameras.numeric import AXIS, TABLE_SIZE, Array, Rising, namespace

#: No lens is asked for directions further off axis than this (radians): that of the release turns
#: back at about 103 degrees.
MAX_THETA = math.radians(100.0)
#: Of a side of a picture; 0 where it is not known.
Pixels = Annotated[int, Field(ge=0, lt=2**15)]
#: By how much rounding may carry a ray past the rim, radians.
_ROUNDING = 1e-9


def rays_around(angles: np.ndarray, turns: int) -> np.ndarray:
    """(``turns``, N, 3) unit rays at (N,) angles from the optical axis, radians, all about it."""
    angle, around = np.meshgrid(angles, np.linspace(0, 6.2, turns))
    across = np.sin(angle)
    return np.stack([across * np.cos(around), across * np.sin(around), np.cos(angle)], -1)


class Camera(ABC):
    """A calibrated camera: a frozen dataclass whose fields are numbers and tuples of numbers, among
    them ``cx``, ``cy`` (principal point, pixels), ``width``, ``height`` (picture, pixels) and, if
    it does not replace what uses them, ``fx``, ``fy`` (pixels per unit of its sensor plane).

    The angle alone decides how far from the centre of the sensor plane a ray lands: a lens gives
    :meth:`radius_of` and :meth:`_slope`; the inverse and the range are found here. It may also give
    the distortion of the plane behind it, :attr:`_distortion`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
    #: Angle up to which the formula is defined, radians.
    _reach: ClassVar[float] = MAX_THETA
    _distortion: ClassVar[PlaneDistortion | None] = None

    @abstractmethod
    def radius_of(self, theta: Array) -> Array:
        """Distance from the centre of the plane, before its distortion, of rays at angles θ."""

    @abstractmethod
    def _slope(self, theta: Array) -> Array:
        """Derivative of :meth:`radius_of`."""

    def __getstate__(self) -> dict[str, object]:
        # Without what is computed from the fields, 64 kB.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def is_round(self) -> bool:
        """Whether the angle alone decides the radius also behind the distortion, and the direction
        is kept."""
        return self._distortion is None or self._distortion.is_round

    @cached_property
    def _curve(self) -> Rising:
        grid = np.linspace(0.0, self._reach, TABLE_SIZE)
        highest = LARGEST * self._slope(grid[:1])[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            return Rising(self.radius_of, self._slope, grid, highest=highest)

    @cached_property
    def max_radius(self) -> float:
        """Radius at :attr:`max_theta`, before the distortion."""
        return self._distortion.limit if self._distortion else float(self._curve.values[-1])

    @cached_property
    def max_theta(self) -> float:
        """Largest angle from the optical axis at which the lens is one-to-one, radians."""
        return float(self._curve.grid[np.searchsorted(self._curve.values, self.max_radius)])

    def angle_of(self, radius: Array) -> Array:
        """Inverse of :meth:`radius_of`; larger radii than the curve's largest count as that."""
        return self._curve.inverse(radius)

    def distort(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        """Where rays at angles θ up to :attr:`max_theta`, in the direction of the unit vector
        (x, y) from the axis, meet the sensor plane."""
        radius = self.radius_of(theta)
        a, b = radius * x, radius * y
        return self._distortion.apply(a, b) if self._distortion else (a, b)

    def undistort(self, a: Array, b: Array) -> tuple[Array, Array]:
        """(…, 3) unit rays of positions on the sensor plane, those outside the lens's range drawn
        in to its rim, and (…) bool, which lie inside."""
        xp = namespace(a)
        seen = True
        if self._distortion:
            a, b, seen = self._distortion.undo(a, b)
        radius = xp.sqrt(a * a + b * b)
        theta = self.angle_of(xp.clip(radius, None, self.max_radius))
        scale = xp.sin(theta) / xp.clip(radius, AXIS, None)
        rays = xp.stack([scale * a, scale * b, xp.cos(theta)], -1)
        return rays, seen & (radius <= self.max_radius * (1 + _ROUNDING))

    def to_pixels(self, a: Array, b: Array) -> Array:
        """Pixels (…, 2) of positions on the sensor plane."""
        return namespace(a).stack([self.fx * a + self.cx, self.fy * b + self.cy], -1)

    def to_plane(self, pixels: Array) -> tuple[Array, Array]:
        """Positions on the sensor plane of (…, 2) pixels."""
        return (pixels[..., 0] - self.cx) / self.fx, (pixels[..., 1] - self.cy) / self.fy

    def _scaled(self, sx: float, sy: float) -> dict[str, object]:
        """The fields that say how large the sensor's plane is in pixels, scaled."""
        return {"fx": self.fx * sx, "fy": self.fy * sy}

    def angle(self, points: Array) -> Array:
        """Angle of (…, 3) camera-frame points from the optical axis: (…) radians."""
        xp = namespace(points)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        return xp.arctan2(xp.sqrt(x * x + y * y), z)

    def project(self, points: Array, clamp: bool = False) -> Array:
        """Pixels (…, 2) of (…, 3) camera-frame points in any unit of length; beyond
        :attr:`max_theta` NaN, or with ``clamp`` the place at the rim in the point's direction."""
        xp = namespace(points)
        x, y = points[..., 0], points[..., 1]
        radius = xp.sqrt(x * x + y * y)
        theta = xp.arctan2(radius, points[..., 2])
        away = xp.clip(radius, AXIS, None)
        plane = self.distort(xp.clip(theta, 0.0, self.max_theta), x / away, y / away)
        pixels = self.to_pixels(*plane)
        if clamp:
            return pixels
        return xp.where((theta <= self.max_theta + _ROUNDING)[..., None], pixels, xp.nan)

    def unproject(self, pixels: Array, clamp: bool = False) -> Array:
        """Viewing rays of (…, 2) pixels: (…, 3) unit vectors, camera frame; outside the lens's
        range NaN, or with ``clamp`` the ray at its rim."""
        rays, inside = self.undistort(*self.to_plane(pixels))
        xp = namespace(pixels)
        return rays if clamp else xp.where(inside[..., None], rays, xp.nan)

    def in_picture(self, pixels: Array) -> Array:
        """Which of (…, 2) pixels lie inside the picture's rectangle: (…) bool."""
        x, y = pixels[..., 0], pixels[..., 1]
        inside_x = (x >= -0.5) & (x < self.width - 0.5)
        return inside_x & (y >= -0.5) & (y < self.height - 0.5)

    def in_view(self, points: Array) -> Array:
        """Which of (…, 3) camera-frame points land inside the picture: (…) bool."""
        return self.in_picture(self.project(points))

    def cropped(self, left: float, top: float, width: int, height: int) -> "Camera":
        """The camera of the window of this picture that starts at pixel (left, top)."""
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def resized(self, width: int, height: int) -> "Camera":
        """The camera of this picture resampled to another size (pixel areas, not centres)."""
        sx, sy = width / self.width, height / self.height
        cx, cy = (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5
        return replace(self, cx=cx, cy=cy, width=width, height=height, **self._scaled(sx, sy))


@dataclass(frozen=True)
class FocalCamera(Camera):
    """A camera with focal lengths; further fields follow, ``width`` and ``height`` among them."""

    fx: float  # pixels per unit of the sensor plane, see :meth:`Camera.radius_of`
    fy: float
    cx: float
    cy: float
