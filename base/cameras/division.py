"""The division camera."""

from dataclasses import dataclass

import numpy as np

from base.cameras.camera import PLANE_THETA, InverseRadialCamera
from base.cameras.numeric import TABLE_SIZE, Array, polynomial


@dataclass(frozen=True)
class DivisionCamera(InverseRadialCamera):
    """The ray of plane position (x, y) at radius ρ is (x, y, 1 + k1 ρ² + k2 ρ⁴ + …).

    Source: Fitzgibbon, "Simultaneous linear estimation of multiple view geometry and lens
    distortion", CVPR 2001.
    """

    fx: float  # focal lengths, pixels per radian on the axis
    fy: float
    cx: float
    cy: float
    k: tuple[float, ...]  # one term or more, in focal lengths: k1 = λ f² of a λ in pixels
    width: int
    height: int

    def _depth(self, rho: Array) -> tuple[Array, Array]:
        depth, change = polynomial((1.0, *self.k), rho * rho)
        return depth, 2 * rho * change

    @property
    def _radii(self) -> np.ndarray:
        return np.tan(np.linspace(0.0, PLANE_THETA, TABLE_SIZE))
