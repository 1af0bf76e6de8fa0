"""The rays of a camera's pixels, and scenes that they are cast into."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from base.cameras.camera import Camera
from dataset.synthetic.output.label_json import RIM


class Traced:
    """A scene with the camera at its origin, to be asked with rays (N, 3)."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self._scene = rtcore_scene.EmbreeScene()
        faces = np.ascontiguousarray(faces, np.int32)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(vertices, np.float32), faces)

    def _cast(self, origins: np.ndarray, directions: np.ndarray, **how) -> Any:
        rays = (np.ascontiguousarray(each, np.float32) for each in (origins, directions))
        return self._scene.run(*rays, **how)

    def first(self, origins: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
        """First hits: ``primID`` (-1 for none), ``tfar``, ``u``, ``v``, ``Ng``."""
        return self._cast(origins, directions, output=True)

    def blocked(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(N,) whether anything lies along the rays."""
        return self._cast(origins, directions, query="OCCLUDED") >= 0

    def lead(self, points: np.ndarray) -> np.ndarray:
        """(N,) by how much the first surface on the way to (N, 3) points lies before them."""
        distance = np.linalg.norm(points, axis=1)
        hits = self.first(np.zeros_like(points), points / distance[:, None])
        reached = np.where(hits["primID"] >= 0, hits["tfar"], np.inf)
        return np.maximum(distance - reached, 0.0)


class Rays:
    """Rays of all pixels inside the rim, one for each ``step`` × ``step`` pixels.

    Attributes:
        size: (width, height) of the camera's pictures.
        step: as given.
        shape: (height, width) of the picture of the rays.
        pixels: (N,) places of the rays in it.
        outside: places without a ray.
        directions: (N, 3) float32, the camera's axes.
        origins: (N, 3) zeros.
        cosine: (N,) of the angle from the optical axis.
    """

    def __init__(self, full: Camera, step: int):
        self.size, self.step = (full.width, full.height), step
        camera = full.resized(full.width // step, full.height // step)
        self.shape = height, width = camera.height, camera.width
        v, u = np.mgrid[:height, :width]
        pixels = np.stack([u, v], -1).reshape(-1, 2).astype(float)
        directions = camera.unproject(pixels)
        inside = directions[:, 2] > np.cos(RIM)
        self.pixels, self.outside = np.flatnonzero(inside), np.flatnonzero(~inside)
        self.directions = directions[inside].astype(np.float32)
        self.origins = np.zeros_like(self.directions)
        self.cosine = np.ascontiguousarray(self.directions[:, 2])
        # Every so many pixels a scout looks whether anything is there at all.
        self._stride = stride = 3 if step == 1 else 2
        self._grid = -(-height // stride), -(-width // stride)
        y, x = np.divmod(self.pixels, width)
        self._scouts = np.flatnonzero((y % stride == 0) & (x % stride == 0))
        self._cells = y[self._scouts] // stride * self._grid[1] + x[self._scouts] // stride

    def promising(self, scene: Traced, directions: np.ndarray) -> np.ndarray:
        """Rows of the rays next to which a scene holds anything, as far as the scouts see.

        Args:
            scene: what they are cast into.
            directions: (N, 3) of all rays in the scene's axes.
        """
        met = np.zeros(self._grid, np.uint8)
        scouted = directions[self._scouts]
        met.ravel()[self._cells] = scene.blocked(self.origins[: len(scouted)], scouted)
        near = cv2.dilate(met, np.ones((3, 3), np.uint8))
        near = near.repeat(self._stride, axis=0).repeat(self._stride, axis=1)
        near = near[: self.shape[0], : self.shape[1]]
        return np.flatnonzero(near.ravel()[self.pixels])

    def picture(self, values: np.ndarray) -> np.ndarray:
        """Values (N,) of the rays as a picture of the camera's size, 0 outside the disc."""
        picture = np.zeros(self.shape, values.dtype)
        picture.ravel()[self.pixels] = values
        return cv2.resize(picture, self.size, interpolation=cv2.INTER_NEAREST)


rays_of = lru_cache(maxsize=2)(Rays)
