"""The fisheye polynomial with tangential and thin-prism terms."""

from dataclasses import dataclass
from functools import cached_property

from base.cameras.camera import RadialCamera
from base.cameras.distortion import PlaneDistortion
from base.cameras.numeric import Array, polynomial


@dataclass(frozen=True)
class ThinPrismFisheyeCamera(RadialCamera):
    """COLMAP's THIN_PRISM_FISHEYE and RAD_TAN_THIN_PRISM_FISHEYE, Project Aria's Fisheye624.

    A direction at angle θ has radius θ, with the radial terms θ (1 + k1 θ² + k2 θ⁴ + …).  The
    tangential and prism terms are those of ``cv2.projectPoints``.  They are functions of the
    position with the radial terms if ``radial_first``, else of that without; what they give is
    added to the one with, as in THIN_PRISM_FISHEYE, whose s is (sx1, 0, sy1, 0).

    Sources: COLMAP's src/colmap/sensor/models.h, which names Weng, Cohen & Herniou, "Camera
    calibration with distortion models and accuracy evaluation", TPAMI 1992; Project Aria's
    documentation of its camera intrinsic models.
    """

    fx: float  # focal lengths, pixels per radian on the axis
    fy: float
    cx: float
    cy: float
    k: tuple[float, ...]  # the radial terms, any number of them
    p: tuple[float, float]  # as OpenCV's: p1 moves the axis along y, p2 (Aria's first) along x
    s: tuple[float, float, float, float]  # s1 r² + s2 r⁴ along x, s3 r² + s4 r⁴ along y
    width: int
    height: int
    radial_first: bool = True

    def __post_init__(self) -> None:
        if (len(self.p), len(self.s)) != (2, 4):
            raise ValueError(f"{len(self.p)} terms p and {len(self.s)} s: they are 2 and 4")

    @property
    def _curve_terms(self) -> tuple[float, ...]:
        return (1.0, *self.k) if self.radial_first else (1.0,)

    def radius_of(self, theta: Array) -> Array:
        return theta * polynomial(self._curve_terms, theta * theta)[0]

    def _slope(self, theta: Array) -> Array:
        factor, change = polynomial(self._curve_terms, theta * theta)
        return factor + 2 * theta * theta * change

    @cached_property
    def _distortion(self) -> PlaneDistortion:
        radial = () if self.radial_first else self.k
        return PlaneDistortion(radial, (), self.p, self.s, self._curve.values)
