"""The enhanced unified camera (EUCM)."""

from dataclasses import dataclass

from base.cameras.numeric import Array, namespace
from base.cameras.sphere import SphereCamera


@dataclass(frozen=True)
class EucmCamera(SphereCamera):
    """A ray (x, y, z) lands at (x, y) / (α d + (1 − α) z), d = √(β (x² + y²) + z²).

    Source: Khomutenko, Garcia & Martinet, "An enhanced unified camera model", RA-L 2016.
    """

    fx: float  # focal lengths, pixels per radian on the axis
    fy: float
    cx: float
    cy: float
    alpha: float  # 0 to 1; 0 is a pinhole
    beta: float  # above 0
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (0 <= self.alpha <= 1 and self.beta > 0):
            raise ValueError(
                f"alpha is {self.alpha} and beta {self.beta}: alpha is from 0 to 1 and beta above 0"
            )

    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        d = namespace(sin).sqrt(self.beta * sin * sin + cos * cos)
        depth = self.alpha * d + (1 - self.alpha) * cos
        return depth, sin * (self.alpha * (self.beta - 1) * cos / d - (1 - self.alpha))
