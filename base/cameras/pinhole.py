"""The pinhole camera with OpenCV's distortion."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from base.cameras.camera import PLANE_THETA, RadialCamera
from base.cameras.distortion import LARGEST, PlaneDistortion
from base.cameras.numeric import Array, namespace

#: The sensor is not tilted so far that a ray which is seen runs along it: cosine.
_LEAST_DEPTH = 0.1
_NEARLY_ALONG = 1e-6


@dataclass(frozen=True)
class PinholeCamera(RadialCamera):
    """Perspective projection, then the Brown–Conrady distortion as in ``cv2.projectPoints``.

    Source: Brown, "Close-range camera calibration", 1971, in OpenCV's parametrisation.
    """

    _reach: ClassVar[float] = PLANE_THETA

    fx: float  # focal lengths, pixels
    fy: float
    cx: float
    cy: float
    #: () or (k1, k2, p1, p2[, k3[, k4, k5, k6[, s1, s2, s3, s4[, τx, τy]]]]): radial, tangential
    #: and thin-prism terms, and the sensor's tilt, radians.
    distortion: tuple[float, ...]
    width: int
    height: int

    def __post_init__(self) -> None:
        if len(self.distortion) not in (0, 4, 5, 8, 12, 14):
            raise ValueError(
                f"{len(self.distortion)} distortion terms: 0, 4, 5, 8, 12 or 14 are defined"
            )

    def radius_of(self, theta: Array) -> Array:
        return namespace(theta).tan(theta)

    def angle_of(self, radius: Array) -> Array:
        return namespace(radius).arctan(radius)

    def _slope(self, theta: Array) -> Array:
        return 1 / namespace(theta).cos(theta) ** 2

    @cached_property
    def _tilt(self) -> np.ndarray | None:
        """(3, 3) homography of the plane to the tilted sensor, None for no tilt."""
        if not any(self.distortion[12:]):
            return None
        (sx, sy), (cx, cy) = np.sin(self.distortion[12:]), np.cos(self.distortion[12:])
        turn_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
        turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]) @ turn_x
        drop = np.array([[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1]])
        return drop @ turn

    @property
    def is_round(self) -> bool:
        return self._tilt is None and super().is_round

    @cached_property
    def _distortion(self) -> PlaneDistortion | None:
        if not any(self.distortion):
            return None
        k1, k2, p1, p2, k3, k4, k5, k6, *s = (*self.distortion, *(0.0,) * 12)[:12]
        highest = LARGEST
        if self._tilt is not None:
            *across, depth = self._tilt[2]
            highest = min(LARGEST, (depth - _LEAST_DEPTH) / np.hypot(*across))
        radii = self._curve.values
        return PlaneDistortion((k1, k2, k3), (k4, k5, k6), (p1, p2), s, radii, highest)

    def distort(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        a, b = super().distort(theta, x, y)
        return (a, b) if self._tilt is None else _mapped(self._tilt, a, b)

    def undistort(self, a: Array, b: Array) -> tuple[Array, Array]:
        if self._tilt is not None:
            a, b = _mapped(np.linalg.inv(self._tilt), a, b)
        return super().undistort(a, b)


def _mapped(homography: np.ndarray, a: Array, b: Array) -> tuple[Array, Array]:
    """Positions behind the sensor's horizon become far ones in the same direction."""
    x, y, z = (row[0] * a + row[1] * b + row[2] for row in homography.tolist())
    z = namespace(a).clip(z, _NEARLY_ALONG, None)
    return x / z, y / z
