"""Textures and colours of a place: smooth noise, smaller copies, samples between pixels."""

import cv2
import numpy as np

#: Brightness of linear RGB: the weight of each.
LUMA = np.array([0.30, 0.59, 0.11])
#: Walls and what stands before them, sRGB: mostly white, cream, wood and grey.
INDOOR = np.array([
    (0.88, 0.86, 0.82), (0.84, 0.78, 0.68), (0.78, 0.70, 0.60), (0.70, 0.68, 0.64),
    (0.52, 0.38, 0.26), (0.36, 0.26, 0.18), (0.24, 0.18, 0.14), (0.62, 0.46, 0.32),
    (0.30, 0.30, 0.31), (0.48, 0.47, 0.45), (0.14, 0.14, 0.15), (0.93, 0.92, 0.90),
    (0.58, 0.34, 0.25), (0.36, 0.42, 0.36), (0.34, 0.40, 0.48), (0.44, 0.20, 0.17),
])  # fmt: skip
#: Houses, fences, stone, bark and soil.
OUTDOOR = np.array([
    (0.62, 0.40, 0.30), (0.70, 0.60, 0.48), (0.52, 0.48, 0.42), (0.36, 0.28, 0.21),
    (0.80, 0.76, 0.68), (0.30, 0.34, 0.24), (0.44, 0.42, 0.38), (0.24, 0.22, 0.19),
])  # fmt: skip
#: Things of plastic and paint: one in eight.
_VIVID = np.array([(0.78, 0.62, 0.16), (0.2, 0.33, 0.55), (0.62, 0.18, 0.14), (0.22, 0.42, 0.3)])


def draw_colour(rng: np.random.Generator, palette: np.ndarray, vivid=0.125) -> np.ndarray:
    """An sRGB colour of a palette, never quite the same."""
    chosen = _VIVID if rng.random() < vivid else palette
    colour = chosen[rng.integers(len(chosen))] * rng.uniform(0.75, 1.2)
    return np.clip(colour * rng.normal(1.0, 0.04, 3), 0.02, 0.98)


def noise(rng: np.random.Generator, size: int, octaves: tuple[int, ...], wide: int = 0):
    """Periodic smooth noise: (size, wide or size) float32 of about zero mean, unit deviation."""
    wide = wide or size
    total = np.zeros((size, wide), np.float32)
    for cells in octaves:
        grid = rng.standard_normal((cells, cells * wide // size)).astype(np.float32)
        scale = size // cells
        padded = np.pad(grid, 2, mode="wrap")
        big = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += big[2 * scale : 2 * scale + size, 2 * scale : 2 * scale + wide] / cells**0.5
    return total / total.std()


def mipmap(texture: np.ndarray, levels: int = 5) -> list[np.ndarray]:
    """The texture and its halves, finest first."""
    stack = [texture]
    while len(stack) < levels:
        stack.append(cv2.resize(stack[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return stack


def sample(image: np.ndarray, u: np.ndarray, v: np.ndarray, border=cv2.BORDER_WRAP) -> np.ndarray:
    """Bilinear samples (N,) or (N, 3) float32 of an image at (N,) pixel coordinates."""
    width = 1024
    # At least one: OpenCV refuses empty maps, and a view may hold no wall, or no floor, at all.
    rows = max(1, -(-len(u) // width))
    padded = np.zeros((2, rows * width), np.float32)
    padded[:, : len(u)] = u, v
    found = cv2.remap(image, *padded.reshape(2, rows, width), cv2.INTER_LINEAR, borderMode=border)
    return found.reshape(rows * width, *image.shape[2:])[: len(u)].astype(np.float32, copy=False)
