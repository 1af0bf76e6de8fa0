"""Pictures of one camera re-rendered as another would have seen them."""

import math

import cv2
import numpy as np

from base.cameras.camera import Camera

#: Where a pixel without a source is sent: far outside, so that it becomes black.
_NOWHERE = -1e4
#: Pixels past this angle are black in the training pictures: the rim of their lens.
RIM = np.pi / 2


class CameraWarp:
    """Each pixel of the target's picture looks along its ray into the source's.

    Exact for what is far compared with the distance between the two cameras, whatever the lens. The
    map is computed once and applied in fixed point. A picture with many more pixels than the result
    needs is first halved, averaging over areas, as often as it takes for nothing to alias.

    ``rotation`` (3, 3) turns directions in the target's frame to the source's; ``rim`` is the angle
    from the source's axis, radians, beyond which its pictures show nothing, by default as far as
    its lens's model reaches.
    """

    def __init__(
        self,
        source: Camera,
        target: Camera,
        rotation: np.ndarray | None = None,
        rim: float = math.inf,
    ) -> None:
        self.source, self.target = source, target
        self.rotation = np.eye(3) if rotation is None else np.asarray(rotation, np.float64)
        self._rim = min(rim, source.max_theta)
        v, u = np.mgrid[: target.height, : target.width].astype(np.float64)
        grid = np.stack([u, v], -1)
        # Rays are NaN, and not seen, where the target's lens has none.
        rays = target.unproject(grid)
        places, seen = self._look(rays)
        angles = np.nan_to_num(target.angle(rays), nan=np.pi)
        #: (H, W) bool, which pixels of the result show anything.
        self.seen = seen & (angles <= RIM)
        #: Angle from the target's axis up to which everything is seen, radians.
        self.edge = float(np.min(angles[~self.seen], initial=RIM))
        #: How often a picture is halved.
        self.halvings = round(math.log2(self._coarsest(places)))
        #: Source pixels per pixel of the shrunk picture: a power of two, since OpenCV averages over
        #: blocks of 2×2 ten times as fast as over 3×3.
        self.factor = 2**self.halvings
        width, height = source.width // self.factor, source.height // self.factor
        self._size = (width, height)
        # Pixel areas: the centre of a block of n pixels is (n - 1) / 2 from its first.
        small = (places + 0.5) / self.factor - 0.5
        small = np.clip(small, 0, [width - 1, height - 1])
        small[~self.seen] = _NOWHERE
        #: (H, W, 2) pixels of the shrunk picture that those of the result show, float32.
        self.places = small.astype(np.float32)
        self._map = cv2.convertMaps(
            small[..., 0].astype(np.float32), small[..., 1].astype(np.float32), cv2.CV_16SC2
        )

    def _look(self, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where (…, 3) target rays land in the source (…, 2), and whether it sees them (…)."""
        turned = rays @ self.rotation.T
        places = self.source.project(turned, clamp=True)
        seen = (self.source.angle(turned) < self._rim) & self.source.in_picture(places)
        return places, seen

    def _coarsest(self, places: np.ndarray) -> float:
        """Source pixels per pixel of the result, where these are fewest; 1 at least."""
        right = np.linalg.norm(np.diff(places, axis=1), axis=-1)[:-1]
        down = np.linalg.norm(np.diff(places, axis=0), axis=-1)[:, :-1]
        steps = np.sqrt(right * down)[self.seen[:-1, :-1] & self.seen[1:, 1:]]
        return max(1.0, float(np.nanpercentile(steps, 5))) if len(steps) else 1.0

    def image(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 picture of the source → the target's, black where nothing is seen."""
        if self.halvings:
            width, height = self._size
            image = image[: height * self.factor, : width * self.factor]
        for _ in range(self.halvings):
            half = image.shape[1] // 2, image.shape[0] // 2
            image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
        return cv2.remap(image, *self._map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

    def points(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) source pixels → target pixels."""
        rays = self.source.unproject(points.astype(np.float64), clamp=True) @ self.rotation
        return self.target.project(rays, clamp=True).astype(points.dtype)

    def points_back(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) target pixels → source pixels."""
        rays = self.target.unproject(points.astype(np.float64), clamp=True)
        return self._look(rays)[0].astype(points.dtype)

    def camera(self, camera: Camera) -> Camera:
        """Camera of the result, whatever that of the source."""
        return self.target
