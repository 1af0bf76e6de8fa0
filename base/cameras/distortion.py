"""Distortion of the plane behind a lens: radial, tangential and thin-prism terms."""

from collections.abc import Sequence

import numpy as np

from base.cameras.numeric import AXIS, Array, Rising, namespace, polynomial

#: Farther from the axis there is no sensor, focal lengths; near a pole a formula leads there.
LARGEST = 12.0
#: Where the distorted position moves more slowly than this with the true one, in any direction,
#: the distortion is about to turn back, and a pixel says little about its ray.
_LEAST_SLOPE = 0.1
_PHI = np.linspace(0.0, 2 * np.pi, 32, endpoint=False)
#: Directions in which that is checked.
_CIRCLE = np.cos(_PHI), np.sin(_PHI)
#: Of Newton's method, which squares the last step with the next.
_MOST_STEPS, _LAST_STEP = 20, 1e-7
#: A position that a ray misses by more than this, in focal lengths, is not the ray's.
_MISS = 1e-9


class PlaneDistortion:
    """(x, y) at r² = x² + y² →
    x (f + 2 p1 y + 2 p2 x) + p2 r² + s1 r² + s2 r⁴,
    y (f + 2 p1 y + 2 p2 x) + p1 r² + s3 r² + s4 r⁴ with
    f = (1 + above1 r² + above2 r⁴ + …) / (1 + below1 r² + …).

    Source: Brown, "Close-range camera calibration", 1971, in the terms of ``cv2.projectPoints``.
    ``radii`` rise as far as the distortion is asked for. ``limit`` is the radius of the disc on
    which it is one-to-one, ``is_round`` whether it keeps the direction from the centre.
    """

    def __init__(
        self,
        above: Sequence[float],
        below: Sequence[float],
        p: Sequence[float],
        s: Sequence[float],
        radii: np.ndarray,
    ) -> None:
        self._above, self._below, self._p, self._s = (1.0, *above), (1.0, *below), p, s
        self.is_round = not (any(p) or any(s))
        with np.errstate(divide="ignore", invalid="ignore"):  # at a pole
            # One-to-one is a map on a disc on which the symmetric part of the derivatives' matrix
            # is positive definite.
            x, y = (radii[:, None] * side[: 1 if self.is_round else None] for side in _CIRCLE)
            (a, b), ((aa, ab), (ba, bb)) = self._with_derivatives(x, y)
            smallest = (aa + bb - np.hypot(aa - bb, ab + ba)) / 2
            usable = ((smallest > _LEAST_SLOPE) & (np.hypot(a, b) <= LARGEST)).all(-1)
            end = len(radii) if usable.all() else max(int(np.argmin(usable)), 2)
            self._radial = Rising(
                lambda r: r * self._factor(r * r)[0], self._radial_slope, radii[:end]
            )
        self.limit = float(self._radial.grid[-1])
        a, b = self.apply(*(self.limit * side for side in _CIRCLE))
        #: No position of a ray is farther from the centre than this.
        self._farthest = 1.01 * float(np.hypot(a, b).max())

    def _factor(self, r2: Array) -> tuple[Array, Array]:
        """f at r², and its derivative by r²."""
        above, d_above = polynomial(self._above, r2)
        if not any(self._below[1:]):
            return above, d_above
        below, d_below = polynomial(self._below, r2)
        factor = above / below
        return factor, (d_above - factor * d_below) / below

    def _radial_slope(self, r: Array) -> Array:
        factor, change = self._factor(r * r)
        return factor + 2 * r * r * change

    def _with_derivatives(self, x: Array, y: Array) -> tuple:
        """The distorted position (a, b), and ((∂a/∂x, ∂a/∂y), (∂b/∂x, ∂b/∂y))."""
        (p1, p2), (s1, s2, s3, s4) = self._p, self._s
        r2 = x * x + y * y
        factor, change = self._factor(r2)
        factor = factor + 2 * (p1 * y + p2 * x)
        # The shift along each axis, and its derivative by r².
        along_x, d_x = polynomial((0.0, p2 + s1, s2), r2)
        along_y, d_y = polynomial((0.0, p1 + s3, s4), r2)
        factor_x, factor_y = 2 * (x * change + p2), 2 * (y * change + p1)
        slopes = (
            (factor + x * factor_x + 2 * x * d_x, x * factor_y + 2 * y * d_x),
            (y * factor_x + 2 * x * d_y, factor + y * factor_y + 2 * y * d_y),
        )
        return (x * factor + along_x, y * factor + along_y), slopes

    def apply(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Positions on the plane → with distortion."""
        return self._with_derivatives(x, y)[0]

    def undo(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """Inverse of :meth:`apply`: positions, those outside :attr:`limit` drawn in to it, and
        (…) bool, which lie inside."""
        xp = namespace(a)
        distorted = xp.sqrt(a * a + b * b)
        share = self._radial.inverse(distorted) / xp.clip(distorted, AXIS, None)
        x, y = a * share, b * share
        if not self.is_round:
            # Not towards a position far outside: on the rim that leads astray.
            near = xp.clip(self._farthest / xp.clip(distorted, AXIS, None), None, 1.0)
            x, y = self._refined(x, y, a * near, b * near)
        back_a, back_b = self.apply(x, y)
        miss = xp.maximum(abs(back_a - a), abs(back_b - b))
        return x, y, miss <= max(_MISS, 64 * float(xp.finfo(a.dtype).eps))

    def _refined(self, x: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Solve :meth:`apply` (x, y) = (a, b) by Newton's method from (x, y), within the limit."""
        xp = namespace(x)
        for _ in range(_MOST_STEPS):
            (found_a, found_b), ((aa, ab), (ba, bb)) = self._with_derivatives(x, y)
            miss_a, miss_b = found_a - a, found_b - b
            determinant = aa * bb - ab * ba
            new_x = x - (bb * miss_a - ab * miss_b) / determinant
            new_y = y - (aa * miss_b - ba * miss_a) / determinant
            radius = xp.sqrt(new_x * new_x + new_y * new_y)
            share = xp.clip(self.limit / xp.clip(radius, AXIS, None), None, 1.0)
            step = abs(new_x * share - x) + abs(new_y * share - y)
            x, y = new_x * share, new_y * share
            if not (step > _LAST_STEP).any():
                break
        return x, y
