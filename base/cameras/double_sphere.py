"""The double sphere camera."""

from dataclasses import dataclass

from base.cameras.numeric import Array, namespace
from base.cameras.sphere import SphereCamera


@dataclass(frozen=True)
class DoubleSphereCamera(SphereCamera):
    """A unit ray (x, y, z) lands at (x, y) / (α d + (1 − α)(ξ + z)), d = |(x, y, ξ + z)|.

    Source: Usenko, Demmel & Cremers, "The double sphere camera model", 3DV 2018.
    """

    fx: float  # pixels per unit of the plane; a small angle lands at fx θ / (1 + ξ)
    fy: float
    cx: float
    cy: float
    xi: float  # distance of the two spheres' centres, above −1
    alpha: float  # 0 to 1
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (self.xi > -1 and 0 <= self.alpha <= 1):
            raise ValueError(
                f"xi is {self.xi} and alpha {self.alpha}: xi is above -1 and alpha from 0 to 1"
            )

    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        away = cos + self.xi
        d = namespace(sin).sqrt(sin * sin + away * away)
        depth = self.alpha * d + (1 - self.alpha) * away
        return depth, -sin * (self.alpha * self.xi / d + 1 - self.alpha)
