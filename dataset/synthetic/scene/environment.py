"""Environment maps: photographed surroundings of a place, and the light that comes from them.

Equirectangular, the first row at the top; seen from within, the middle column is ahead (+z) and
columns run to the right (to -x).  A uniform sky of radiance 1 would light a level floor as the map.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np

from dataset.synthetic.scene.textures import LUMA, sample

#: Maps of rooms, which come first in the files, and size of all.
_ROOMS, _HEIGHT, _WIDTH = 9, 256, 512
#: Radiance of white in pictures; the most that floors mirror; how wide the main light's source is.
_WHITE, _MIRRORED, _SOURCE = 2.0, 12.0, np.radians(25.0)


@lru_cache(maxsize=1)
def _maps() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (18, 256, 512, 3) uint8 RGB, of roots of radiance, and (18, 32, 64, 3) radiance."""
    stem = Path(__file__).parent / "environments"
    coded = np.frombuffer(stem.with_suffix(".jpg").read_bytes(), np.uint8)
    pictures = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    with np.load(stem.with_suffix(".npz")) as file:
        light = file["light"].astype(np.float32)
    return pictures.reshape(len(light), _HEIGHT, _WIDTH, 3), light


@dataclass(frozen=True)
class Environment:
    """Surroundings so far away that only the direction counts."""

    picture: np.ndarray  # (H, W, 3) uint8: 255 times the root of radiance over _WHITE
    light: np.ndarray  # (h, w, 3) float32 radiance, means of cells, not cut off at white
    gain: float = 1.0  # on both

    def seen(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) from (N, 3) unit directions, cut off at white."""
        root = sample(self.picture, *_pixels(directions, self.picture))
        return root * root * np.float32(self.gain * _WHITE / 255**2)

    def mirrored(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) that a polished floor mirrors to who looks along unit directions."""
        return sample(self._blurred, *_pixels(directions * np.float32((1, -1, 1)), self._blurred))

    @cached_property
    def _blurred(self) -> np.ndarray:
        ring = np.pad(np.minimum(self.light, _MIRRORED), ((0, 0), (4, 4), (0, 0)), mode="wrap")
        large = cv2.GaussianBlur(cv2.resize(ring, None, fx=4, fy=4), (0, 0), 2.0)
        large[:12] *= np.linspace(0, 1, 12, dtype=np.float32)[:, None, None]  # the wearer is there
        return np.ascontiguousarray(large[:, 16:-16]) * np.float32(self.gain)

    def main_light(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the light from above: the unit direction (3,) towards the brightest region, the
        irradiance (3,) over pi of what faces it, as far as it is brighter than the mean, and that
        (3,) of the level floor without it."""
        height, width = self.light.shape[:2]
        v, u = np.mgrid[: height // 2, :width].reshape(2, -1) + 0.5
        up, right = np.pi * (0.5 - v / height), 2 * np.pi * (u / width - 0.5)
        level = np.cos(up)
        toward = np.stack([-level * np.sin(right), np.sin(up), level * np.cos(right)], -1)
        solid = 2 * np.pi * level / (width * height)  # angles of the cells over pi
        light = self.gain * self.light[: height // 2].reshape(-1, 3).astype(float)
        total, brightness = (solid * toward[:, 1]) @ light, light @ LUMA
        excess = solid * np.maximum(1 - total @ LUMA / np.maximum(brightness, 1e-9), 0)
        near = toward @ toward.T > np.cos(_SOURCE)
        excess *= near[np.argmax(near @ (excess * brightness))]
        direction = (excess * brightness) @ toward
        direction = direction / np.linalg.norm(direction) if direction.any() else toward[0]
        return direction, excess @ light, total - (excess * toward[:, 1]) @ light


def _pixels(directions: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows (N,) of a map in which (N, 3) unit directions lie, 0 mid first pixel."""
    height, width = picture.shape[:2]
    x, y, z = directions.T
    right = np.arctan2(-x, z) * np.float32(width / (2 * np.pi)) + np.float32(width / 2 - 0.5)
    down = np.arccos(np.clip(y, -1, 1)) * np.float32(height / np.pi) - np.float32(0.5)
    return right, np.clip(down, 0, height - 1)


def draw_environment(rng: np.random.Generator, outdoors: bool) -> Environment:
    """Draw a map of a room or of outdoors, turned and at times mirrored."""
    pictures, lights = _maps()
    row = int(rng.integers(_ROOMS, len(lights)) if outdoors else rng.integers(_ROOMS))
    steps, mirrored = int(rng.integers(lights.shape[2])), bool(rng.random() < 0.5)
    return turned(Environment(pictures[row], lights[row]), steps, mirrored)


def turned(environment: Environment, steps: int, mirrored: bool) -> Environment:
    """The map mirrored left to right, then turned to the right by ``steps`` cells of its light."""
    maps = environment.picture, environment.light
    picture, light = (each[:, ::-1] if mirrored else each for each in maps)
    picture = np.roll(picture, steps * picture.shape[1] // light.shape[1], axis=1)
    return Environment(picture, np.roll(light, steps, axis=1), environment.gain)
