"""How a camera turns light into grey levels."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from dataset.synthetic.render.ray_casting import Rays


@dataclass(frozen=True)
class CameraResponse:
    """How a camera develops its pictures."""

    exposure: float  # gain on the linear light
    vignette: float  # loss of light at the rim
    grain: float  # deviation of the noise, grey levels
    blur: float  # of the optics, pixels
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)  # gains of the white balance
    contrast: float = 0.0  # share of an S-shaped tone curve, 0 for none
    saturation: float = 1.0  # of the colours, 0 for grey


def draw_response(rng: np.random.Generator) -> CameraResponse:
    """Draw a camera."""
    warm = float(rng.normal(0.0, 0.06))
    return CameraResponse(
        exposure=float(np.exp(rng.normal(0.38, 0.28))),
        vignette=float(rng.uniform(0.0, 0.35)),
        grain=float(rng.uniform(0.3, 2.5)),
        blur=float(rng.uniform(0.35, 1.1)),
        white=(float(np.exp(0.05 + warm)), 1.0, float(np.exp(-0.05 - warm))),
        contrast=float(rng.uniform(0.0, 0.7)),
        saturation=float(rng.uniform(0.45, 0.92)),
    )


@lru_cache(maxsize=1)
def _grain(height: int, width: int) -> np.ndarray:
    grain = np.random.default_rng(11).standard_normal((height, width)).astype(np.float32)
    return cv2.merge([grain] * 3)


def develop(
    light: np.ndarray, rays: Rays, response: CameraResponse, rng: np.random.Generator
) -> np.ndarray:
    """(H, W, 3) uint8 RGB of the camera's size, black outside the disc.

    Of the linear light (N, 3) float32 of the rays; ``rng`` is the source of the grain.
    """
    fall = (response.exposure * 255**2) * (1 - response.vignette * (1 - rays.cosine))
    grey = np.array([[0.30], [0.59], [0.11]])
    mixing = (response.saturation * np.eye(3) + (1 - response.saturation) * grey) * response.white
    light = light @ mixing.astype(np.float32)
    light *= fall[:, None]
    np.clip(light, 0, 255**2, out=light)
    np.sqrt(light, out=light)
    height, width = rays.shape
    image = np.zeros((height, width, 3), np.float32)
    image.reshape(-1, 3)[rays.pixels] = light
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
