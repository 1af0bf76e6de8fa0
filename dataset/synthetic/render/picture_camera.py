"""A camera's rays, and how it turns light into grey levels."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from base.headset import Headset
from dataset.synthetic.meshes import Traced
from dataset.synthetic.scene.textures import LUMA


class Rays:
    """Rays of all pixels inside the rim, one for each ``step`` × ``step`` pixels of a headset:
    ``directions`` (N, 3) float32 in the camera's axes, ``cosine`` (N,) to the optical axis,
    ``pixels`` (N,) their places in a picture of ``shape``, ``outside`` the other places; at the
    principal point ``per_radian`` pixels, to the nearest ten."""

    def __init__(self, headset: Headset, step: int):
        full = headset.camera
        centre = full.unproject(np.array([[full.cx, full.cy], [full.cx + 1, full.cy]]))
        self.per_radian = max(round(1 / np.linalg.norm(centre[1] - centre[0]), -1), 10.0) / step
        self.size, self.step = (full.width, full.height), step
        camera = full.resized(full.width // step, full.height // step)
        self.shape = height, width = camera.height, camera.width
        pixels = np.indices((height, width))[::-1].reshape(2, -1).T.astype(float)
        directions = camera.unproject(pixels)
        inside = directions[:, 2] > np.cos(headset.rim)
        self.pixels, self.outside = np.flatnonzero(inside), np.flatnonzero(~inside)
        self.directions = directions[inside].astype(np.float32)
        self.cosine = np.ascontiguousarray(self.directions[:, 2])
        # Every so many pixels a scout ray finds out whether anything is there at all.
        self._stride = stride = 3 if step == 1 else 2
        y, x = np.divmod(self.pixels, width)
        self._scouts = np.flatnonzero((y % stride == 0) & (x % stride == 0))
        self._cells = y // stride, x // stride

    def promising(self, scene: Traced, directions: np.ndarray) -> np.ndarray:
        """Rows of those of the rays (N, 3) next to which a scene holds anything the scouts see."""
        met, stride = np.zeros(self.shape, np.uint8), self._stride
        met.ravel()[self.pixels[self._scouts]] = scene.blocked(directions[self._scouts])
        near = cv2.dilate(met[::stride, ::stride], np.ones((3, 3), np.uint8))
        return np.flatnonzero(near[self._cells])

    def picture(self, values: np.ndarray) -> np.ndarray:
        """Values (N,) of the rays as a picture of the camera's size, 0 outside the disc."""
        picture = np.zeros(self.shape, values.dtype)
        picture.ravel()[self.pixels] = values
        return cv2.resize(picture, self.size, interpolation=cv2.INTER_NEAREST)


rays_of = lru_cache(maxsize=2)(Rays)


class CameraResponse(NamedTuple):
    exposure: float  # gain on the linear light
    vignette: float  # loss of light at the rim
    grain: float  # deviation of the noise, grey levels
    blur: float  # of the optics, pixels
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)  # gains of the white balance
    contrast: float = 0.0  # share of an S-shaped tone curve, 0 for none
    saturation: float = 1.0  # of the colours, 0 for grey


def draw_response(rng: np.random.Generator) -> CameraResponse:
    warm, exposure = rng.normal(0.0, 0.06), np.exp(rng.normal(0.38, 0.28))
    spans = (0.0, 0.35), (0.3, 2.5), (0.35, 1.1), (0.0, 0.7), (0.45, 0.92)
    *others, contrast, saturation = (float(rng.uniform(*span)) for span in spans)
    white = float(np.exp(0.05 + warm)), 1.0, float(np.exp(-0.05 - warm))
    return CameraResponse(float(exposure), *others, white, contrast, saturation)


@lru_cache(maxsize=1)
def _grain(height: int, width: int) -> np.ndarray:
    grain = np.random.default_rng(11).standard_normal((height, width)).astype(np.float32)
    return cv2.merge([grain] * 3)


def develop(
    light: np.ndarray, rays: Rays, response: CameraResponse, rng: np.random.Generator
) -> np.ndarray:
    """(H, W, 3) uint8 RGB of the camera's size, black outside the disc, of the linear light (N, 3)
    float32 of the rays; ``rng`` is the source of the grain."""
    fall = (response.exposure * 255**2) * (1 - response.vignette * (1 - rays.cosine))
    grey = LUMA[:, None]
    mixing = (response.saturation * np.eye(3) + (1 - response.saturation) * grey) * response.white
    light = light @ mixing.astype(np.float32) * fall[:, None]
    height, width = rays.shape
    image = np.zeros((height, width, 3), np.float32)
    image.reshape(-1, 3)[rays.pixels] = np.sqrt(light.clip(0, 255**2))
    image = cv2.GaussianBlur(image, (0, 0), max(response.blur / rays.step, 0.3))
    table = _grain(max(1024, height + 200), max(1400, width + 100))
    y, x = rng.integers(0, table.shape[0] - height), rng.integers(0, table.shape[1] - width)
    grain = table[y : y + height, x : x + width]
    # Rounds and saturates.
    image = cv2.addWeighted(image, 1.0, grain, response.grain, 0.0, dtype=cv2.CV_8U)
    tone = np.linspace(0, 1, 256)
    curve = tone + response.contrast * (tone * tone * (3 - 2 * tone) - tone)
    image = cv2.LUT(image, np.round(curve * 255).astype(np.uint8))
    image.reshape(-1, 3)[rays.outside] = 0
    if rays.step > 1:
        image = cv2.resize(image, rays.size, interpolation=cv2.INTER_LINEAR)
    return image
