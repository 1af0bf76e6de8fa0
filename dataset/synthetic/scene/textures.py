"""Textures: smooth noise, smaller copies, and samples between pixels."""

import cv2
import numpy as np


def noise(rng: np.random.Generator, size: int, octaves: tuple[int, ...], wide: int = 0):
    """Periodic smooth noise: (size, wide or size) float32 of about zero mean, unit deviation."""
    wide = wide or size
    total = np.zeros((size, wide), np.float32)
    for cells in octaves:
        grid = rng.standard_normal((cells, max(1, cells * wide // size))).astype(np.float32)
        padded = np.pad(grid, 2, mode="wrap")
        scale = size // cells
        big = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += big[2 * scale : 2 * scale + size, 2 * scale : 2 * scale + wide] / cells**0.5
    return total / max(float(total.std()), 1e-6)


def mipmap(texture: np.ndarray, levels: int = 5) -> list[np.ndarray]:
    """The texture and its halves, finest first."""
    stack = [texture]
    for _ in range(levels - 1):
        stack.append(cv2.resize(stack[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return stack


def sample(
    texture: np.ndarray, u: np.ndarray, v: np.ndarray, border: int = cv2.BORDER_WRAP
) -> np.ndarray:
    """Bilinear samples (N,) or (N, 3) float32 of a texture at (N,) pixel coordinates."""
    width = 1024
    # At least one: OpenCV refuses empty maps, and a view may hold no wall, or no floor, at all.
    rows = max(1, -(-len(u) // width))
    padded = np.zeros((2, rows * width), np.float32)
    padded[0, : len(u)], padded[1, : len(v)] = u, v
    grid = padded.reshape(2, rows, width)
    found = cv2.remap(texture, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=border)
    return found.reshape(rows * width, *texture.shape[2:])[: len(u)].astype(np.float32, copy=False)
