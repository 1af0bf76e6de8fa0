"""Light that falls on a floor, and what a glossy floor mirrors of it."""

import cv2
import numpy as np

from dataset.synthetic.scene.textures import noise

#: Side of the maps of the light on the floor and of what a glossy floor mirrors, in centimetres.
LIGHT_CM, LAMPS_CM = 700.0, 900.0
_SIZE = 256


def light_map(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """Share of the main light that reaches the floor: (S, S) float32 in [0, 1]."""
    kind = rng.random()
    if outdoors:
        if kind < 0.5:
            return np.ones((_SIZE, _SIZE), np.float32)
        leaves = noise(rng, _SIZE, (8, 16, 32))  # sun through leaves
        shade = np.clip(2.5 * (leaves + rng.uniform(-0.6, 0.8)) + 0.5, 0, 1)
        return cv2.GaussianBlur(shade, (0, 0), 1.0)
    if kind < 0.5:  # lamps: even, with a soft pool
        v, u = np.mgrid[:_SIZE, :_SIZE] / _SIZE - rng.uniform(0.3, 0.7, 2)[:, None, None]
        return np.exp(-(u**2 + v**2) / rng.uniform(0.1, 0.5)).astype(np.float32)
    light = np.full((_SIZE, _SIZE), rng.uniform(0.1, 0.35), np.float32)
    turn, slant = rng.uniform(0, np.pi), rng.uniform(-0.6, 0.6)
    c, s = np.cos(turn), np.sin(turn)
    for number in range(int(rng.integers(1, 4))):  # windows with their panes
        centre = rng.uniform(0.2, 0.8, 2) * _SIZE + number * 20
        panes = int(rng.integers(1, 4))
        wide, high = rng.uniform(14, 40), rng.uniform(24, 60)
        for pane in range(panes):
            for storey in range(2):
                x = (pane - panes / 2) * wide * 1.15 + np.array([0, wide, wide, 0])
                y = (storey - 1) * high * 1.1 + np.array([0, 0, high, high])
                x = x + slant * y
                corners = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], -1)
                cv2.fillConvexPoly(light, corners.astype(np.int32), 1.0)
    return cv2.GaussianBlur(light, (0, 0), rng.uniform(0.8, 3.0))


def lamps(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """What a floor mirrors from above: (S, S) float32, 1 as bright as white."""
    if outdoors:  # sky between branches
        sky = noise(rng, _SIZE, (4, 8, 16, 32))
        sky = np.clip(1.6 * (sky - rng.uniform(-0.3, 0.9)), 0, 1) * rng.uniform(1, 5)
        return sky.astype(np.float32)
    picture = np.full((_SIZE, _SIZE), rng.uniform(0.1, 0.3), np.float32)
    for _ in range(int(rng.integers(4, 18))):
        centre = rng.integers(0, _SIZE, 2)
        bright = float(rng.uniform(2.0, 14.0))
        if rng.random() < 0.5:
            cv2.circle(picture, centre.tolist(), int(rng.integers(3, 14)), bright, -1)
        else:
            half = rng.integers(4, 26, 2)
            cv2.rectangle(picture, (centre - half).tolist(), (centre + half).tolist(), bright, -1)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(1.5, 5.0), borderType=cv2.BORDER_REFLECT)
