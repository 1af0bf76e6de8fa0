"""The rays of a camera's pixels, and scenes that they are cast into."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from base.camera_model import AnyCamera
from dataset.synthetic.output.label_json import RIM


class Traced:
    """A scene with the camera at its origin, to be asked with rays."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self._scene = rtcore_scene.EmbreeScene()
        self._mesh = TriangleMesh(
            scene=self._scene,
            vertices=np.ascontiguousarray(vertices, np.float32),
            indices=np.ascontiguousarray(faces, np.int32),
        )

    def first(self, origins: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
        """First hits: ``primID`` (-1 for none), ``tfar``, ``u``, ``v``, ``Ng``."""
        return self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            output=True,
        )

    def blocked(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(N,) whether anything lies along the rays."""
        hit = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="OCCLUDED",
        )
        return hit >= 0

    def lead(self, points: np.ndarray) -> np.ndarray:
        """(N,) by how much the first surface on the way to (N, 3) points lies before them."""
        distance = np.linalg.norm(points, axis=1)
        hits = self.first(np.zeros_like(points), points / distance[:, None])
        reached = np.where(hits["primID"] >= 0, hits["tfar"], np.inf)
        return np.maximum(distance - reached, 0.0)


@dataclass(frozen=True)
class Rays:
    """Rays of all pixels inside the rim: where they belong, and their directions."""

    size: tuple[int, int]  # (width, height) of the camera's pictures
    step: int  # side of the square of pixels that share a ray
    shape: tuple[int, int]  # (height, width) of the picture of the rays
    pixels: np.ndarray  # (N,) places of the rays in it
    outside: np.ndarray  # those of all other pixels
    directions: np.ndarray  # (N, 3) float32, the camera's axes
    origins: np.ndarray  # (N, 3) zeros
    cosine: np.ndarray  # (N,) of the angle from the optical axis
    stride: int  # every so many pixels a scout looks whether anything is there at all
    scouts: np.ndarray  # (S,) rows of the rays that do
    cells: np.ndarray  # (S,) their places in the grid of scouts

    def promising(self, scene: Traced, directions: np.ndarray) -> np.ndarray:
        """Rows of the rays next to which a scene holds anything, as far as the scouts see.

        Args:
            scene: what they are cast into.
            directions: (N, 3) of all rays in the scene's axes.
        """
        scouted = np.ascontiguousarray(directions[self.scouts])
        height, width = (-(-size // self.stride) for size in self.shape)
        met = np.zeros(height * width, np.uint8)
        met[self.cells] = scene.blocked(self.origins[: len(scouted)], scouted)
        near = cv2.dilate(met.reshape(height, width), np.ones((3, 3), np.uint8))
        near = near.repeat(self.stride, axis=0).repeat(self.stride, axis=1)
        near = near[: self.shape[0], : self.shape[1]]
        return np.flatnonzero(near.ravel()[self.pixels])

    def picture(self, values: np.ndarray) -> np.ndarray:
        """Values (N,) of the rays as a picture of the camera's size, 0 outside the disc."""
        picture = np.zeros(self.shape[0] * self.shape[1], values.dtype)
        picture[self.pixels] = values
        return cv2.resize(picture.reshape(self.shape), self.size, interpolation=cv2.INTER_NEAREST)


@lru_cache(maxsize=2)
def rays_of(full: AnyCamera, step: int) -> Rays:
    """The rays of a camera, one for each ``step`` × ``step`` pixels."""
    camera = full.resized(full.width // step, full.height // step)
    v, u = np.mgrid[: camera.height, : camera.width]
    pixels = np.stack([u, v], -1).reshape(-1, 2).astype(float)
    directions = camera.unproject(pixels)
    inside = np.flatnonzero((directions[:, 2] > np.cos(RIM)) & camera.covers(pixels))
    directions = directions[inside].astype(np.float32)
    shape = camera.height, camera.width
    outside = np.setdiff1d(np.arange(shape[0] * shape[1]), inside)
    stride = 3 if step == 1 else 2
    y, x = np.divmod(inside, shape[1])
    scouts = np.flatnonzero((y % stride == 0) & (x % stride == 0))
    cells = y[scouts] // stride * -(-shape[1] // stride) + x[scouts] // stride
    return Rays(
        size=(full.width, full.height),
        step=step,
        shape=shape,
        pixels=inside,
        outside=outside,
        directions=directions,
        origins=np.zeros_like(directions),
        cosine=np.ascontiguousarray(directions[:, 2]),
        stride=stride,
        scouts=scouts,
        cells=cells,
    )
