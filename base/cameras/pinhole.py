"""The pinhole camera with OpenCV's radial and tangential distortion."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from base.cameras.camera import AXIS, TABLE_SIZE, Array, Camera, Rising, namespace

#: A plane picture grows without bound towards 90°.
_MAX_THETA = math.radians(85.0)
#: Where the distorted radius rises more slowly than this with the true one, it is about to turn
#: back, and a pixel says little about its ray.
_LEAST_SLOPE = 0.1
#: For the tangential terms, from the solution without them.
_MOST_STEPS = 12
#: Newton's method squares it with the next step.
_LAST_STEP = 1e-7
#: A position that a ray misses by more than this, in focal lengths, is not the ray's.
_MISS = 1e-9


@dataclass(frozen=True)
class PinholeCamera(Camera):
    """Perspective projection, then the Brown–Conrady distortion as in ``cv2.projectPoints``.

    Source: Brown, "Close-range camera calibration", 1971, in OpenCV's parametrisation.

    Attributes:
        fx, fy: focal lengths, pixels.
        distortion: () or (k1, k2, p1, p2[, k3[, k4, k5, k6]]).
    """

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...]
    width: int
    height: int

    def __post_init__(self) -> None:
        if len(self.distortion) not in (0, 4, 5, 8):
            raise ValueError(f"{len(self.distortion)} distortion terms: 0, 4, 5 or 8 are defined")

    @cached_property
    def _terms(self) -> tuple[float, ...]:
        return (*self.distortion, *(0.0,) * 8)[:8]

    def _factor(self, r2: Array) -> tuple[Array, Array]:
        """Distorted over true radius at r², and the derivative by r²."""
        k1, k2, _, _, k3, k4, k5, k6 = self._terms
        above, d_above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), k1 + r2 * (2 * k2 + r2 * (3 * k3))
        if not (k4 or k5 or k6):
            return above, d_above
        below, d_below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6)), k4 + r2 * (2 * k5 + r2 * (3 * k6))
        factor = above / below
        return factor, (d_above - factor * d_below) / below

    @cached_property
    def _radial(self) -> Rising:
        """The distorted radius over the true one, as far as it clearly rises."""

        def radius(r: np.ndarray) -> np.ndarray:
            return r * self._factor(r * r)[0]

        def slope(r: np.ndarray) -> np.ndarray:
            factor, change = self._factor(r * r)
            return factor + 2 * r * r * change

        grid = np.tan(np.linspace(0.0, _MAX_THETA, TABLE_SIZE))
        # The derivatives of the whole distortion form a symmetric matrix.  With this slope it is
        # positive definite all over the disc, and the distortion one-to-one.
        tangential = 7 * math.hypot(*self._terms[2:4]) * grid
        with np.errstate(divide="ignore", invalid="ignore"):  # at a pole
            return Rising(radius, slope, grid, np.maximum(_LEAST_SLOPE, tangential))

    @property
    def max_theta(self) -> float:
        """See :attr:`Camera.max_theta`; never past 85°."""
        return math.atan(self._radial.grid[-1])

    def _bend(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Positions on the plane of a pinhole → with distortion."""
        p1, p2 = self._terms[2:4]
        r2 = x * x + y * y
        factor = self._factor(r2)[0] + 2 * (p1 * y + p2 * x)
        return x * factor + p2 * r2, y * factor + p1 * r2

    def _distort(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        r = namespace(theta).tan(theta)
        return self._bend(r * x, r * y)

    def _undistort(self, a: Array, b: Array) -> tuple[Array, Array]:
        xp = namespace(a)
        distorted = xp.sqrt(a * a + b * b)
        r = self._radial.inverse(distorted)
        share = r / xp.clip(distorted, AXIS, None)
        x, y = a * share, b * share
        if any(self._terms[2:4]):
            x, y = self._refined(x, y, a, b)
        back_a, back_b = self._bend(x, y)
        miss = xp.maximum(abs(back_a - a), abs(back_b - b))
        length = xp.sqrt(x * x + y * y + 1)
        rays = xp.stack([x / length, y / length, 1 / length], -1)
        return rays, miss <= max(_MISS, 64 * float(xp.finfo(a.dtype).eps))

    def _refined(self, x: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Solve :meth:`_bend` (x, y) = (a, b) by Newton's method from (x, y), within the range."""
        xp = namespace(x)
        p1, p2 = self._terms[2:4]
        limit = self._radial.grid[-1]
        for _ in range(_MOST_STEPS):
            r2 = x * x + y * y
            factor, change = self._factor(r2)
            factor = factor + 2 * (p1 * y + p2 * x)
            miss_a, miss_b = x * factor + p2 * r2 - a, y * factor + p1 * r2 - b
            # The matrix of derivatives is symmetric.
            xx = factor + 2 * x * (x * change + 2 * p2)
            yy = factor + 2 * y * (y * change + 2 * p1)
            xy = 2 * (x * y * change + p1 * x + p2 * y)
            determinant = xx * yy - xy * xy
            new_x = x - (yy * miss_a - xy * miss_b) / determinant
            new_y = y - (xx * miss_b - xy * miss_a) / determinant
            radius = xp.sqrt(new_x * new_x + new_y * new_y)
            share = xp.clip(limit / xp.clip(radius, AXIS, None), None, 1.0)
            step = abs(new_x * share - x) + abs(new_y * share - y)
            x, y = new_x * share, new_y * share
            if not (step > _LAST_STEP).any():
                break
        return x, y
