"""Lenses that project a sphere from one centre or two."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

from base.cameras.camera import FocalCamera, Pixels
from base.cameras.distortion import PlaneDistortion
from base.cameras.numeric import Array, namespace


class _SphereCamera(FocalCamera):
    """A unit ray at angle θ from the axis lands at radius sin θ / depth(θ)."""

    @abstractmethod
    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        """The depth at an angle with this sine and cosine, and its derivative by the angle."""

    def radius_of(self, theta: Array) -> Array:
        sin, cos = namespace(theta).sin(theta), namespace(theta).cos(theta)
        return sin / self._depth(sin, cos)[0]

    def _slope(self, theta: Array) -> Array:
        sin, cos = namespace(theta).sin(theta), namespace(theta).cos(theta)
        depth, change = self._depth(sin, cos)
        return (cos * depth - sin * change) / (depth * depth)


@dataclass(frozen=True)
class UnifiedCamera(_SphereCamera):
    """The unified omnidirectional camera (MEI): a unit ray (x, y, z) lands at (x, y) / (z + ξ),
    then the plane is distorted; a small angle lands at fx θ / (1 + ξ).

    Source: Mei & Rives, "Single view point omnidirectional camera calibration from planar grids",
    ICRA 2007; distortion as in ``cv2.omnidir``, and Kalibr's "omni-radtan".
    """

    xi: float  # distance of the centre of projection from that of the sphere; 0 is a pinhole
    distortion: tuple[float, ...]  # () or (k1, k2, p1, p2[, k3])
    width: Pixels
    height: Pixels

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


@dataclass(frozen=True)
class DoubleSphereCamera(_SphereCamera):
    """A unit ray (x, y, z) lands at (x, y) / (α d + (1 − α)(ξ + z)), d = |(x, y, ξ + z)|; a small
    angle at fx θ / (1 + ξ).

    Source: Usenko, Demmel & Cremers, "The double sphere camera model", 3DV 2018.
    """

    xi: float  # distance of the two spheres' centres, above −1
    alpha: float  # 0 to 1
    width: Pixels
    height: Pixels

    def __post_init__(self) -> None:
        if not (self.xi > -1 and 0 <= self.alpha <= 1):
            stated = f"xi is {self.xi} and alpha {self.alpha}"
            raise ValueError(f"{stated}: xi is above -1 and alpha from 0 to 1")

    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        away = cos + self.xi
        d = namespace(sin).sqrt(sin * sin + away * away)
        depth = self.alpha * d + (1 - self.alpha) * away
        return depth, -sin * (self.alpha * self.xi / d + 1 - self.alpha)


@dataclass(frozen=True)
class EucmCamera(_SphereCamera):
    """A ray (x, y, z) lands at (x, y) / (α d + (1 − α) z), d = √(β (x² + y²) + z²).

    Source: Khomutenko, Garcia & Martinet, "An enhanced unified camera model", RA-L 2016.
    """

    alpha: float  # 0 to 1; 0 is a pinhole
    beta: float  # above 0
    width: Pixels
    height: Pixels

    def __post_init__(self) -> None:
        if not (0 <= self.alpha <= 1 and self.beta > 0):
            stated = f"alpha is {self.alpha} and beta {self.beta}"
            raise ValueError(f"{stated}: alpha is from 0 to 1 and beta above 0")

    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        d = namespace(sin).sqrt(self.beta * sin * sin + cos * cos)
        depth = self.alpha * d + (1 - self.alpha) * cos
        return depth, sin * (self.alpha * (self.beta - 1) * cos / d - (1 - self.alpha))
