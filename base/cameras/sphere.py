"""What lenses have in common that project a sphere from one centre or two."""

from abc import abstractmethod

from base.cameras.camera import RadialCamera
from base.cameras.numeric import Array, namespace


class SphereCamera(RadialCamera):
    """A unit ray at angle θ from the axis lands at radius sin θ / depth(θ)."""

    @abstractmethod
    def _depth(self, sin: Array, cos: Array) -> tuple[Array, Array]:
        """The depth at an angle with this sine and cosine, and its derivative by the angle."""

    def radius_of(self, theta: Array) -> Array:
        xp = namespace(theta)
        sin, cos = xp.sin(theta), xp.cos(theta)
        return sin / self._depth(sin, cos)[0]

    def _slope(self, theta: Array) -> Array:
        xp = namespace(theta)
        sin, cos = xp.sin(theta), xp.cos(theta)
        depth, change = self._depth(sin, cos)
        return (cos * depth - sin * change) / (depth * depth)
