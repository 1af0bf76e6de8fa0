"""The unified omnidirectional camera (MEI)."""

from dataclasses import dataclass
from functools import cached_property

from base.cameras.distortion import PlaneDistortion
from base.cameras.numeric import Array
from base.cameras.sphere import SphereCamera


@dataclass(frozen=True)
class UnifiedCamera(SphereCamera):
    """A unit ray (x, y, z) lands at (x, y) / (z + ξ), then the plane is distorted.

    Source: Mei & Rives, "Single view point omnidirectional camera calibration from planar grids",
    ICRA 2007; distortion as in ``cv2.omnidir``, and Kalibr's "omni-radtan".
    """

    fx: float  # pixels per unit of the plane (γ); a small angle lands at fx θ / (1 + ξ)
    fy: float
    cx: float
    cy: float
    xi: float  # distance of the centre of projection from that of the sphere; 0 is a pinhole
    distortion: tuple[float, ...]  # () or (k1, k2, p1, p2[, k3])
    width: int
    height: int

    def __post_init__(self) -> None:
        if len(self.distortion) not in (0, 4, 5):
            raise ValueError(f"{len(self.distortion)} distortion terms: 0, 4 or 5 are defined")
        if not self.xi >= 0:
            raise ValueError(f"xi is {self.xi}: it is 0 or more")

    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        return cos + self.xi, -sin

    @cached_property
    def _distortion(self) -> PlaneDistortion | None:
        if not any(self.distortion):
            return None
        k1, k2, p1, p2, k3 = (*self.distortion, 0.0)[:5]
        return PlaneDistortion((k1, k2, k3), (), (p1, p2), (0.0,) * 4, self._curve.values)
