"""What a camera model is, and what all lenses of round symmetry have in common.

Everything takes NumPy arrays or torch tensors and returns the same kind.  Pixels have their
centres at integer coordinates (OpenCV's convention): the picture covers [-0.5, width - 0.5).  The
camera frame has x to the right in the picture, y down in it, z along the optical axis.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cached_property
from types import ModuleType
from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)

#: No lens is asked for directions further off axis than this (radians): that of the release turns
#: back at about 103 degrees.
MAX_THETA = math.radians(100.0)
#: Under a radius that is divided by; on the axis the numerator vanishes too.
AXIS = 1e-12
#: By how much rounding may carry a ray past the rim, radians.
_ROUNDING = 1e-9
TABLE_SIZE = 4096
_MOST_STEPS = 10
#: Share of a cell; Newton's method squares it with the next step.
_LAST_STEP = 1e-3


def namespace(array: Array) -> ModuleType:
    """The module of an array's functions: NumPy or torch."""
    return torch if isinstance(array, torch.Tensor) else np


class Rising:
    """A function as far as it rises, and its inverse there.

    The inverse looks up the cell of a table that holds the solution and refines it by Newton's
    method, which may not leave the cell: it cannot end on another branch of the function.

    Args:
        function, slope: the function and its derivative.
        grid: rising arguments; from the first where the slope is not above ``least`` on, the
            function counts as falling.
        highest: value from which on it counts so too.

    Attributes:
        grid, values: arguments and values of the rising part.
    """

    def __init__(
        self,
        function: Callable[[Array], Array],
        slope: Callable[[Array], Array],
        grid: np.ndarray,
        least: float | np.ndarray = 0.0,
        highest: float = math.inf,
    ) -> None:
        self._function, self._slope = function, slope
        values = function(grid)
        # A pole between two arguments changes the value's sign and not the slope's.
        rises = (slope(grid) > least) & (np.diff(values, prepend=-1.0) > 0) & (values <= highest)
        # Never empty: a lens that falls at once has a range of one cell.
        end = len(grid) if rises.all() else max(int(np.argmin(rises)), 2)
        self.grid, self.values = grid[:end], values[:end]

    def inverse(self, values: Array) -> Array:
        """Arguments of values, those outside the range of the rising part clipped to it."""
        xp, grid, table = namespace(values), self.grid, self.values
        if xp is torch:
            grid, table = (torch.as_tensor(part).to(values) for part in (grid, table))
        values = xp.clip(values, table[0], table[-1])
        right = xp.clip(xp.searchsorted(table, values), 1, len(table) - 1)
        low, high = grid[right - 1], grid[right]
        found = low
        for _ in range(_MOST_STEPS):
            step = (self._function(found) - values) / xp.clip(self._slope(found), AXIS, None)
            found = xp.clip(found - step, low, high)
            if not (abs(step) > _LAST_STEP * (high - low)).any():
                break
        return found


class Camera(ABC):
    """A calibrated camera: a frozen dataclass whose fields are numbers and tuples of numbers.

    A subclass has the fields ``cx``, ``cy`` (principal point, pixels), ``width``, ``height``
    (picture size, pixels) and, if it does not replace the methods that use them, ``fx`` and ``fy``
    (pixels per unit of its sensor plane).
    """

    def __getstate__(self) -> dict[str, object]:
        # Without what is computed from the fields, 64 kB in a lens of round symmetry.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    @abstractmethod
    def max_theta(self) -> float:
        """Largest angle from the optical axis at which the lens is one-to-one, radians."""

    @abstractmethod
    def _distort(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        """Where rays at angles θ up to :attr:`max_theta`, in the direction of the unit vector
        (x, y) from the axis, meet the sensor plane."""

    @abstractmethod
    def _undistort(self, a: Array, b: Array) -> tuple[Array, Array]:
        """(…, 3) unit rays of positions on the sensor plane, those outside the lens's range drawn
        in to its rim, and (…) bool, which lie inside."""

    def _to_pixels(self, a: Array, b: Array) -> Array:
        return namespace(a).stack([self.fx * a + self.cx, self.fy * b + self.cy], -1)

    def _to_plane(self, pixels: Array) -> tuple[Array, Array]:
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
        """Pixels (…, 2) of (…, 3) camera-frame points in any unit of length.

        Beyond :attr:`max_theta` they are NaN, or with ``clamp`` the place at the rim of the lens
        in the point's direction.
        """
        xp = namespace(points)
        x, y = points[..., 0], points[..., 1]
        radius = xp.sqrt(x * x + y * y)
        theta = xp.arctan2(radius, points[..., 2])
        away = xp.clip(radius, AXIS, None)
        plane = self._distort(xp.clip(theta, 0.0, self.max_theta), x / away, y / away)
        pixels = self._to_pixels(*plane)
        if clamp:
            return pixels
        return xp.where((theta <= self.max_theta + _ROUNDING)[..., None], pixels, xp.nan)

    def unproject(self, pixels: Array, clamp: bool = False) -> Array:
        """Viewing rays of (…, 2) pixels: (…, 3) unit vectors, camera frame.

        Outside the lens's range they are NaN, or with ``clamp`` the ray at its rim.
        """
        rays, inside = self._undistort(*self._to_plane(pixels))
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


class RadialCamera(Camera):
    """A lens of round symmetry: the angle alone decides how far from the centre a ray lands.

    A subclass gives :meth:`radius_of` and :meth:`_slope`; the inverse and the range are found here.
    """

    @abstractmethod
    def radius_of(self, theta: Array) -> Array:
        """Distance from the centre of the sensor plane at which rays at angles θ land."""

    @abstractmethod
    def _slope(self, theta: Array) -> Array:
        """Derivative of :meth:`radius_of`."""

    @cached_property
    def _curve(self) -> Rising:
        return Rising(self.radius_of, self._slope, np.linspace(0.0, MAX_THETA, TABLE_SIZE))

    @property
    def max_theta(self) -> float:
        """See :attr:`Camera.max_theta`: the radius rises up to here, never past 100°."""
        return float(self._curve.grid[-1])

    @property
    def max_radius(self) -> float:
        """Radius at :attr:`max_theta`."""
        return float(self._curve.values[-1])

    def angle_of(self, radius: Array) -> Array:
        """Inverse of :meth:`radius_of`; larger radii than :attr:`max_radius` count as that."""
        return self._curve.inverse(radius)

    def _distort(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        radius = self.radius_of(theta)
        return radius * x, radius * y

    def _undistort(self, a: Array, b: Array) -> tuple[Array, Array]:
        xp = namespace(a)
        radius = xp.sqrt(a * a + b * b)
        theta = self.angle_of(radius)
        scale = xp.sin(theta) / xp.clip(radius, AXIS, None)
        rays = xp.stack([scale * a, scale * b, xp.cos(theta)], -1)
        return rays, radius <= self.max_radius * (1 + _ROUNDING)
