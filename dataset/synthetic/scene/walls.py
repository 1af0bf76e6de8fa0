"""Walls of a room, or the horizon of an open place, as one panorama."""

import cv2
import numpy as np

from dataset.synthetic.scene.textures import INDOOR, OUTDOOR, draw_colour, noise

#: Pixels: once around, and from the floor to the top.
WALL_WIDTH, WALL_HEIGHT = 4096, 512


def wall_panorama(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """(WALL_HEIGHT, WALL_WIDTH, 3) uint8, its first row at the top."""
    picture = np.zeros((WALL_HEIGHT, WALL_WIDTH, 3), np.float32)
    blotch = noise(rng, WALL_HEIGHT, (8, 16, 64), WALL_WIDTH)[..., None]
    if outdoors:
        sky = np.array([0.84, 0.89, 0.95]) * rng.uniform(0.8, 1.0)
        far = np.array([0.28, 0.36, 0.18]) * rng.uniform(0.6, 1.5, 3)
        skyline = 0.25 + 0.3 * rng.random() + 0.08 * blotch[WALL_HEIGHT // 2][None]
        sky, far = (sky * 255).astype(np.float32), (far * 255).astype(np.float32)
        up = np.linspace(1, 0, WALL_HEIGHT, dtype=np.float32)[:, None, None]
        picture[:] = np.where(up > skyline, sky, far * (1 + 0.25 * blotch))
    else:
        wall = (draw_colour(rng, INDOOR[:4], 0.05) * 255).astype(np.float32)
        picture[:] = wall * (1 + 0.03 * blotch)
        skirting = int(rng.integers(6, 24))
        picture[-skirting:] = draw_colour(rng, INDOOR, 0.0) * 255
    palette = OUTDOOR if outdoors else INDOOR
    for _ in range(int(rng.integers(10, 40))):
        _paint_rectangle(rng, picture, palette)
    for _ in range(int(rng.integers(6, 60) if outdoors else rng.integers(0, 8))):
        _paint_bush(rng, picture)
    picture *= 1 + 0.05 * blotch
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def _paint_rectangle(rng: np.random.Generator, picture: np.ndarray, palette: np.ndarray) -> None:
    """Furniture, a door, a window or a picture."""
    x = int(rng.integers(0, WALL_WIDTH - 10))
    wide, kind = int(rng.uniform(30, 320)), rng.random()
    if kind < 0.3:  # stands on the floor
        low, high = 0, rng.uniform(0.15, 0.8)
    elif kind < 0.65:  # window or picture
        low, high = rng.uniform(0.3, 0.5), rng.uniform(0.15, 0.4)
    else:
        low, high = rng.uniform(0.0, 0.6), rng.uniform(0.05, 0.3)
    low = low * WALL_HEIGHT
    high = low + high * WALL_HEIGHT
    colour = draw_colour(rng, palette) * 255
    if kind >= 0.3 and rng.random() < 0.4:  # a window, with the light behind it
        colour = np.array([250.0, 250.0, 245.0]) * rng.uniform(0.85, 1.0)
    corners = (x, int(WALL_HEIGHT - high)), (x + wide, int(WALL_HEIGHT - low))
    cv2.rectangle(picture, *corners, colour.tolist(), -1)
    if rng.random() < 0.5:
        frame = (draw_colour(rng, palette, 0.0) * 255).tolist()
        cv2.rectangle(picture, *corners, frame, int(rng.integers(2, 10)))


def _paint_bush(rng: np.random.Generator, picture: np.ndarray) -> None:
    """A bush, or a plant in a room."""
    x, radius = int(rng.integers(0, WALL_WIDTH)), int(rng.integers(15, 110))
    colour = np.array([72, 86, 48]) * rng.uniform(0.5, 1.4) * rng.normal(1.0, 0.1, 3)
    for _ in range(14):
        dx, dy = rng.normal(0, 0.45, 2) * radius
        spot = (int(x + dx), int(WALL_HEIGHT - radius * 0.8 + dy))
        tone = (colour * rng.uniform(0.6, 1.4)).tolist()
        cv2.circle(picture, spot, max(3, int(radius * 0.35)), tone, -1)
